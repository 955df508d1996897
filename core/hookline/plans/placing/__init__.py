"""What a config places in a run: components, alone or in feature sets."""
