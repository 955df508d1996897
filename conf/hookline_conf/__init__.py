"""The Hydra config package: the root config, experiments and sweep presets."""
