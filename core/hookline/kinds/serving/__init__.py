"""What a deployer that answers requests is given, and must be able to do."""
