"""What is predicted, as the labels of all rows say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hookline.data.target import target_of
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset, Split, Target
from hookline.packages.pipeline import apply_transforms
from hookline.plans.ahead import for_task
from hookline.plans.placing.tasks import unfit
from hookline.plans.plan import every

from ..execution import StageKind
from ..parts import fitted_in

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Stage
    from hookline.registry.registry import Registry

    from ..execution import Execution


def _make(run: Execution, stage: Stage) -> Target:
    """Find out what is predicted; raises DataError where it cannot be, or not by these components."""
    import polars as pl

    split: Split = run.value("split")
    name = str(run.plan.roles.target)
    always = fitted_in(run, "always")
    parts = [part.frame for part in (split.train, split.valid, split.test) if part]
    labels = pl.concat([apply_transforms(always, part).select(name) for part in parts])
    task = run.plan.config.options.task
    target = target_of(labels, name, task)
    check_task(run.registry, target, task, (*run.plan.of("trainer"), *run.plan.of("evaluator")))
    rows = split.train.with_frame(apply_transforms(fitted_in(run, "training", "always"), split.train.frame))
    _check_weights(rows)
    if target.classes:
        _check_classes(rows, target, split, labels)
    return target


def _check_weights(train: Dataset) -> None:
    """Raise DataError where weights of training rows are missing or negative, or none weighs."""
    import polars as pl

    if train.roles.weight is None:
        return
    weight = pl.col(train.roles.weight).cast(pl.Float64)
    found = train.frame.select(good=(weight >= 0).fill_null(value=False).all(), total=weight.sum()).collect()
    if not found["good"].item() or not found["total"].item() > 0:
        raise DataError(f"the weights in '{train.roles.weight}' must be present, none negative, and not all zero")


def _check_classes(train: Dataset, target: Target, split: Split, labels: pl.LazyFrame) -> None:
    """Raise DataError where the rows to learn from are all of one class. labels: of all rows, in whatever part."""
    import polars as pl

    column = pl.col(target.name)
    there = train.frame.select(column.drop_nulls().value_counts()).unnest(target.name).collect()
    heavy = train.weighing().frame.select(column.drop_nulls().unique()).collect()[target.name]
    if len(heavy) > 1:
        return
    only = f"'{heavy.item()}'" if len(heavy) else "any class"
    text = f"the rows to learn from are all of class {only} of '{target.name}', so there is nothing to tell apart"
    if there.height > 1:
        others = int(there.filter(~column.is_in(heavy.implode()))["count"].sum())
        raise DataError(
            f"{text}: the other {others:,} weigh 0 in '{train.roles.weight}'",
            hint="give rows of each class a weight above 0, or name no roles.weight",
        )
    total = int(labels.select((~column.is_in(heavy.implode())).sum()).collect().item())
    text += f": of its {int(there['count'].sum()):,} training rows none is of another, and the {split.method} split "
    text += f"put all {total:,} rows of other classes into the other parts"
    raise DataError(text, hint=_otherwise(split.method))


def _otherwise(method: str) -> str:
    if method == "stratified":
        return "a class needs at least 2 rows, one to learn from and one to judge by"
    return "split.method=stratified has rows of each class in both parts"


def check_task(registry: Registry, target: Target, asked: str, stages: Iterable[Stage]) -> None:
    """Raise DataError where a target is not of the task asked for, or a stage cannot learn or judge it."""
    if asked not in ("auto", target.task) and not (asked == "multiclass" and target.task == "binary"):
        raise DataError(f"task={asked}, but the target '{target.name}' has {len(target.classes)} classes")
    told = f"the target '{target.name}' calls for {target.task}"
    for stage in stages:
        component: Any = stage.component
        tasks = component.tasks
        if target.task not in tasks:
            raise DataError(
                f"{stage.kind} '{stage.name}' is for {' or '.join(sorted(tasks))}, but {told}",
                hint=for_task(registry, stage.kind, target.task),
            )
        for one in unfit(component, stage.key, {target.task}):
            raise DataError(f"{one}, but {told}", hint=f"{one.hint} leaves it out")


def _summarize(target: Target) -> str:
    classes = f", {len(target.classes)} classes" if target.classes else ""
    return f"{target.task} target '{target.name}'{classes}"


STAGE = StageKind(
    kind="target",
    module=__name__,
    takes=every("split", "transform"),
    makes=Target,
    parts=lambda meant: {"task": meant.config.options.task},
    make=_make,
    summarize=_summarize,
)
