"""Where Hydra looks for launchers: ours for many machines is `hydra/launcher=ray`; every start reads this, so it is light."""

from hookline_ray import launcher

launcher.store_options(__name__)


class RayLauncher(launcher.RayLauncher):
    """Hydra takes only classes that are defined here."""
