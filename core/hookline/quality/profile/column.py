"""What there is to measure of one column, exactly: one sort of its numbers, or one count of its texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline.data.columns import as_number, column_kind
from hookline.data.dates import shown
from hookline.errors import DataError
from hookline.kinds.artifacts import ColumnKind
from hookline.kinds.reports import Bins

from .association import Association
from .diversity.gaps import Gaps, gaps_in
from .diversity.spread import Spread, spread_of
from .sentinels import MOMENTS, NUMBERS, odd_numbers
from .texts import MOST_TOP, TextFacts, facts_of_texts

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
BARS = 30
"""Equally wide bins of a histogram."""


@dataclass(frozen=True)
class ColumnFacts:
    """What was measured of one column; datetimes are told as seconds since 1970 UTC."""

    name: str
    dtype: str
    kind: ColumnKind | Literal["other"]
    """`other`: a type that no pipeline takes, of which only missing values are counted."""
    count: int
    """Rows, missing ones included."""
    missing: int
    distinct: int = 0
    """Different values, missing left out."""
    mean: float | None = None
    std: float | None = None
    """Sample standard deviation (n - 1), like the mean of the finite values."""
    quantiles: tuple[tuple[float, float], ...] = ()
    """Share and value, between two neighbors in proportion (Hyndman and Fan, 1996, type 7)."""
    histogram: Bins | None = None
    """Equally wide bins from the smallest to the largest finite value."""
    top: tuple[tuple[str, int], ...] = ()
    """The most frequent values with their rows; of numbers only those that stand there more than once."""
    zero: int = 0
    negative: int = 0
    infinite: int = 0
    sentinels: tuple[tuple[str, int], ...] = ()
    """Values that look as if they stood for a missing one, with their rows."""
    text: TextFacts | None = None
    association: Association | None = None
    """With the target, where one was named."""
    spread: Spread | None = None
    """Of texts, booleans and whole numbers: how evenly rows are spread over the values."""
    gaps: Gaps | None = None
    """Of datetimes."""

    @property
    def present(self) -> int:
        """Rows that hold a value."""
        return self.count - self.missing

    def quantile(self, share: float) -> float | None:
        """Return one of the quantiles; None where there are none."""
        return dict(self.quantiles).get(share)


def of_kind(dtype: pl.DataType) -> ColumnKind | Literal["other"]:
    """Return how hookline treats a polars dtype, `other` where it does not."""
    try:
        return column_kind(dtype)
    except DataError:
        return "other"


def measure_column(column: pl.Series) -> ColumnFacts:
    """Measure one column, NaN marked as missing already."""
    import polars as pl

    kind = of_kind(column.dtype)
    facts: dict[str, Any] = {"name": column.name, "dtype": repr(column.dtype), "kind": kind, "count": len(column)}
    facts["missing"] = int(column.null_count())
    if kind == "other" or facts["missing"] == facts["count"]:
        return ColumnFacts(**facts)
    if kind in ("number", "datetime"):
        facts |= _of_numbers(_sorted(column, kind), kind)
        if column.dtype.is_decimal() or column.dtype in (pl.Int128, pl.UInt128):
            # As float64 several of them are one.
            facts["distinct"] = column.drop_nulls().n_unique()
        return ColumnFacts(**facts)
    return ColumnFacts(**facts, **facts_of_texts(column, kind))


def _sorted(column: pl.Series, kind: str) -> np.ndarray:
    """Return a column's values that are present, sorted, (n,): whole numbers as they are, all else as float64."""
    import numpy as np
    import polars as pl

    present = column.drop_nulls()
    if not (column.dtype.is_integer() and column.dtype not in (pl.Int128, pl.UInt128)):
        number = as_number(column.name, "datetime" if kind == "datetime" else "number", column.dtype)
        assert number is not None
        present = present.to_frame().select(number).to_series()
    values = np.array(present.to_numpy())
    values.sort()
    return values


def _of_numbers(values: np.ndarray, kind: str) -> dict[str, Any]:
    """Return the facts of sorted values, at least one."""
    import numpy as np

    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    facts: dict[str, Any] = {"distinct": len(starts)}
    if values.dtype.kind in "iu":
        facts["spread"] = spread_of(np.diff(starts, append=len(values)))
    if len(starts) < len(values):
        counts = np.diff(starts, append=len(values))
        facts["top"] = _top_numbers(values, starts, counts, kind)
        candidates = MOMENTS if kind == "datetime" else NUMBERS
        odd = odd_numbers(values[starts], counts, candidates)
        facts["sentinels"] = tuple((shown(value, kind), rows) for value, rows in odd)
    finite = values
    if values.dtype.kind == "f":
        finite = values[np.searchsorted(values, -np.inf, "right") : np.searchsorted(values, np.inf, "left")]
        facts["infinite"] = len(values) - len(finite)
    if not len(finite):
        return facts
    if kind == "datetime":
        facts["gaps"] = gaps_in(finite)
    if kind == "number":
        facts["negative"] = int(np.searchsorted(values, 0, "left"))
        facts["zero"] = int(np.searchsorted(values, 0, "right")) - facts["negative"]
    # The squares of very large numbers are larger than any.
    with np.errstate(over="ignore", invalid="ignore"):
        facts["mean"] = float(finite.mean(dtype=np.float64))
        facts["std"] = float(finite.std(ddof=1, dtype=np.float64)) if len(finite) > 1 else None
        facts["quantiles"] = tuple((share, _quantile(finite, share)) for share in QUANTILES)
        facts["histogram"] = _histogram(finite)
    return facts


def _quantile(values: np.ndarray, share: float) -> float:
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    first, second = float(values[low]), float(values[high])
    return first if first == second else first + (second - first) * (place - low)


def _histogram(values: np.ndarray) -> Bins | None:
    import numpy as np

    low, high = float(values[0]), float(values[-1])
    edges = np.linspace(low, high, BARS + 1) if high > low else np.array([low, low])
    if not np.isfinite(edges).all():
        return None
    below = np.searchsorted(values, edges[1:-1], "right")
    return Bins(tuple(edges.tolist()), tuple(np.diff(below, prepend=0, append=len(values)).tolist()))


def _top_numbers(values: np.ndarray, starts: np.ndarray, counts: np.ndarray, kind: str) -> tuple[tuple[str, int], ...]:
    import numpy as np

    repeated = np.flatnonzero(counts > 1)
    if len(repeated) > MOST_TOP:
        repeated = repeated[np.argpartition(-counts[repeated], MOST_TOP - 1)[:MOST_TOP]]
    ordered = sorted(
        ((int(counts[i]), values[starts[i]].item()) for i in repeated.tolist()), key=lambda pair: (-pair[0], pair[1])
    )
    return tuple((shown(value, kind) if isinstance(value, float) else str(value), rows) for rows, value in ordered)
