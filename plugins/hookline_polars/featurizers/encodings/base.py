"""What every way of encoding a column says of itself, and how features are versioned."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from hookline import Feature
from hookline.kinds.artifacts import ColumnKind

from ..crossfit import Folds

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class RawColumn:
    """A column to be encoded, as the training rows have it."""

    name: str
    kind: ColumnKind
    dtype: pl.DataType


@dataclass(frozen=True, kw_only=True)
class ColumnEncoding(ABC):
    """One raw column's way into the matrix: `size` columns, and one more that says where it is missing, if `indicator`.

    A further way is one subclass, told apart by its `how` where it is stored, with a class method `fit` that learns it for
    several columns at once. It is named in `fitted.Encoding`; `TabularFeaturizer` says which columns it is fitted to.
    """

    how: str
    column: str
    indicator: bool = False

    learns_target: ClassVar[bool] = False
    """Whether it is made of the target, so that training rows are encoded by the rows of other folds."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Columns of the matrix, without the indicator."""

    @abstractmethod
    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return name, definition and version of each feature, in the order of the matrix, without the indicator."""

    @abstractmethod
    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return what is read of the column: float32 values, or uint32 codes (null where unseen or missing)."""

    @abstractmethod
    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Fill a zeroed block of the matrix, (n_rows, size), from what was read."""

    @classmethod
    @abstractmethod
    def onnx_blocks(cls, encodings: Any, inputs: Mapping[str, Any]) -> list[Any]:
        """Say encodings of this class that stand together as blocks (N, n) that make up their columns; raises ExportError.

        One block for all of them, where ONNX can, is what a small batch feels.
        """

    def write_crossfitted(self, rows: pl.DataFrame, X: np.ndarray, folds: Folds) -> None:
        """Write anew what training rows must not learn of their own target; of most encodings nothing."""
        return

    @property
    def width(self) -> int:
        """Columns of the matrix, the indicator included."""
        return self.size + self.indicator

    @property
    def filled(self) -> int:
        """Values of a row that are not zero, as a rule."""
        return self.width

    @property
    def cells(self) -> int:
        """Values of a row that a sparse matrix has room for, without the indicator."""
        return self.size

    def write_cells(self, rows: pl.DataFrame, values: np.ndarray, places: np.ndarray, start: int) -> None:
        """Fill the cells of some rows, (n_rows, cells), and their columns where these differ from row to row.

        values: still those of earlier rows; where `write` leaves some of a block as they are, this must not
        start: the matrix's column that is the first of this encoding
        """
        self.write(rows, values)

    def exprs(self) -> list[pl.Expr]:
        """Return what is read from the frame, each under a name of its own."""
        import polars as pl

        column = pl.col(self.column)
        found = [expr.alias(f"{self.column}\0{i}") for i, expr in enumerate(self.read(column))]
        if self.indicator:
            found.append(column.is_null().cast(pl.Float32).alias(f"{self.column}\0missing"))
        return found

    def collected(self, rows: pl.DataFrame, i: int = 0) -> pl.Series:
        """Return the i-th of what was read."""
        return rows[f"{self.column}\0{i}"]

    def indicated(self, rows: pl.DataFrame) -> np.ndarray:
        """Return where the column is missing, float32 (n_rows,)."""
        return rows[f"{self.column}\0missing"].to_numpy()

    def features(self) -> list[Feature]:
        """Return the features that it makes."""
        made = [Feature(name, "float32", (self.column,), told, version) for name, told, version in self.described()]
        if self.indicator:
            made.append(Feature(f"{self.column}?missing", "float32", (self.column,), f"is_null({self.column})"))
        return made


class CodedEncoding(ColumnEncoding):
    """An encoding that puts a single 1 into a row, in the column of its code, and none where the code is null."""

    @property
    def filled(self) -> int:
        """One."""
        return 1

    @property
    def cells(self) -> int:
        """One."""
        return 1

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Put in the ones."""
        import numpy as np

        codes = self.collected(rows)
        X[np.flatnonzero(codes.is_not_null().to_numpy()), codes.drop_nulls().to_numpy()] = 1.0

    def write_cells(self, rows: pl.DataFrame, values: np.ndarray, places: np.ndarray, start: int) -> None:
        """Put in the ones and their columns."""
        codes = self.collected(rows)
        values[:, 0] = codes.is_not_null().to_numpy()
        places[:, 0] = codes.fill_null(0).to_numpy()
        places[:, 0] += start


def version_of(
    how: str,
    *,
    scaling: str = "",
    fill: float | None = None,
    has_default: bool = False,
    known: Sequence[str] = (),
    hashes: int = 0,
    time_zone: str | None = None,
) -> str:
    """Return a digest of what a feature's value means: of how it is encoded, and not of means and scales that were fitted.

    known: the categories, where a value means something else beside other ones, as the place of one in `ordinal` does,
    and the column of all others; a category's own column, or its mean, does not.
    """
    # The list and its order stay, so that features of stored models compare with new ones.
    shape = [how, scaling, fill, has_default, known, hashes, time_zone]
    return sha256(json.dumps(shape).encode()).hexdigest()[:8]
