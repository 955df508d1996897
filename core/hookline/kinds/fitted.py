"""What comes out of fitting, and what answers for raw rows."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from .answering.rules import DecisionRule, Intervals, PredictionSets
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
    intervals: float64, (n_rows, 2), lower and upper bound of each number; inside a model its own quantiles; None where it
        tells none
    sets: bool, (n_rows, n_classes), the classes that may be true; None where the model tells none
    """

    values: np.ndarray
    probabilities: np.ndarray | None = None
    classes: tuple[Label, ...] = ()
    row_ids: np.ndarray | None = None
    warnings: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Row position -> what is unlike anything in the training data."""
    intervals: np.ndarray | None = None
    sets: np.ndarray | None = None

    def frame(self) -> pl.DataFrame:
        """Return one row a prediction: `row_id`, `prediction`, `probability_<class>` and `set_<class>`, `lower`, `upper`."""
        import polars as pl

        columns: dict[str, Any] = {} if self.row_ids is None else {"row_id": _column(self.row_ids)}
        columns["prediction"] = _column(self.values)
        if self.probabilities is not None:
            names = [f"{PROBABILITY}{label_text(label)}" for label in self.classes]
            columns |= {name: self.probabilities[:, i] for i, name in enumerate(names)}
        if self.sets is not None:
            columns |= {f"{IN_SET}{label_text(label)}": self.sets[:, i] for i, label in enumerate(self.classes)}
        if self.intervals is not None:
            columns |= {name: self.intervals[:, place] for place, name in enumerate(BOUNDS)}
        return pl.DataFrame(columns)

    def _repr_html_(self) -> str:
        return self.frame()._repr_html_()


PROBABILITY = "probability_"
"""Stands before a class's label."""
IN_SET = "set_"
"""Stands before a class's label where a column says whether it may be true."""
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


class Stored(Protocol):
    """A package's folder as its packager reads it."""

    @property
    def path(self) -> Path:
        """The folder."""
        ...

    @property
    def schema(self) -> Schema:
        """The raw columns that the pipeline takes."""
        ...

    @property
    def roles(self) -> Roles:
        """Which raw columns are no features."""
        ...

    @property
    def target(self) -> Target:
        """What it predicts."""
        ...

    @property
    def decision(self) -> DecisionRule | None:
        """How it decides; None where it answers the most probable class, or a number."""
        ...

    @property
    def intervals(self) -> Intervals | None:
        """How far the intervals around its numbers reach; None where it tells none."""
        ...

    @property
    def sets(self) -> PredictionSets | None:
        """Which classes may be true; None where it tells none."""
        ...

    def imported_as(self, module: str) -> str:
        """Return what a module that the package names is called here: another name where its own code travels in it.

        Ask it of the module of every class that is looked up by name.
        """
        ...

    def around(self, model: Model) -> Predictor:
        """Return the pipeline whose transforms and featurizers are in the folder, with a model inside it."""
        ...


@dataclass(frozen=True)
class Limit:
    """Numbers so large that a format is known to answer differently."""

    largest: float
    """The absolute value, of a raw number or a feature, from which on it holds."""
    reason: str
