"""What the columns of a source say against a plan, where they are known before any row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hookline.data.frames import require_columns
from hookline.errors import ConfigError, DataError, PlanError, Problem, suggestion
from hookline.kinds.artifacts import Roles
from hookline.kinds.capabilities import KnowsColumns, measured_by
from hookline.kinds.features.telling import AddsColumns
from hookline.kinds.kinds import Evaluator, Source, Trainer, Transform
from hookline.registry.registry import Registry
from hookline.registry.remedies import add_remedies

from .chain import check_gates_are_measured
from .config import RunConfig
from .gates import SLICE
from .keywords import DEFAULTS
from .placing.tasks import unfit

if TYPE_CHECKING:
    import polars as pl

CLASSES = frozenset({"binary", "multiclass"})


def check_columns(registry: Registry, config: RunConfig, source: Source, roles: Roles) -> None:
    """Raise DataError for roles of columns that a source has not, PlanError for a target that a stage is not for."""
    held = source.columns_ahead() if isinstance(source, KnowsColumns) else None
    if held is None:
        return
    named = (roles.target, roles.id, roles.time, roles.weight, roles.group, *roles.ignore)
    try:
        require_columns([name for name in named if name], list(held), "roles")
    except DataError as error:
        add_remedies(error, registry.remedies, config.plain())
        raise
    _check_slices(config, held)
    _check_sets(config, held, str(roles.target))
    # A transform may make numbers of a target of texts.
    if config.options.task == "auto" and not config.components["transform"]:
        _check_target(registry, config, held, str(roles.target))


def for_task(registry: Registry, kind: str, task: str) -> str:
    """Return which components of a kind to choose for a task, first the usual one, then those that are for every task."""
    able = [cls for cls in registry.classes(kind) if issubclass(cls, (Trainer, Evaluator)) and task in cls.tasks]
    usual = [DEFAULTS[kind]] if isinstance(DEFAULTS[kind], str) else DEFAULTS[kind]

    def rank(cls: type[Trainer | Evaluator]) -> tuple[bool, int, bool]:
        return cls.name not in usual, -len(cls.tasks), not getattr(cls, "measures", True)

    first, *others = [cls.name for cls in sorted(able, key=rank)]
    word = first if kind == "trainer" else f"[{first}]"
    return f"{kind}={word}" + (f", or another that is for {task}: {', '.join(others)}" if others else "")


def _check_slices(config: RunConfig, held: Mapping[str, pl.DataType | None]) -> None:
    """Raise ConfigError where an evaluator would measure slices of a column that the rows have not."""
    if any(
        isinstance(one.component, Transform) and one.component.applies == "dataset"
        for one in config.components["transform"]
    ):
        # It may add the column.
        return
    problems = []
    for placed in config.components["evaluator"]:
        measured = measured_by(placed.component) if isinstance(placed.component, Evaluator) else None
        names = {
            name for several in (measured or {}).values() for name in several if "=" in name and name.startswith(SLICE)
        }
        for column in sorted({name.removeprefix(SLICE).partition("=")[0] for name in names} - {"*", *held}):
            told = f"the rows have no column '{column}'; {suggestion(column, list(held), 'column')}"
            problems.append(Problem(f"{placed.key}.columns", told))
    if problems:
        raise ConfigError("bad config", problems)


def _check_sets(config: RunConfig, held: Mapping[str, pl.DataType | None], target: str) -> None:
    """Raise ConfigError where a feature set computes from a column that is not there, or from what is to be predicted."""
    own = any(not placed.within for placed in config.components["transform"])
    # A transform of the run may add the column.
    problems = [] if own else list(_wrong_in_sets(config, {*held}, target))
    if problems:
        raise ConfigError("bad config", problems)


def _wrong_in_sets(config: RunConfig, known: set[str], target: str) -> Iterator[Problem]:
    """Yield what is wrong with definitions, up to one of which nobody knows what it adds, since others may go by that."""
    for name, one in config.sets.items():
        for step, definition in one.definitions.items():
            added = definition.added() if isinstance(definition, AddsColumns) else {}
            for column, derived in added.items():
                where = f"features.{name}.definitions.{step}"
                for absent in (needed for needed in derived.inputs if needed not in known):
                    told = f"'{column}' is computed from '{absent}', which the rows have not"
                    yield Problem(where, f"{told}; {suggestion(absent, known, 'column')}")
                if column in known:
                    yield Problem(where, f"adds '{column}', which the rows have already; give it another name")
                if target in derived.inputs:
                    yield Problem(where, f"'{column}' is computed from '{target}', which is to be predicted")
                known.add(column)
            if not added or any(column.endswith("*") for column in added):
                return


def _check_target(registry: Registry, config: RunConfig, held: Mapping[str, pl.DataType | None], target: str) -> None:
    import polars as pl

    dtype = held[target]
    if dtype is None or dtype not in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return
    for placed in (*config.components["trainer"], *config.components["evaluator"]):
        one = placed.component
        if isinstance(one, (Trainer, Evaluator)) and not one.tasks & CLASSES:
            raise PlanError(
                f"{one.kind} '{one.name}' is for regression, but the target '{target}' holds {dtype} values, "
                "which are classes",
                hint=for_task(registry, one.kind, "binary"),
            )
        for option in unfit(one, placed.key, CLASSES):
            raise PlanError(
                f"{option}, but the target '{target}' holds {dtype} values, which are classes",
                hint=f"{option.hint} leaves it out",
            )
    check_gates_are_measured(config, CLASSES)
