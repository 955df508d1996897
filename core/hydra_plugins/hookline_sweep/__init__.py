"""Where Hydra looks for launchers and sweepers: ours are `hydra/launcher=hookline` and `hydra/sweeper=hookline`."""

from hookline.sweeps.hydra import options
from hookline.sweeps.hydra.standins import LauncherStandIn, SweeperStandIn

options.store_options(__name__)


class HooklineLauncher(LauncherStandIn):
    """Hydra takes only classes that are defined here."""

    real = "hookline.sweeps.hydra.launcher:HooklineLauncher"


class HooklineSweeper(SweeperStandIn):
    """Hydra takes only classes that are defined here."""

    real = "hookline.sweeps.hydra.sweeper:HooklineSweeper"
