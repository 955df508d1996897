"""Optuna: sweeps that search, by `hydra/sweeper=optuna`; optuna itself is imported by a search only."""
