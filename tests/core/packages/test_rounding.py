"""A format that computes in float32 is judged by what float32 makes of a model's answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.packages.certificate.rounding import tolerance_of
from kit.packages import pipeline_of

OWN = 1e-5


def table(level: float) -> pl.DataFrame:
    """Return numbers around a level, whose sums lose in float32 what the level takes of its digits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5)) + level
    y = (X - level).sum(axis=1) + rng.normal(size=400)
    return pl.DataFrame({f"x{i}": X[:, i] for i in range(5)} | {"y": y})


SUMS = {
    "trainer": {"component": "sklearn", "class_name": "LinearRegression"},
    "featurizer": {"component": "tabular", "numeric": "none"},
}


def test_a_difference_that_float32_explains_is_no_fault_of_a_format() -> None:
    rows = table(100)
    pipeline = pipeline_of(source=rows, target="y", **SUMS)
    # What order the sums are in is a matter of the processor, so that a package may answer alike to the last digit.
    narrow = pipeline.features(rows.lazy())
    wide = replace(narrow, X=np.asarray(narrow.X, dtype=np.float64))
    answers = [pipeline.model.predict(features).values for features in (narrow, wide)]
    assert np.abs(answers[0] - answers[1]).max() / np.std(answers[1]) > OWN
    run = hl.run(source=rows, target="y", packager=["onnx"], evaluator=[], **SUMS)  # type: ignore[arg-type]
    (certificate,) = run.evidence["certificates"]
    assert certificate["ok"]
    assert OWN < certificate["tolerance"] <= 10 * OWN


def test_answers_that_float32_leaves_alone_keep_the_formats_own_tolerance() -> None:
    rows = table(0)
    assert tolerance_of(OWN, pipeline_of(source=rows, target="y", **SUMS), rows) == OWN


@pytest.mark.parametrize("own", [0.0, OWN])
def test_a_tolerance_has_an_end_whatever_a_model_makes_of_its_features(own: float) -> None:
    rows = table(1e6)
    assert tolerance_of(own, pipeline_of(source=rows, target="y", **SUMS), rows) == pytest.approx(10 * own)
