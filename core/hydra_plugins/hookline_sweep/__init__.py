"""Where Hydra looks for launchers and sweepers: ours are `hydra/launcher=hookline` and `hydra/sweeper=hookline`."""

from hookline.sweeps import launcher

launcher.store_options(__name__)


class HooklineLauncher(launcher.HooklineLauncher):
    """Hydra takes only classes that are defined here."""


class HooklineSweeper(launcher.HooklineSweeper):
    """Hydra takes only classes that are defined here."""
