"""The one path a row takes, from raw columns to prediction: in evaluation, in batch and online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from hookline.data.columns import conform
from hookline.data.contract.rules import unlike_training
from hookline.data.target import decide, decode, encode, no_prediction, true_values
from hookline.errors import DataError
from hookline.kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from hookline.kinds.artifacts import ROW_ID, Dataset, Feature, Features, Roles, Schema, Target
from hookline.kinds.features.telling import AddsColumns
from hookline.kinds.fitted import FittedTransform, Model, Prediction
from hookline.workspace.processes.forks import require_own_threads

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
    featurizers: tuple[FittedStage, ...]
    """The first makes a design matrix of rows, each further one another of the one before."""
    model: M
    decision: DecisionRule | None = None
    """Which class is answered, where it is not the most probable one."""
    intervals: Intervals | None = None
    """How far the intervals around its numbers reach, where it tells any."""
    sets: PredictionSets | None = None
    """Which classes may be true, where it tells more than the one that it answers."""

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each raw row, in order; raises DataError naming every column that breaks the schema."""
        return self.decided(self.undecided(frame))

    def undecided(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Return what the model says of each raw row, before any rule makes an answer of it; raises as `predict`."""
        admitted = admit(frame, self.schema, self.roles)
        if not admitted.rows.height:  # Which few models take.
            return replace(no_prediction(self.target), row_ids=admitted.ids)
        features = self.features(admitted.rows.lazy())
        prediction = require_finite(decode(self.model.predict(features), self.target))
        return replace(prediction, row_ids=admitted.ids, warnings=admitted.warnings)

    def decided(self, prediction: Prediction) -> Prediction:
        """Return what the model says with the answers that the rules make of it, and what else may be true."""
        return decided(prediction, self.target, self.decision, self.intervals, self.sets)

    def with_schema(self, schema: Schema) -> Self:
        """Return the same pipeline under another contract for the same columns."""
        return replace(self, schema=schema)

    def features(self, frame: pl.LazyFrame) -> Features:
        """Return the design matrix of rows that conform to the schema."""
        return apply_featurizers(self.featurizers, self.transform(frame))

    def examples(self, rows: Dataset) -> Features:
        """Return the design matrix of labeled raw rows with y, ids and weights, as `update` of a trainer is fed.

        Raises DataError for rows that break the schema, and where the truth is missing or none of the target's classes.
        """
        admitted = admit(rows.frame, self.schema, self.roles)
        eager = rows.frame.collect()
        y = encode(self.truth(eager), self.target)
        weight = self.roles.weight
        weights = eager[weight].cast(float).to_numpy() if weight and weight in eager.columns else None
        features = self.features(admitted.rows.lazy())
        return replace(features, y=y, row_ids=admitted.ids, sample_weight=weights, target=self.target)

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Apply the fitted transforms: every row stays, in order."""
        return apply_transforms(self.transforms, frame)

    def truth(self, frame: pl.DataFrame | pl.LazyFrame) -> np.ndarray:
        """Return the true labels or numbers of raw rows, after the transforms; raises DataError where they are missing."""
        return true_values(self.transform(frame.lazy()), self.target)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the design matrix' columns."""
        return tuple(feature.name for feature in self.made)

    @property
    def made(self) -> tuple[Feature, ...]:
        """What each column of the design matrix that the model sees is."""
        return traced(self.featurizers[-1].fitted.features, self.transforms)


def decided(
    prediction: Prediction,
    target: Target,
    rule: DecisionRule | None,
    intervals: Intervals | None,
    sets: PredictionSets | None,
) -> Prediction:
    """Return what a model says with the answers that a rule makes of it, and with intervals around them, or sets of classes.

    Quantiles of a model that nobody has measured on rows are not told.
    """
    if target.task == "regression":
        ends = (
            intervals.around(prediction.values, prediction.intervals) if intervals and len(prediction.values) else None
        )
        return replace(prediction, intervals=ends)
    said = prediction if rule is None else decide(prediction, rule, target)
    return said if sets is None or said.probabilities is None else replace(said, sets=sets.of(said.probabilities))


def traced(features: Sequence[Feature], transforms: Sequence[FittedStage]) -> tuple[Feature, ...]:
    """Return features with the raw columns that they come from, where transforms say of which columns theirs are made."""
    made: dict[str, tuple[str, ...]] = {}
    for stage in transforms:
        if isinstance(stage.fitted, AddsColumns):
            for column, derived in stage.fitted.added().items():
                raw = [source for name in derived.inputs for source in made.get(name, (name,))]
                made[column] = tuple(dict.fromkeys(raw))
    if not made:
        return tuple(features)
    return tuple(
        replace(feature, inputs=tuple(dict.fromkeys(raw for name in feature.inputs for raw in made.get(name, (name,)))))
        for feature in features
    )


def apply_featurizers(featurizers: tuple[FittedStage, ...], frame: pl.LazyFrame) -> Features:
    """Make the design matrix of transformed rows."""
    first, *others = featurizers
    features: Features = first.fitted.transform(frame)
    for stage in others:
        features = stage.fitted.transform(features)
    return features


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

    require_own_threads()
    eager = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    rows = conform(eager, schema)
    numbers = eager[ROW_ID] if ROW_ID in eager.columns else None
    return Admitted(rows, row_ids(eager, roles), unlike_training(rows, schema, numbers))


def row_ids(frame: pl.DataFrame, roles: Roles) -> np.ndarray:
    """Return the rows' ids: the id role's values, else the runner's positions at the source, else positions here.

    Whole numbers of which some are missing, or that numpy has no type for, are objects, (n_rows,), with None for those.
    """
    import numpy as np
    import polars as pl

    ids = id_column(frame, roles)
    if ids is None:
        return np.arange(frame.height, dtype=np.int64)
    # As floats, large ones would lose their last digits.
    whole = ids.dtype.is_integer() and (ids.null_count() or ids.dtype in (pl.Int128, pl.UInt128))
    return np.array(ids.to_list(), dtype=object) if whole else ids.to_numpy()


def id_column(frame: pl.DataFrame, roles: Roles) -> pl.Series | None:
    """Return the column of the rows' ids as it is in the frame; None where there is none."""
    return next((frame[name] for name in (roles.id, ROW_ID) if name and name in frame.columns), None)


def require_finite(prediction: Prediction) -> Prediction:
    """Return a prediction; raises DataError where the model had no answer, as for a gap that it cannot take."""
    import numpy as np

    found = prediction.values if prediction.probabilities is None else prediction.probabilities
    if found.dtype.kind != "f":
        return prediction
    finite = np.isfinite(found)
    # As `finite.all()`, without the Python in between that takes as long again for one row.
    if np.logical_and.reduce(finite, axis=None):
        return prediction
    bad = ~(finite if found.ndim == 1 else finite.all(axis=1))
    rows = np.flatnonzero(bad)
    shown = ", ".join(str(row) for row in rows[:5])
    raise DataError(
        f"the model has no answer for {len(rows)} of {len(found)} rows, such as row {shown}: a value is missing or too large",
        ailment="missing_values",
    )
