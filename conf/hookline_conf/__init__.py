"""The Hydra config package: the root config and the experiments."""
