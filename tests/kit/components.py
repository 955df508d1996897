"""A component of each kind that keeps every promise of the conformance kit; faults are small departures from it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl

from hookline import (
    Dataset,
    Deployer,
    Deployment,
    Evaluator,
    Feature,
    Features,
    Featurizer,
    Finding,
    Metric,
    Monitor,
    Package,
    Packager,
    Pipeline,
    Predictor,
    Reference,
    Report,
    Roles,
    Scored,
    Source,
    Stored,
    Trainer,
    Transform,
    Trust,
)
from hookline.testing.tables.parts import LinearModel


class Rows(Source):
    """Ten rows."""

    name = "rows"

    def load(self) -> Dataset:
        return Dataset(pl.LazyFrame({"x": list(range(10)), "y": [i % 2 for i in range(10)]}))

    def fingerprint(self) -> str:
        return "rows"

    def roles(self) -> Roles:
        return Roles(target="y")


@dataclasses.dataclass(frozen=True)
class Shift:
    """Adds a number to `income`."""

    by: float

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("income") + self.by)


class Shifting(Transform):
    """Add a number to `income`."""

    name = "shifting"

    def fit(self, train: Dataset) -> Shift:
        return Shift(1.0)


@dataclasses.dataclass(frozen=True)
class Income:
    """`income` as the only feature."""

    features: tuple[Feature, ...] = (Feature("income", "float32", ("income",), "income, 0 where missing"),)

    def transform(self, frame: pl.LazyFrame) -> Features:
        return Features(
            frame.select(pl.col("income").cast(pl.Float32).fill_null(0)).collect().to_numpy(), self.features
        )


class IncomeFeaturizer(Featurizer):
    """`income` as the only feature."""

    name = "income"

    def fit(self, train: Dataset) -> Income:
        return Income()


def weighed(train: Features) -> Features:
    """Leave rows of weight 0 out."""
    if train.sample_weight is None:
        return train
    keep = train.sample_weight > 0
    return dataclasses.replace(train, X=train.X[keep], y=train.y[keep], sample_weight=None)


class Linear(Trainer):
    """Least squares."""

    name = "linear"
    wrapped: str = ""
    """Unused."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        known = weighed(train)
        return LinearModel.fitted(dataclasses.replace(known, X=np.nan_to_num(known.X)))


class Errors(Evaluator):
    """The share of wrong labels."""

    name = "errors"
    tasks = frozenset({"binary"})

    def evaluate(self, scored: Scored) -> Report:
        wrong = scored.prediction().values != scored.truth()
        return Report("Errors", (Metric("errors", float(wrong.mean()), greater_is_better=False),))


class Weights(Packager):
    """Weights as JSON."""

    name = "weights"
    native = True

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        pipeline.model.save(path)
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        return stored.around(LinearModel.load(stored.path))


class Newest(Deployer):
    """Everything to the newest version."""

    name = "newest"

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, package.version or 1, self.name)


class Counting(Monitor):
    """Count the rows."""

    name = "counting"

    def check(self, current: Dataset, reference: Reference) -> Report:
        rows = current.frame.select(pl.len()).collect().item()
        found = Finding("rows", "count", float(rows), 100.0, "warning", "Few rows.")
        return Report("Rows", (Metric("rows", float(rows)),), findings=(found,) if rows < 100 else ())
