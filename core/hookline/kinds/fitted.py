"""What comes out of fitting, and what answers for raw rows."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

from .artifacts import Feature, Features, Label, Roles, Schema, Target

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class Prediction:
    """What a model says of each row.

    values: (n_rows,), a label or a number; class codes while inside a model
    probabilities: float64, (n_rows, n_classes), columns in the order of `classes`; None for regression
    row_ids: (n_rows,)
    intervals: float64, (n_rows, 2), lower and upper bound of each number; None where the model tells none
    """

    values: np.ndarray
    probabilities: np.ndarray | None = None
    classes: tuple[Label, ...] = ()
    row_ids: np.ndarray | None = None
    warnings: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Row position -> what is unlike anything in the training data."""
    intervals: np.ndarray | None = None

    def frame(self) -> pl.DataFrame:
        """Return one row a prediction: `row_id`, `prediction`, `probability_<class>` for each class, `lower`, `upper`."""
        import polars as pl

        columns: dict[str, Any] = {} if self.row_ids is None else {"row_id": _column(self.row_ids)}
        columns["prediction"] = _column(self.values)
        if self.probabilities is not None:
            names = [f"{PROBABILITY}{label_text(label)}" for label in self.classes]
            columns |= {name: self.probabilities[:, i] for i, name in enumerate(names)}
        if self.intervals is not None:
            columns |= {name: self.intervals[:, place] for place, name in enumerate(BOUNDS)}
        return pl.DataFrame(columns)

    def _repr_html_(self) -> str:
        return self.frame()._repr_html_()


PROBABILITY = "probability_"
"""Stands before a class's label."""
BOUNDS = ("lower", "upper")
"""The ends of an interval, wherever they are told."""


def label_text(label: Label) -> str:
    """Return a class label as the data and JSON write it, where it is part of a name: true rather than True."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _column(values: np.ndarray) -> Any:
    """Return values as polars takes them: objects and, since they are read faster so, texts as Python's."""
    import polars as pl

    if values.dtype.kind == "U":
        return pl.Series(values.tolist(), dtype=pl.String)
    return values.tolist() if values.dtype == object else values


@dataclass(frozen=True)
class DecisionRule:
    """How the answered class follows from the probabilities, where it is not the most probable one.

    Of two classes the positive one is answered from the threshold on; of more, the one of the least expected cost.
    """

    by: Literal["threshold", "costs", "precision", "recall"]
    threshold: float | None = None
    """The least probability of the positive class that is answered with it; None of more than two classes."""
    positive: int = 1
    """Code of the positive class of two."""
    costs: tuple[tuple[float, ...], ...] = ()
    """What it costs to answer the class of a column where the class of the line is true, by class codes."""
    wanted: float | None = None
    """The least precision or recall that was wanted."""
    rows: int = 0
    """Rows that the threshold was chosen on; 0 where nothing was to be chosen."""

    def codes(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the code of each row's answer, int64 (n_rows,). probabilities: float64, (n_rows, n_classes)"""
        import numpy as np

        if self.threshold is None:
            # Of equal costs the first, as of equal probabilities.
            return np.asarray((probabilities @ np.array(self.costs)).argmin(axis=1), dtype=np.int64)
        high = probabilities[:, self.positive] >= self.threshold
        return np.where(high, self.positive, 1 - self.positive).astype(np.int64)

    def lead(self, probabilities: np.ndarray, one: int, other: int) -> float:
        """Return how far a row's probabilities, (n_classes,), are from where one answer becomes another: 0 right there.

        It is twice the distance that each of them has to move by, as where the most probable class is answered.
        """
        import numpy as np

        if self.threshold is not None:
            return float(2 * abs(probabilities[self.positive] - self.threshold))
        apart = np.array(self.costs)[:, one] - np.array(self.costs)[:, other]
        moved = np.abs(apart).sum()
        return float(2 * abs(probabilities @ apart) / moved) if moved > 0 else 0.0


@dataclass(frozen=True)
class Intervals:
    """How far on either side of an answered number the truth lies in a share of the rows."""

    coverage: float
    """The share of rows whose truth is to lie within."""
    half_width: float
    """In the unit of the target."""
    rows: int
    """Validation rows that it was measured on."""

    def around(self, values: np.ndarray) -> np.ndarray:
        """Return lower and upper bound of each number, float64 (n_rows, 2). values: float64, (n_rows,)"""
        import numpy as np

        return np.column_stack([values - self.half_width, values + self.half_width])


@runtime_checkable
class FittedTransform(Protocol):
    """A transform after fitting: a frozen dataclass of plain data, so that JSON can carry it."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the changed rows. Columns that are absent (the target at inference) are passed over."""
        ...


@runtime_checkable
class FittedFeaturizer(Protocol):
    """A featurizer after fitting: a frozen dataclass of plain data, so that JSON can carry it."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """What each column of the design matrix is."""
        ...

    def transform(self, rows: Any, /) -> Features:
        """Return the design matrix of the rows, in order; only X and features need be set.

        rows: polars.LazyFrame, of the first in the list; Features, one after another: what the one before made
        """
        ...


class Model(ABC):
    """A fitted model: features in, prediction out."""

    @abstractmethod
    def predict(self, features: Features) -> Prediction:
        """Return class codes (their `classes` are codes too) or numbers, one a row."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the model's own files into an empty folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; called only on files whose signature is hookline's own or the caller's word."""

    def importances(self) -> Mapping[str, float]:
        """Return feature name -> importance (any scale, larger is more); empty where the model has none."""
        return {}


class PickledModel(Model):
    """A model that is kept as it is, by its pickle."""

    def save(self, folder: Path) -> None:
        """Write a pickle; only the signed store and the opt-in `pickle` packager call this."""
        with (folder / "model.pkl").open("wb") as file:
            pickle.dump(self, file, protocol=5)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with (folder / "model.pkl").open("rb") as file:
            model = pickle.load(file)
        if not isinstance(model, cls):
            raise TypeError(f"{folder} holds a {type(model).__name__}, not a {cls.__name__}")
        return model


@runtime_checkable
class Predictor(Protocol):
    """Anything that answers for raw rows: a fitted Pipeline, or a package loaded in its own runtime."""

    @property
    def schema(self) -> Schema:
        """The raw columns that it takes."""
        ...

    @property
    def roles(self) -> Roles:
        """Which raw columns are no features; the id's values name the predictions."""
        ...

    @property
    def target(self) -> Target:
        """What it predicts."""
        ...

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each row, in order; raises DataError for rows that break the schema."""
        ...


@dataclass(frozen=True)
class Limit:
    """Numbers so large that a format is known to answer differently."""

    largest: float
    """The absolute value, of a raw number or a feature, from which on it holds."""
    reason: str
