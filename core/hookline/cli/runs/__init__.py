"""Verbs of runs and sweeps."""
