"""Where Hydra looks for launchers: ours for many machines is `hydra/launcher=ray`; every start reads this, so it is light."""

from hookline.sweeps.hydra.standins import LauncherStandIn
from hookline_ray import options

options.store_options(__name__)


class RayLauncher(LauncherStandIn):
    """Hydra takes only classes that are defined here."""

    real = "hookline_ray.launcher:RayLauncher"
