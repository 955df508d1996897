"""Checks on transforms."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.capabilities import ExportsOnnx
from hookline.kinds.plain import from_json, to_json
from hookline.packages.pipeline import FittedStage
from hookline.registry.ports import ports

from ..onnx import require_onnx_parity
from ..subject import CheckFunction, Subject
from ..tables.parts import LinearModel
from ..tables.pipelines import pipeline_around, with_truth
from ..tables.samples import strange_rows
from .common import data_error_or_fail


def exercise(subject: Subject) -> None:
    """Change the training rows."""
    sample = subject.rows("binary")
    subject.component.fit(sample.train).transform(sample.train.frame).collect()


def check_keeps_rows(subject: Subject) -> None:
    """Rows keep their id and target; an `always` transform keeps every row, in order."""
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    names = fitted.transform(sample.train.frame).collect_schema().names()
    for name in (ROW_ID, sample.target.name):
        if name not in names:
            subject.fail(f"drops the column '{name}'; keep every column that is not yours.")
    if subject.component.applies != "always":
        return
    for frame in (sample.train.frame, sample.unlabeled()):
        before = frame.collect()
        after = fitted.transform(frame).collect()
        if after[ROW_ID].to_list() != before[ROW_ID].to_list():
            subject.fail(
                'drops, adds or reorders rows; set applies = "dataset" or "training", or keep them all in order.'
            )


def check_input_stays_lazy(subject: Subject) -> None:
    """`transform` returns a lazy frame."""
    import polars as pl

    sample = subject.rows("binary")
    made = subject.component.fit(sample.train).transform(sample.train.frame)
    if not isinstance(made, pl.LazyFrame):
        subject.fail(f"transform() returns a {type(made).__name__}; return a LazyFrame.")


def check_deterministic(subject: Subject) -> None:
    """Two fits on the same rows learn the same and change rows alike."""
    sample = subject.rows("binary")
    first, second = (subject.component.fit(sample.train).transform(sample.whole.frame).collect() for _ in range(2))
    if not first.equals(second):
        subject.fail("two fits on the same rows differ; take random numbers from a generator made with a `seed` field.")


def check_rows_do_not_depend_on_others(subject: Subject) -> None:
    """What becomes of a row does not depend on the rows beside it, so nothing leaks from the test rows."""
    if subject.component.applies != "always":
        return
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    alone = fitted.transform(sample.train.frame).collect()
    beside = fitted.transform(sample.whole.frame).collect().head(alone.height)
    if not alone.equals(beside):
        subject.fail("a row's values change with the rows beside it; learn every statistic in fit().")


def check_state_survives_json(subject: Subject) -> None:
    """What was learned can be written as JSON, and does the same when it is built again."""
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    restored = through_json(subject, fitted)
    if not restored.transform(sample.train.frame).collect().equals(fitted.transform(sample.train.frame).collect()):
        subject.fail("changes rows differently once its fitted state has been through JSON; hold plain data only.")


def check_takes_strange_rows(subject: Subject) -> None:
    """Unknown texts and missing values at inference are handled, or are a DataError that names the column."""
    if subject.component.applies != "always":
        return
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    rows = strange_rows(sample.unlabeled())
    try:
        made = fitted.transform(rows.lazy()).collect()
    except Exception as error:  # noqa: BLE001  the component may raise anything; that is what is checked
        data_error_or_fail(subject, error, "a row unlike any in training")
        return
    if made.height != rows.height:
        subject.fail("loses a row unlike any in training; keep it, with a missing value where need be.")


def check_onnx_is_equal(subject: Subject) -> None:
    """Where the fitted transform says itself in ONNX, the graph changes rows alike."""
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    if subject.component.applies != "always" or not isinstance(fitted, ExportsOnnx):
        return
    stage = FittedStage("transform", subject.component.name, fitted)
    blank = pipeline_around(None, sample, transforms=(stage,))
    train = sample.train.with_frame(blank.transform(sample.train.frame))
    model = LinearModel.fitted(with_truth(blank.features(sample.train.frame), train, sample.target))
    require_onnx_parity(subject, pipeline_around(model, sample, transforms=(stage,)), sample)


def through_json(subject: Subject, fitted: Any) -> Any:
    """Write fitted state as JSON and build it again, as packages do."""
    makes = ports(type(subject.component)).makes
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "state.json"
            file.write_text(json.dumps(to_json(fitted)), "utf-8")
            restored: Any = from_json(makes, json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        subject.fail(f"its fitted state cannot be written as JSON and built again: {error}")
    return restored


CHECKS: tuple[CheckFunction, ...] = (
    check_keeps_rows,
    check_input_stays_lazy,
    check_deterministic,
    check_rows_do_not_depend_on_others,
    check_state_survives_json,
    check_takes_strange_rows,
    check_onnx_is_equal,
)
