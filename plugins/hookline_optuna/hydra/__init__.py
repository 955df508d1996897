"""The sweeper for Hydra, its options and its grammar."""
