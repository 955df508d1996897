"""Checks on evaluators that explain single answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError
from hookline.kinds.artifacts import Task
from hookline.kinds.capabilities import Explains
from hookline.kinds.reports import Explanation
from hookline.packages.pipeline import Pipeline

from ..fits import models_at_hand
from ..subject import CheckFunction, Subject
from ..tables.pipelines import fitted_features, pipeline_around

if TYPE_CHECKING:
    import polars as pl

EXPLAINED = 5
"""Rows that are explained; what is ordinary, the training rows say."""


def check_explains_each_column_and_row(subject: Subject) -> None:
    """An explanation has a finite number for each raw column and row, and one for each row that they start from."""
    import numpy as np

    for task, pipeline, rows, background in _explained(subject):
        made = _explain(subject, pipeline, rows, background)
        wanted = (rows.height, len(pipeline.schema.names))
        if sorted(made.columns) != sorted(pipeline.schema.names):
            subject.fail(
                f"explains the columns {', '.join(made.columns)}, not each raw column of the pipeline's schema."
            )
        if made.values.shape != wanted or made.base.shape != (rows.height,):
            subject.fail(
                f"explains {rows.height} rows of {wanted[1]} columns by values of shape {made.values.shape} and a base of "
                f"shape {made.base.shape}; make them {wanted} and ({rows.height},)."
            )
        if not (np.isfinite(made.values).all() and np.isfinite(made.base).all()):
            subject.fail(f"explains an answer by a number that is not finite, on a {task} table.")
        if not made.method.strip():
            subject.fail("does not say by which method it explains.")


def check_explains_the_same_twice(subject: Subject) -> None:
    """Explaining the same rows twice gives the same numbers."""
    import numpy as np

    for task, pipeline, rows, background in _explained(subject):
        first, second = (_explain(subject, pipeline, rows, background) for _ in range(2))
        if not (np.array_equal(first.values, second.values) and np.array_equal(first.base, second.base)):
            subject.fail(f"two explanations of the same {task} rows differ; give every random choice a `seed` field.")


def _explain(subject: Subject, pipeline: Pipeline[Any], rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
    made: Explanation = subject.component.explain(pipeline, rows, background)
    return made


def _explained(subject: Subject) -> Iterator[tuple[Task, Pipeline[Any], pl.DataFrame, pl.DataFrame]]:
    """Return for each task a pipeline that the component can explain, rows, and what is ordinary."""
    if not isinstance(subject.component, Explains):
        return
    for task in subject.tasks():
        sample = subject.rows(task)
        rows, background = sample.unlabeled().head(EXPLAINED).collect(), sample.train.frame.collect()
        background = background.drop(sample.target.name)
        yield task, _explainable(subject, task, rows, background), rows, background


def _explainable(subject: Subject, task: Task, rows: pl.DataFrame, background: pl.DataFrame) -> Pipeline[Any]:
    """Return a pipeline around the first model at hand that is not refused; fails where all are."""
    sample = subject.rows(task)
    refused = ""
    for make in models_at_hand(fitted_features(sample.train, sample.target)):
        model = make()
        if model is None:
            continue
        pipeline = pipeline_around(model, sample)
        try:
            subject.component.explain(pipeline, rows, background)
        except HooklineError as error:
            refused = error.message
            continue
        return pipeline
    return subject.fail(f"explains no model at hand on a {task} table: {refused}")


CHECKS: tuple[CheckFunction, ...] = (check_explains_each_column_and_row, check_explains_the_same_twice)
