"""When a trial is stopped early: optuna's pruners by name, with options that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from hookline.errors import UnknownName, UsageError
from hookline.registry.values import validate

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

NONE = "none"
"""Says that nothing is to be pruned, also in a study that was pruned before."""
OPTIONS = "hydra.sweeper.pruner_options"


@dataclass(frozen=True, kw_only=True)
class Pruner:
    """Options of one of optuna's pruners, under optuna's own names."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}
    cls: ClassVar[str]

    def build(self) -> BasePruner:
        """Return optuna's own."""
        import optuna

        built: BasePruner = getattr(optuna.pruners, self.cls)(**asdict(self))
        return built


@dataclass(frozen=True, kw_only=True)
class Median(Pruner):
    """Stops a trial that is worse than the median, at the same step, of the trials that finished."""

    cls = "MedianPruner"
    n_startup_trials: Annotated[int, Ge(0)] = 5
    """Trials that must have finished before one is stopped."""
    n_warmup_steps: Annotated[int, Ge(0)] = 0
    """No trial is stopped before this step."""
    interval_steps: Annotated[int, Gt(0)] = 1
    """Steps between two decisions."""
    n_min_trials: Annotated[int, Gt(0)] = 1
    """Trials that must have reported a step before one is stopped at it."""


@dataclass(frozen=True, kw_only=True)
class Percentile(Median):
    """Stops a trial that is not among the best `percentile` per cent, at the same step, of the trials that finished."""

    cls = "PercentilePruner"
    percentile: Annotated[float, Interval(ge=0, le=100)] = 25.0


@dataclass(frozen=True, kw_only=True)
class SuccessiveHalving(Pruner):
    """Lets one in `reduction_factor` trials go on at each rung (Li et al. 2020, "A System for Massively Parallel ...")."""

    cls = "SuccessiveHalvingPruner"
    min_resource: Annotated[int, Gt(0)] | Literal["auto"] = "auto"
    """The step of the first rung."""
    reduction_factor: Annotated[int, Ge(2)] = 4
    min_early_stopping_rate: Annotated[int, Ge(0)] = 0
    bootstrap_count: Annotated[int, Ge(0)] = 0
    """Trials that must have reached a rung before one goes on from it."""


@dataclass(frozen=True, kw_only=True)
class Hyperband(Pruner):
    """Successive halving with several first rungs (Li et al. 2018, "Hyperband")."""

    cls = "HyperbandPruner"
    min_resource: Annotated[int, Gt(0)] = 1
    max_resource: Annotated[int, Gt(0)] | Literal["auto"] = "auto"
    """The last step; `auto` takes it from the trials that finished."""
    reduction_factor: Annotated[int, Ge(2)] = 3
    bootstrap_count: Annotated[int, Ge(0)] = 0


@dataclass(frozen=True, kw_only=True)
class Patient(Pruner):
    """Stops a trial that was better before its last `patience` steps, whatever the others do."""

    cls = "PatientPruner"
    patience: Annotated[int, Ge(0)] = 10
    min_delta: Annotated[float, Ge(0)] = 0.0
    """By how much it was better."""

    def build(self) -> BasePruner:
        """Return optuna's own, around no other."""
        from optuna.pruners import PatientPruner

        return PatientPruner(None, self.patience, self.min_delta)


PRUNERS: Mapping[str, type[Pruner]] = {
    "median": Median,
    "percentile": Percentile,
    "successive_halving": SuccessiveHalving,
    "asha": SuccessiveHalving,
    "hyperband": Hyperband,
    "patient": Patient,
}


def all_options() -> dict[str, None]:
    """Return the options of every pruner, none of them given, so that Hydra takes each without a `+`."""
    return dict.fromkeys(sorted({field.name for cls in PRUNERS.values() for field in fields(cls)}))


def read_pruner(name: str | None, options: Mapping[str, Any]) -> Pruner | None:
    """Return a pruner's options; None where there is to be none. Raises UnknownName, UsageError or ConfigError."""
    if name in (None, NONE):
        if options:
            raise UsageError(f"{OPTIONS}: no pruner is chosen", hint=f"hydra.sweeper.pruner={next(iter(PRUNERS))}")
        return None
    if name not in PRUNERS:
        raise UnknownName("pruner", str(name), (NONE, *PRUNERS))
    return validate(PRUNERS[name], options, OPTIONS, f"bad options of pruner '{name}'")
