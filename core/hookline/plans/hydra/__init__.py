"""The only place that knows Hydra, with sweeps and the launchers' plugins."""
