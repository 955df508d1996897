"""Where Hydra looks for sweepers: ours that searches is `hydra/sweeper=optuna`; every start reads this, so it is light."""

from hookline_optuna.hydra import options, sweeper

options.store_options(__name__)


class OptunaSweeper(sweeper.OptunaSweeper):
    """Hydra takes only classes that are defined here."""
