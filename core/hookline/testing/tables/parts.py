"""A featurizer and models of the kit's own, so that each kind can be checked without any plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hookline.data.columns import column_kind
from hookline.kinds.artifacts import Dataset, Feature, Features, Target
from hookline.kinds.fitted import Model, Prediction
from hookline.kinds.kinds import Featurizer

if TYPE_CHECKING:
    import polars as pl

MISSING_TIME = -(2**63)


@dataclass(frozen=True)
class Encoding:
    """How one raw column becomes columns of the matrix: scaled, or a column for each category."""

    name: str
    kind: str
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] = ()

    def features(self) -> tuple[Feature, ...]:
        """What each column is."""
        if self.kind == "string":
            return tuple(
                Feature(f"{self.name}={c}", "float32", (self.name,), f"{self.name} == {c!r}") for c in self.categories
            )
        definition = f"standard({self.name}, mean={self.mean}, std={self.std})"
        return (Feature(self.name, "float32", (self.name,), definition),)


@dataclass(frozen=True)
class FittedSampleFeaturizer:
    """Standard scores and one-hot columns."""

    encodings: tuple[Encoding, ...]
    fill: bool

    @property
    def features(self) -> tuple[Feature, ...]:
        """What each column of the matrix is."""
        return tuple(feature for encoding in self.encodings for feature in encoding.features())

    def transform(self, frame: pl.LazyFrame) -> Features:
        """Return the matrix: float32, (n_rows, n_features), dense."""
        import numpy as np
        import polars as pl

        schema = frame.collect_schema()
        exprs = []
        for encoding in self.encodings:
            column = pl.col(encoding.name)
            if encoding.kind == "string":
                exprs += [
                    column.cast(pl.String).eq_missing(pl.lit(c)).cast(pl.Float64).alias(f"{encoding.name}={c}")
                    for c in encoding.categories
                ]
            else:
                scaled = (_number(column, schema[encoding.name]) - encoding.mean) / encoding.std
                exprs.append(
                    (scaled.fill_null(0.0) if self.fill else scaled.fill_null(float("nan"))).alias(encoding.name)
                )
        return Features(frame.select(exprs).collect().to_numpy().astype(np.float32), self.features)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        blocks = []
        for encoding in self.encodings:
            column = inputs[encoding.name]
            if encoding.kind == "string":
                blocks += [
                    op.cast(op.equal(column, op.constant(value=np.array([c], dtype=np.str_))), to=np.float64)
                    for c in encoding.categories
                ]
                continue
            if encoding.kind == "datetime":
                gap = op.equal(column, op.const(np.int64(MISSING_TIME)))
                moment = op.div(op.cast(column, to=np.float64), op.const(np.float64(1e6)))
                column = op.where(gap, op.const(np.float64("nan")), moment)
            scaled = op.div(op.sub(column, op.const(np.float64(encoding.mean))), op.const(np.float64(encoding.std)))
            blocks.append(op.where(op.isnan(scaled), op.const(np.float64(0.0)), scaled) if self.fill else scaled)
        return {"X": op.concat([op.cast(block, to=np.float32) for block in blocks], axis=1)}


class SampleFeaturizer(Featurizer):
    """Scale numbers, booleans and moments, and give each category a column."""

    name = "sample"
    fill: bool = True
    """Whether missing numbers become their mean, or stay NaN."""

    def fit(self, train: Dataset) -> FittedSampleFeaturizer:
        """Learn means, deviations and categories."""
        import polars as pl

        schema = train.frame.collect_schema()
        encodings = []
        for name in train.feature_columns():
            kind = column_kind(schema[name])
            if kind == "string":
                texts = train.frame.select(pl.col(name).cast(pl.String).drop_nulls().unique().sort()).collect()[name]
                encodings.append(Encoding(name, kind, categories=tuple(texts.to_list()[:50])))
                continue
            values = train.frame.select(_number(pl.col(name), schema[name]).alias(name)).collect()[name].drop_nulls()
            mean, std = values.mean(), values.std()
            encodings.append(Encoding(name, kind, _float(mean), _float(std) or 1.0))
        return FittedSampleFeaturizer(tuple(encodings), self.fill)


@dataclass(frozen=True)
class LinearModel(Model):
    """Scores that are linear in the features, a missing one being 0; the largest one's class, or the one score of a regression.

    weights: rows of (n_features + 1) numbers, the constant last, one row a class (one in all for regression)
    """

    weights: tuple[tuple[float, ...], ...]
    is_regression: bool

    def predict(self, features: Features) -> Prediction:
        """Return the class of the largest score with softmax probabilities, or the score."""
        import numpy as np

        X: Any = features.X
        weights = np.asarray(self.weights)
        scores = np.nan_to_num(np.asarray(X, dtype=np.float64)) @ weights[:, :-1].T + weights[:, -1]
        if self.is_regression:
            return Prediction(scores[:, 0])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return Prediction(scores.argmax(axis=1), shares / shares.sum(axis=1, keepdims=True), tuple(range(len(weights))))

    def save(self, folder: Path) -> None:
        """Write the weights as JSON."""
        (folder / "linear.json").write_text(json.dumps([self.weights, self.is_regression]), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        weights, is_regression = json.loads((folder / "linear.json").read_text("utf-8"))
        return cls(tuple(tuple(row) for row in weights), is_regression)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        weights = np.asarray(self.weights, dtype=np.float32)
        X = op.where(op.isnan(inputs["X"]), op.const(np.float32(0)), inputs["X"])
        scores = op.add(op.matmul(X, op.const(weights[:, :-1].T.copy())), op.const(weights[:, -1].copy()))
        if self.is_regression:
            return {"value": scores}
        return {"label": op.arg_max(scores, axis=1, keepdims=0), "probabilities": op.softmax(scores, axis=1)}

    @classmethod
    def fitted(cls, train: Features) -> LinearModel:
        """Fit by least squares on the class indicators, or the numbers."""
        import numpy as np

        assert train.target is not None
        X = np.column_stack([np.asarray(train.X, dtype=np.float64), np.ones(train.shape[0])])
        regression = train.target.task == "regression"
        y: Any = train.y
        wanted = y[:, None] if regression else np.eye(len(train.target.classes))[y]
        found = np.linalg.lstsq(X, wanted, rcond=None)[0].T
        return cls(tuple(tuple(map(float, row)) for row in found), regression)


@dataclass(frozen=True)
class KnownAnswers(Model):
    """Predicts the one feature that holds the truth, or, with a constant, always the same."""

    target: Target
    constant: float | None = None

    def predict(self, features: Features) -> Prediction:
        """Return the answers, almost certain of them."""
        import numpy as np

        X: Any = features.X
        answers = np.asarray(X[:, 0], dtype=np.float64) if self.constant is None else np.full(len(X), self.constant)
        if self.target.task == "regression":
            return Prediction(answers)
        classes = len(self.target.classes)
        if self.constant is None:
            shares = np.full((len(answers), classes), 0.01 / (classes - 1))
            shares[np.arange(len(answers)), answers.astype(np.int64)] = 0.99
        else:
            shares = np.full((len(answers), classes), 1 / classes)
        return Prediction(answers.astype(np.int64), shares, tuple(range(classes)))

    def save(self, folder: Path) -> None:
        """Refuse: it is never kept."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Refuse: it is never kept."""
        raise NotImplementedError


def _number(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    if dtype in (pl.Date, pl.Datetime):
        return column.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    return column.cast(pl.Float64)


def _float(value: Any) -> float:
    return float(value) if value is not None else 0.0
