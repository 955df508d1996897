"""What a column makes the target: classes or numbers, and whether they can be learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .artifacts import Target
from .errors import DataError
from .frames import count_rows
from .planning import Stage
from .split import MAX_CLASSES, is_label

if TYPE_CHECKING:
    import polars as pl

LARGEST = 1e150
"""The largest number that may be predicted: sums of squared errors must be numbers too."""


def target_of(labels: pl.LazyFrame, name: str, task: str) -> Target:
    """Return the target that a column is, for `task` as config says it; raises DataError where nothing can be learned."""
    if task == "regression" or (task == "auto" and not is_label(labels, name)):
        _require_numbers(labels, name)
        return Target(name, "regression")
    return _class_target(labels, name)


def check_task(target: Target, asked: str, stages: Iterable[Stage]) -> None:
    """Raise DataError where a target is not of the task asked for, or a stage cannot learn or judge it."""
    if asked not in ("auto", target.task) and not (asked == "multiclass" and target.task == "binary"):
        raise DataError(f"task={asked}, but the target '{target.name}' has {len(target.classes)} classes")
    for stage in stages:
        component: Any = stage.component
        tasks = component.tasks
        if target.task not in tasks:
            raise DataError(
                f"{stage.kind} '{stage.name}' is for {' or '.join(sorted(tasks))}, "
                f"but the target '{target.name}' calls for {target.task}",
                hint="choose another, or say what is meant with task=...",
            )


def _class_target(labels: pl.LazyFrame, name: str) -> Target:
    import polars as pl

    if labels.collect_schema()[name].is_temporal():
        raise DataError(
            f"the target '{name}' is a time, which is neither a class nor a number",
            hint="add transform=[cast], or predict something of it",
        )
    # A class whose label met a missing value or a table format on the way may have become 1.0; it is still the label 1.
    column = labels.select(pl.col(name).drop_nulls().unique().sort()).collect()[name]
    if column.dtype.is_float() and (column == column.round()).all():
        column = column.cast(pl.Int64)
    classes = tuple(column.cast(pl.String).to_list() if column.dtype in (pl.Categorical, pl.Enum) else column.to_list())
    if len(classes) < 2:
        raise _constant(name, *classes)
    if len(classes) > MAX_CLASSES and len(classes) == count_rows(labels.drop_nulls()):
        raise DataError(
            f"the target '{name}' has a value of its own in every row, so it is no class",
            hint="name another target, or make it a number: source.dtypes, transform=[cast] or task=regression",
        )
    return Target(name, "binary" if len(classes) == 2 else "multiclass", classes)


def _require_numbers(labels: pl.LazyFrame, name: str) -> None:
    import polars as pl

    if not labels.collect_schema()[name].is_numeric():
        raise DataError(f"task=regression, but the target '{name}' does not hold numbers")
    value = pl.col(name).cast(pl.Float64)
    facts = {"infinite": (~value.is_finite()).sum(), "low": value.min(), "high": value.max()}
    found = labels.select(**facts).collect().row(0, named=True)
    if found["infinite"]:
        raise DataError(f"the target '{name}' is infinite or not a number in {found['infinite']} rows")
    extreme = max(-(found["low"] or 0.0), found["high"] or 0.0)
    if extreme > LARGEST:
        raise DataError(
            f"the target '{name}' holds numbers beyond {LARGEST:g}, whose squares no float64 holds",
            hint="scale it at the source",
        )
    if labels.collect_schema()[name].is_integer() and extreme > 2**53:
        raise DataError(
            f"the target '{name}' holds whole numbers beyond 2^53, which float64 cannot tell from their neighbors",
            hint="take a constant off it, or scale it, at the source",
        )
    if found["low"] == found["high"]:
        raise _constant(name, *([] if found["low"] is None else [found["low"]]))


def _constant(name: str, *value: object) -> DataError:
    told = f"has one value only, {value[0]!r}" if value else "is missing everywhere"
    return DataError(f"the target '{name}' {told}", hint="there is nothing to learn; is it the right column?")
