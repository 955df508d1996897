"""What comes out of fitting, and what answers for raw rows."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from .artifacts import Feature, Features, Prediction, Roles, Schema, Target

if TYPE_CHECKING:
    import polars as pl


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


@dataclasses.dataclass(frozen=True)
class Limit:
    """Numbers so large that a format is known to answer differently."""

    largest: float
    """The absolute value, of a raw number or a feature, from which on it holds."""
    reason: str
