"""Search for the slices of rows, by one column or two, whose loss is higher than that of the other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

from hookline import Scored
from hookline.data.columns import as_number, column_kind
from hookline.data.target import encode
from hookline.kinds.artifacts import ROW_ID
from hookline.quality.discoveries import discoveries

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

PARTS = 5
"""Ranges of a number, each of as many rows."""
MOST_VALUES = 15
"""Values of a text that are looked at, the most frequent first."""
MOST_CONDITIONS = 300
SURE = 1.645
DIGITS = tuple(f".{digits}g" for digits in range(5, 18))
"""How an edge is told where four digits do not do; 17 tell any two numbers apart."""
MOMENTS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


@dataclass(frozen=True)
class Condition:
    """One value or range of a column.

    rows: bool, (n_rows,); value: what it holds, as `female` or `over 18 up to 65`, which no other of the column is called
    """

    column: str
    told: str
    rows: np.ndarray
    value: str = "missing"


@dataclass(frozen=True)
class Slice:
    """Rows that one or two conditions choose.

    loss, others: mean loss of these rows, and of all others; low: lower 95 % bound of the difference
    """

    conditions: tuple[Condition, ...]
    count: int
    loss: float
    others: float
    low: float
    chance: float

    @property
    def told(self) -> str:
        """What its rows have in common."""
        return " and ".join(one.told for one in self.conditions)

    @property
    def rows(self) -> np.ndarray:
        """The rows, bool (n_rows,)."""
        found = self.conditions[0].rows
        return found & self.conditions[1].rows if len(self.conditions) > 1 else found


def losses_of(labeled: Scored) -> np.ndarray:
    """Return what each row of known truth loses, float64 (n_rows,): 1 for a wrong class, or the absolute error."""
    import numpy as np

    truth, answers = labeled.truth(), labeled.prediction().values
    if labeled.target.task == "regression":
        return np.asarray(np.abs(np.asarray(answers, dtype=float) - np.asarray(truth, dtype=float)))
    return np.asarray(encode(truth, labeled.target) != encode(answers, labeled.target), dtype=float)


def columns_of(scored: Scored) -> list[str]:
    """Return the raw columns that rows are divided by: those that a model may see."""
    hidden = {scored.target.name, ROW_ID}
    return [name for name in scored.rows().feature_columns() if name not in hidden]


def conditions_in(frame: pl.DataFrame, least: int) -> list[Condition]:
    """Return the values and ranges of each column that as many rows have, but for those that all have."""
    rows, found = frame.height, every_condition(frame)
    return [one for one in found if least <= int(one.rows.sum()) <= rows - least][:MOST_CONDITIONS]


def every_condition(frame: pl.DataFrame, edges: Mapping[str, tuple[float, ...]] | None = None) -> list[Condition]:
    """Return the values and ranges of each column, however few rows have them. edges: where to cut, else into fifths"""
    found: list[Condition] = []
    for name in frame.columns:
        ranged = column_kind(frame[name].dtype) in ("number", "datetime")
        found += _ranges(frame[name], (edges or {}).get(name)) if ranged else _values(frame[name])
    return found


def worst_slices(
    loss: np.ndarray, conditions: list[Condition], *, least: int, gap: float, share: float, worth: float = 1.0
) -> tuple[list[Slice], int]:
    """Return the slices that surely are worse by `gap`, the worst first and none mostly within another, and how many there were.

    loss: float64, (n_rows,); least: rows of a slice; share: of what is told that may be chance (Benjamini and Hochberg, 1995)
    worth: how many independent rows a row is
    """
    import numpy as np

    if not conditions:
        return [], 0
    marks = np.column_stack([one.rows for one in conditions]).astype(np.float32)
    counts = marks.T @ marks
    sums, squares = (marks.T @ (marks * (loss**power)[:, None].astype(np.float32)) for power in (1, 2))
    columns = np.array([one.column for one in conditions])
    looked = np.triu((columns[:, None] != columns[None, :]) | np.eye(len(columns), dtype=bool))
    looked &= (counts >= least) & (counts <= len(loss) - least)
    first, second = np.nonzero(looked)
    inside = [held[first, second].astype(float) for held in (counts, sums, squares)]
    found = _compared(loss, inside[0], inside[1], inside[2], worth)
    certain = discoveries(found[2].tolist(), share)
    slices = [
        Slice(
            tuple(conditions[place] for place in dict.fromkeys((int(one), int(other)))),
            *(int(counts[one, other]), float(means[0]), float(means[1]), float(low), float(chance)),
        )
        for one, other, means, low, chance, sure in zip(
            first, second, found[0], found[1], found[2], certain, strict=True
        )
        if sure and low > gap
    ]
    return _apart(sorted(slices, key=lambda one: (-one.low, len(one.conditions)))), len(first)


def _compared(
    loss: np.ndarray, counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, worth: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean losses (n, 2) of slices and of other rows, the lower bounds of their differences, and their chances.

    The losses of a slice are taken to vary as its own do, or as those of all rows, whichever is more.
    """
    import numpy as np

    inside = sums / counts
    outside = (loss.sum() - sums) / (len(loss) - counts)
    spread = np.maximum(loss.var(), squares / counts - inside**2)
    error = np.sqrt(spread / worth * (1 / counts + 1 / (len(loss) - counts)))
    gaps = inside - outside
    normal = NormalDist()
    chances = np.array([normal.cdf(-gap / one) if one > 0 else 1.0 for gap, one in zip(gaps, error, strict=True)])
    return np.column_stack([inside, outside]), gaps - SURE * error, chances


