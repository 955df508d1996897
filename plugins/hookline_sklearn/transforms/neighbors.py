"""Missing numbers as the mean of the training rows that are most alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Interval

from hookline import Dataset, Roles, Transform
from hookline.kinds.formats.words import ONNX

from .isolation import numbers_of
from .iterative import floats, matrix_of, require_held
from .whole import filled

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class FittedImputeNeighbors:
    """Fills missing numbers from the nearest of the rows that it keeps."""

    columns: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    """By which numbers are made comparable: mean and standard deviation."""
    rows: tuple[tuple[float | None, ...], ...]
    """Training rows, scaled; None for what is missing."""
    neighbors: int

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Fill; the columns become float64, and one that is not there counts as missing in every row."""
        return filled(frame, self.columns, self._filled)

    def _filled(self, rows: pl.DataFrame) -> np.ndarray:
        import numpy as np

        X = matrix_of(rows, self.columns)
        gaps = np.isnan(X)
        some = np.flatnonzero(gaps.any(axis=1))
        if len(some):
            center, scale = np.array(self.centers), np.array(self.scales)
            # A distance between squares of what is beyond this is no number.
            near = ((X[some] - center) / scale).clip(-1e150, 1e150)
            found = self._imputer.transform(near) * scale + center
            X[some] = np.where(gaps[some], found, X[some])
        return X

    @cached_property
    def _imputer(self) -> Any:
        import numpy as np
        from sklearn.impute import KNNImputer

        kept = np.array(self.rows, dtype=np.float64)
        return KNNImputer(n_neighbors=self.neighbors, keep_empty_features=True).fit(kept)


class ImputeNeighborsTransform(Transform):
    """Fill missing numbers with the mean of the training rows that are most alike in the others (Troyanskaya et al. 2001)."""

    name = "impute_neighbors"
    extra = "sklearn"
    columns: tuple[str, ...] = ()
    """Columns to fill and to compare by; by default every number among the features."""
    neighbors: Annotated[int, Gt(0)] = 5
    """Rows that a number is the mean of."""
    max_rows: Annotated[int, Gt(0)] = 2_000
    """Most training rows that are kept to look among, drawn at random; they travel with the model."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the rows."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it looks among rows."""
        return {ONNX: "a look among training rows (impute_iterative and impute need none)"}

    def fit(self, train: Dataset) -> FittedImputeNeighbors:
        """Keep the rows; raises DataError for a column without any value, ConfigError for one that holds no number."""
        import numpy as np

        names = numbers_of(train, self.columns, "transform.impute_neighbors.columns")
        X = matrix_of(train.weighing().frame.select(names).collect(), names)
        require_held(X, names, self.name)
        center, scale = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        told = np.flatnonzero(~np.isnan(X).all(axis=1))
        if len(told) > self.max_rows:
            told = np.sort(np.random.default_rng(self.seed).choice(told, self.max_rows, replace=False))
        kept = ((X[told] - center) / scale).clip(-1e150, 1e150).tolist()
        rows = tuple(tuple(None if value != value else value for value in row) for row in kept)
        return FittedImputeNeighbors(tuple(names), floats(center), floats(scale), rows, self.neighbors)
