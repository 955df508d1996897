"""What `hydra.sweeper.*` may say of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName
from hookline.plans.hydra.compose import store_config

from ..pruners import all_options

if TYPE_CHECKING:
    from ..study import Direction


@dataclass
class SweeperConf:
    """What `hydra.sweeper.*` says."""

    _target_: str
    sampler: str | None = None
    """tpe, cmaes, gp, nsga2, random or grid; null is tpe, and nsga2 for several metrics."""
    n_trials: int | None = None
    """How many trials the study is to have; null is 20, and every point for grid."""
    n_jobs: int | None = None
    """Trials asked for at a time; null is one a worker of the launcher."""
    metric: Any = None
    """A metric, or several, for which the study then seeks the Pareto front; null is the one that heads the report."""
    direction: Any = None
    """minimize (the default) or maximize what another Hydra application returns; a metric of hookline knows its own."""
    spaces: list[str] = field(default_factory=list)
    """Kinds whose fields are searched between the bounds that components themselves give."""
    seed: int | None = None
    """Of the sampler; null is the run's."""
    study: str | None = None
    """A study to go on with: `last`, its id, or the id's first letters."""
    warm_start: str | None = None
    """An earlier sweep, by `last`, its id, or the id's first letters, whose trials a new study begins with."""
    pruner: str | None = None
    """median, percentile, successive_halving, hyperband, patient or none; null is none, or what the study began with."""
    pruner_options: Any = field(default_factory=all_options)
    """Of the pruner, under optuna's own names; null leaves them as optuna has them."""
    params: dict[str, str] = field(default_factory=dict)
    """Overrides to search, as on the command line, for config files."""


def store_options(package: str) -> None:
    """Make the sweeper an option of Hydra; `package` is where it finds it."""
    conf = SweeperConf(f"{package}.OptunaSweeper")
    store_config("optuna", conf, "hydra/sweeper")


def names_in(given: Any) -> tuple[str, ...]:
    """Return names that were given as one, as several or not at all."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def directions_in(given: Any) -> tuple[Direction, ...]:
    """Return directions that were given as one, as several or not at all; raises UnknownName."""
    for name in (names := names_in(given)):
        if name not in ("minimize", "maximize"):
            raise UnknownName("direction", name, ("minimize", "maximize"))
    return tuple("maximize" if name == "maximize" else "minimize" for name in names)


def options_in(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, null being none."""
    return {str(key): value for key, value in options.items() if value is not None}
