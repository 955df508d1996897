"""Where Hydra looks for sweepers: ours that searches is `hydra/sweeper=optuna`; every start reads this, so it is light."""

from hookline.sweeps.hydra.standins import SweeperStandIn
from hookline_optuna.hydra import options

options.store_options(__name__)


class OptunaSweeper(SweeperStandIn):
    """Hydra takes only classes that are defined here."""

    real = "hookline_optuna.hydra.sweeper:OptunaSweeper"
