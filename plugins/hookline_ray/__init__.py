"""Ray: sweeps on many machines, by `hydra/launcher=ray`; ray itself is imported by a sweep only."""
