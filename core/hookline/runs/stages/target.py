"""What is predicted, as the labels of all rows say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hookline.data.target import target_of
from hookline.errors import DataError
from hookline.kinds.artifacts import Split, Target
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import every

from ..execution import StageKind
from ..parts import fitted_in

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

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
    check_task(target, task, (*run.plan.of("trainer"), *run.plan.of("evaluator")))
    return target


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
