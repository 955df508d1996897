"""What proposes trials: optuna's samplers by name, as we set them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hookline.errors import MissingBackend, UnknownName, UsageError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

SINGLE = ("cmaes",)
"""Samplers that know one metric only."""

POPULATION = 50
"""Optuna's own size of a generation, which a short study would never fill."""


def check_sampler(name: str, metrics: int) -> None:
    """Raise UnknownName, UsageError or MissingBackend unless a sampler is there and fits the number of metrics."""
    from importlib.util import find_spec

    if name not in SAMPLERS:
        raise UnknownName("sampler", name, SAMPLERS)
    if name in SINGLE and metrics > 1:
        raise UsageError(f"sampler '{name}' knows one metric only", hint="take nsga2, tpe, gp, random or grid")
    if name == "gp" and find_spec("torch") is None:
        raise MissingBackend("sampler 'gp'", "torch", "torch")
    if name == "cmaes" and find_spec("cmaes") is None:
        raise MissingBackend("sampler 'cmaes'", "cmaes", "optuna")


def build_sampler(name: str, seed: int, metrics: int, trials: int | None) -> BaseSampler:
    """Return a sampler for so many metrics, and so many trials where that is known."""
    return SAMPLERS[name](seed, metrics, trials)


def _tpe(seed: int, metrics: int, trials: int | None) -> BaseSampler:
    from optuna.samplers import TPESampler

    # Groups: parameters that hang on the same component are drawn together, and those of others do not thin them out.
    several = metrics > 1
    return TPESampler(seed=seed, multivariate=not several, group=not several, constant_liar=True)


def _cmaes(seed: int, metrics: int, trials: int | None) -> BaseSampler:
    from optuna.samplers import CmaEsSampler, TPESampler

    other = TPESampler(seed=seed, constant_liar=True)
    return CmaEsSampler(seed=seed, independent_sampler=other, warn_independent_sampling=False)


def _gp(seed: int, metrics: int, trials: int | None) -> BaseSampler:
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed)


def _nsga2(seed: int, metrics: int, trials: int | None) -> BaseSampler:
    from optuna.samplers import NSGAIISampler

    size = POPULATION if trials is None else min(POPULATION, max(4, trials // 4))
    return NSGAIISampler(seed=seed, population_size=size)


def _random(seed: int, metrics: int, trials: int | None) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SAMPLERS: Mapping[str, Callable[[int, int, int | None], BaseSampler]] = {
    "tpe": _tpe,
    "cmaes": _cmaes,
    "gp": _gp,
    "nsga2": _nsga2,
    "random": _random,
    "grid": _random,  # Its points are queued; nothing is left to draw.
}
