"""Where Hydra looks for launchers and sweepers: ours are `hydra/launcher=hookline` and `hydra/sweeper=hookline`."""

from hookline.sweeps.hydra import launcher, options, sweeper

options.store_options(__name__)


class HooklineLauncher(launcher.HooklineLauncher):
    """Hydra takes only classes that are defined here."""


class HooklineSweeper(sweeper.HooklineSweeper):
    """Hydra takes only classes that are defined here."""
