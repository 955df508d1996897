"""Our launcher and sweeper for Hydra, which know Hydra; the rest of the sweeps does not."""