def _apart(slices: list[Slice]) -> list[Slice]:
    """Leave out what mostly holds the rows of a slice before it."""
    kept: list[Slice] = []
    for one in slices:
        if all((one.rows & other.rows).sum() < 0.5 * min(one.count, other.count) for other in kept):
            kept.append(one)
    return kept


def _ranges(values: pl.Series, cuts: tuple[float, ...] | None = None) -> list[Condition]:
    import numpy as np

    kind, name = column_kind(values.dtype), values.name
    number = as_number(name, kind, values.dtype)
    assert number is not None
    held = values.to_frame().select(number.fill_nan(None)).to_series()
    present = held.drop_nulls().to_numpy()
    missing = Condition(name, f"'{name}' is missing", held.is_null().to_numpy())
    if not len(present):
        return [missing]
    known = held.fill_null(float("nan")).to_numpy()
    fifths = np.quantile(present, np.arange(1, PARTS) / PARTS, method="lower") if cuts is None else np.array(cuts)
    edges = np.unique(fifths)
    said = dict(zip(edges.tolist(), _told_apart(edges.tolist(), values.dtype.is_temporal()), strict=True))
    bounds = [-np.inf, *edges.tolist(), np.inf]
    found = [missing]
    for low, high in pairwise(bounds):
        rows = (known > low) & (known <= high)
        told = _told(said.get(low), said.get(high))
        found.append(Condition(name, f"'{name}' {told}", rows, told))
    return found


def _told_apart(edges: Sequence[float], are_moments: bool) -> list[str]:
    """Return each edge in four digits, or else in as many as tell them apart; whole numbers then whole.

    edges: all different; moments as seconds, UTC
    """
    from datetime import UTC, datetime

    forms = MOMENTS if are_moments else (".4g", *([".0f"] if all(map(float.is_integer, edges)) else DIGITS))
    told = [datetime.fromtimestamp(edge, UTC) if are_moments else edge for edge in edges]
    ways = ([format(one, form) for one in told] for form in forms)
    return next((said for said in ways if len(set(said)) == len(said)), [repr(edge) for edge in edges])


def _told(low: str | None, high: str | None) -> str:
    """Say a range in words. low, high: its edges, None where it has no end"""
    if low is None:
        return "all" if high is None else f"up to {high}"
    return f"over {low}" if high is None else f"over {low} up to {high}"


def _values(values: pl.Series) -> list[Condition]:
    import polars as pl

    texts = values.cast(pl.String)
    counts = texts.drop_nulls().value_counts(name="rows")
    top = counts.sort(["rows", values.name], descending=[True, False]).head(MOST_VALUES)[values.name].to_list()
    found = [
        Condition(values.name, f"'{values.name}' is {text!r}", (texts == text).fill_null(False).to_numpy(), text)
        for text in top
    ]
    missing, every = "missing", set(counts[values.name].to_list())
    while missing in every:
        missing = f"({missing})"
    return [*found, Condition(values.name, f"'{values.name}' is missing", texts.is_null().to_numpy(), missing)]
