"""The one path a row takes, from raw columns to prediction: in evaluation, in batch and online."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .artifacts import ROW_ID, Features, Prediction, Roles, Schema, Target
from .components import FittedFeaturizer, FittedTransform, Model
from .contract import unlike_training
from .errors import DataError
from .schema import conform

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

M = TypeVar("M", bound=Model, covariant=True)


@dataclass(frozen=True)
class FittedStage:
    """A fitted transform or featurizer with the component that made it, so that it can be read back."""

    key: str
    component: str
    fitted: Any


@dataclass(frozen=True)
class Pipeline(Generic[M]):
    """Fitted transforms, featurizer and model, with the contract of their input.

    `Pipeline[SklearnModel]` in a packager's annotation says which models it takes.
    """

    schema: Schema
    roles: Roles
    target: Target
    transforms: tuple[FittedStage, ...]
    featurizer: FittedStage
    model: M

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each raw row, in order; raises DataError naming every column that breaks the schema."""
        admitted = admit(frame, self.schema, self.roles)
        if not admitted.rows.height:  # Which few models take.
            return replace(no_prediction(self.target), row_ids=admitted.ids)
        features = self.features(admitted.rows.lazy())
        prediction = require_finite(decode(self.model.predict(features), self.target))
        return replace(prediction, row_ids=admitted.ids, warnings=admitted.warnings)

    def with_schema(self, schema: Schema) -> Self:
        """Return the same pipeline under another contract for the same columns."""
        return replace(self, schema=schema)

    def features(self, frame: pl.LazyFrame) -> Features:
        """Return the design matrix of rows that conform to the schema."""
        featurizer: FittedFeaturizer = self.featurizer.fitted
        return featurizer.transform(self.transform(frame))

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Apply the fitted transforms: every row stays, in order."""
        return apply_transforms(self.transforms, frame)

    def truth(self, frame: pl.DataFrame | pl.LazyFrame) -> np.ndarray:
        """Return the true labels or numbers of raw rows, after the transforms; raises DataError where they are missing."""
        return true_values(self.transform(frame.lazy()), self.target)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the design matrix' columns."""
        return tuple(feature.name for feature in self.featurizer.fitted.features)


def apply_transforms(transforms: tuple[FittedStage, ...], frame: pl.LazyFrame) -> pl.LazyFrame:
    """Apply fitted transforms one after the other, lazily."""
    for stage in transforms:
        fitted: FittedTransform = stage.fitted
        frame = fitted.transform(frame)
    return frame


@dataclass(frozen=True)
class Admitted:
    """Raw rows that a model may see: just the schema's columns, the rows' ids, and what is to be warned of."""

    rows: pl.DataFrame
    ids: np.ndarray
    warnings: Mapping[int, tuple[str, ...]]


def admit(frame: pl.DataFrame | pl.LazyFrame, schema: Schema, roles: Roles) -> Admitted:
    """Check raw rows against the contract; raises DataError for columns and values that it does not let in."""
    import polars as pl

    eager = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    rows = conform(eager, schema)
    numbers = eager[ROW_ID] if ROW_ID in eager.columns else None
    return Admitted(rows, row_ids(eager, roles), unlike_training(rows, schema, numbers))


def row_ids(frame: pl.DataFrame, roles: Roles) -> np.ndarray:
    """Return the rows' ids: the id role's values, else the runner's positions at the source, else positions here."""
    import numpy as np

    for name in (roles.id, ROW_ID):
        if name and name in frame.columns:
            return frame[name].to_numpy()
    return np.arange(frame.height, dtype=np.int64)


def require_finite(prediction: Prediction) -> Prediction:
    """Return a prediction; raises DataError where the model had no answer, as for a gap that it cannot take."""
    import numpy as np

    found = prediction.values if prediction.probabilities is None else prediction.probabilities
    if found.dtype.kind != "f":
        return prediction
    finite = np.isfinite(found)
    if finite.all():
        return prediction
    bad = ~(finite if found.ndim == 1 else finite.all(axis=1))
    rows = np.flatnonzero(bad)
    shown = ", ".join(str(row) for row in rows[:5])
    raise DataError(
        f"the model has no answer for {len(rows)} of {len(found)} rows, such as row {shown}: a value is missing or too large",
        hint="train with transform=[impute] or featurizer.missing=zero, so that gaps are filled",
    )


def no_prediction(target: Target) -> Prediction:
    """Return what is predicted of no rows."""
    import numpy as np

    if target.task == "regression":
        return Prediction(np.empty(0))
    labels = np.array(target.classes, dtype=None if _one_type(target.classes) else object)
    return Prediction(labels[:0], np.empty((0, len(target.classes))), target.classes)


def decode(prediction: Prediction, target: Target) -> Prediction:
    """Turn class codes into the target's labels, with one probability column a class even if a model saw fewer."""
    import numpy as np

    if target.task == "regression":
        return replace(prediction, values=np.asarray(prediction.values, dtype=np.float64).ravel())
    labels = np.array(target.classes, dtype=None if _one_type(target.classes) else object)
    codes = np.asarray(prediction.values, dtype=np.int64)
    probabilities = prediction.probabilities
    if probabilities is not None:
        probabilities = np.asarray(probabilities, dtype=np.float64)
        if prediction.classes and len(prediction.classes) != len(target.classes):
            wide = np.zeros((len(codes), len(target.classes)))
            wide[:, np.asarray(prediction.classes, dtype=np.int64)] = probabilities
            probabilities = wide
    return replace(prediction, values=labels[codes], probabilities=probabilities, classes=target.classes)


def true_values(frame: pl.LazyFrame, target: Target) -> np.ndarray:
    """Return the target column: labels as they are, or float64 numbers; raises DataError where a value is missing."""
    import polars as pl

    if target.name not in frame.collect_schema().names():
        raise DataError(
            f"the target '{target.name}' is not a column of these rows",
            hint="evaluation needs rows whose truth is known",
        )
    column = frame.select(target.name).collect()[target.name]
    if column.null_count():
        raise DataError(
            f"the target '{target.name}' is missing in {column.null_count()} of {len(column)} rows",
            hint="add transform=[drop_missing_target]",
        )
    return column.cast(pl.Float64).to_numpy() if target.task == "regression" else column.to_numpy()


def encode(labels: np.ndarray, target: Target) -> np.ndarray:
    """Return int64 class codes of labels (float64 numbers for regression); raises DataError naming a label never seen."""
    import numpy as np

    if target.task == "regression":
        return np.asarray(labels, dtype=np.float64)
    codes = {label: code for code, label in enumerate(target.classes)}
    values = labels.tolist()
    unseen = sorted({str(value) for value in values if value not in codes})
    if unseen:
        raise DataError(f"the target '{target.name}' has labels that training never saw: {', '.join(unseen[:10])}")
    return np.fromiter((codes[value] for value in values), dtype=np.int64, count=len(values))


def _one_type(labels: tuple[Any, ...]) -> bool:
    return len({type(label) for label in labels}) == 1
