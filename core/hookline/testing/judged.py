"""Rows with answers, as evaluators and monitors are given them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline.kinds.artifacts import Dataset
from hookline.kinds.deployments import LATENCY_BOUNDS, Histogram, Traffic
from hookline.kinds.reports import Metric, Metrics, Reference, Report
from hookline.kinds.scored import Scored
from hookline.packages.pipeline import Pipeline
from hookline.quality.distributions import answers_of, profile
from hookline.registry.ports import takes_pipeline, takes_scored, takes_traffic

from .subject import Subject
from .tables.parts import LinearModel
from .tables.pipelines import fitted_features, pipeline_around
from .tables.samples import Sample


def evaluate(subject: Subject, pipeline: Pipeline[Any], scored: Scored) -> Report:
    """Let an evaluator judge a pipeline's answers, the pipeline being there where it names it."""
    asked = {"pipeline": pipeline} if takes_pipeline(type(subject.component)) else {}
    report: Report = subject.component.evaluate(scored, **asked)
    return report


Seen = Dataset | Scored | Traffic


def seen_by(subject: Subject, sample: Sample, rows: Dataset) -> Seen:
    """Return rows as a monitor's port wants them: raw, with the answers of an ordinary pipeline, or as so many requests."""
    if takes_traffic(type(subject.component)):
        return _traffic(rows)
    return scored_by(ordinary_pipeline(sample), rows) if takes_scored(type(subject.component)) else rows


def _traffic(rows: Dataset) -> Traffic:
    """Return what became of as many requests as there are rows, answered as those of the days before."""
    import polars as pl

    count = int(rows.frame.select(pl.len()).collect().item())
    spread = tuple(count * (place == 25) for place in range(len(LATENCY_BOUNDS) + 1))
    latency = Histogram(LATENCY_BOUNDS, spread)
    return Traffic(count, 0, latency, count, before=Traffic(count, 0, latency))


def scored_by(pipeline: Pipeline[Any], rows: Dataset) -> Scored:
    """Return rows with what a pipeline answers, the truth, and their weights."""
    frame = rows.frame.collect()
    weight = frame[rows.roles.weight].cast(float).to_numpy() if rows.roles.weight else None
    return Scored.of(rows, pipeline.predict(frame), pipeline.target, pipeline.truth(frame), weight)


@contextmanager
def read_back(scored: Scored) -> Iterator[Scored]:
    """Write scored rows to a file and read them back, so that nothing of them is held in memory."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scored.parquet"
        scored.frame.collect().write_parquet(file)
        yield Scored(pl.scan_parquet(file), scored.target, scored.roles, scored.name)


def ordinary_pipeline(sample: Sample) -> Pipeline[Any]:
    """Return a pipeline around the kit's own linear model, fitted on the training rows."""
    return pipeline_around(LinearModel.fitted(fitted_features(sample.train, sample.target)), sample)


def reference_of(sample: Sample) -> Reference:
    """Return what a monitor compares with: the training rows, what was measured, and what was answered."""
    names = [*sample.train.feature_columns(), sample.target.name]
    answered = scored_by(ordinary_pipeline(sample), sample.train)
    return Reference(
        profile(sample.train.frame, names),
        sample.train,
        time=sample.train.roles.time,
        target=sample.target,
        metrics=Metrics((_measured(answered),)),
        answers=answers_of(answered),
    )


def unlabeled(scored: Scored) -> Scored:
    """Return scored rows of which nobody knows yet what was true."""
    return replace(scored, frame=scored.frame.drop("truth"), held=None)


def _measured(scored: Scored) -> Metric:
    """Return accuracy, or the root mean squared error, with a normal 95 % interval."""
    import numpy as np

    found, truth = scored.prediction().values, scored.truth()
    if scored.target.task == "regression":
        squares = (found - truth) ** 2
        value = float(np.sqrt(squares.mean()))
        spread = float(squares.std() / (2 * max(value, 1e-12) * np.sqrt(len(squares))))
        return Metric("rmse", value, value - 1.96 * spread, value + 1.96 * spread, greater_is_better=False)
    value = float((found == truth).mean())
    spread = float(np.sqrt(value * (1 - value) / len(truth)))
    return Metric("accuracy", value, value - 1.96 * spread, value + 1.96 * spread)
