"""Columns that are computed from the target of their own row: means of it by a category, with or without the row itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import Split, Target
from hookline.kinds.reports import Finding

from ..sides import Column, Sides, examples, truth_of
from .whole import TRUTH, Things

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_KEYS, MOST_NUMBERS, MOST_CLASSES = 20, 40, 10
LEAST_GROUPS = 4
"""Categories, and values of the column, that it takes."""
LOOKED = 20_000
"""Rows of a side by which pairs of columns are chosen."""
CLOSE = 1e-6
"""Difference, as a share of the target's spread, up to which a number is the mean."""
NEARLY = 0.99
"""Share of rows that must be so."""


@dataclass(frozen=True)
class Way:
    """How a mean of the target was computed."""

    statistic: str
    words: str


WHOLE = Way("target_mean", "the mean of '{target}' by '{key}' over all rows, held-out ones included")
SMOOTHED = Way("target_mean", "a smoothed mean of '{target}' by '{key}' over all rows, held-out ones included")
WITHOUT = Way(
    "target_mean", "the mean of '{target}' by '{key}' over all other rows, from which its own can be computed"
)


def find_encodings(sides: Sides, split: Split, target: Target, labels: Sequence[pl.Series]) -> Iterator[Finding]:
    """Yield a finding for each number that the target of its own row, held-out ones included, went into.

    labels: the target of all rows, part by part as `parts_of` has them, after transforms. The encoding is that of Micci-Barreca
    (2001), "A preprocessing scheme for high-cardinality categorical attributes".
    """
    import numpy as np
    import polars as pl

    if len(target.classes) > MOST_CLASSES:
        return
    by_key: dict[str, list[str]] = {}
    for key, column in _suspects(sides.fewer(LOOKED)):
        by_key.setdefault(key, []).append(column)
    if not by_key:
        return
    truth = pl.Series(np.concatenate([truth_of(label, target) for label in labels]))
    things = Things(split, sorted({*by_key, *(name for names in by_key.values() for name in names)}), truth)
    told: set[str] = set()
    for key, columns in by_key.items():
        frame = things.rows(key, columns)
        for numbers in _numbers_of(frame[TRUTH].to_numpy(), target):
            if np.isnan(numbers).all():
                # Of things that are all too large none is drawn, and of those that are no truth may be known.
                continue
            spread = float(np.nanmax(numbers) - np.nanmin(numbers)) or 1.0
            for column in columns:
                way = None if column in told else _way(frame[key], frame[column], numbers, CLOSE * spread)
                if way is not None:
                    told.add(column)
                    yield _finding(column, key, way, target, sides)


def _finding(column: str, key: str, way: Way, target: Target, sides: Sides) -> Finding:
    words = way.words.format(target=target.name, key=key)
    text = f"'{column}' is {words}: it gives the answer away. roles.ignore=[{column}], or encode within the run."
    return Finding(column, way.statistic, 1.0, NEARLY, "critical", text, examples(sides.row_ids[1]))


def _numbers_of(truth: np.ndarray, target: Target) -> Iterator[np.ndarray]:
    """Yield the target as numbers, float64 (n,): itself, or for each class whether it is that one."""
    import numpy as np

    if not target.classes:
        yield truth
        return
    for code in range(len(target.classes)):
        yield np.where(truth < 0, np.nan, truth == code)


def _suspects(sides: Sides) -> list[tuple[str, str]]:
    """Return pairs of a category and a number that goes by it alone, or by it and the target."""
    keys = [column for column in sides.columns if _is_key(column)][:MOST_KEYS]
    numbers = [c for c in sides.columns if c.kind == "number" and c.numbers is not None and c.size > LEAST_GROUPS]
    y = sides.y[0].astype(int) + 1 if sides.target.classes else None
    found = []
    for key in keys:
        for column in numbers[:MOST_NUMBERS]:
            if column.name == key.name:
                continue
            alone = _goes_by(key.codes[0], column)
            if alone or (y is not None and _goes_by(key.codes[0] * (y.max() + 1) + y, column)):
                found.append((key.name, column.name))
    return found


def _is_key(column: Column) -> bool:
    import numpy as np

    if not column.exact and column.kind == "number":
        return False
    return LEAST_GROUPS <= len(np.unique(column.codes[0])) <= 0.7 * len(column.codes[0])


def _goes_by(codes: np.ndarray, column: Column) -> bool:
    """Tell whether rows of one code have one value of a column."""
    import numpy as np

    groups = len(np.unique(codes))
    return len(np.unique(codes.astype(np.int64) * column.size + column.codes[0])) <= groups * 1.01


def _way(key: pl.Series, column: pl.Series, truth: np.ndarray, close: float) -> Way | None:
    """Return how a column was computed from the target, None where it was not."""
    import numpy as np
    import polars as pl

    frame = (
        pl.DataFrame({"key": key, "e": column.cast(pl.Float64), "y": truth})
        .drop_nulls()
        .filter(pl.col("y").is_not_nan(), pl.col("e").is_finite())
    )
    held = frame.with_columns(n=pl.len().over("key"), s=pl.col("y").sum().over("key"))
    several = held.filter(pl.col("n") > 1)
    if several["key"].n_unique() < LEAST_GROUPS or several["e"].n_unique() < LEAST_GROUPS:
        return None
    y, e, n, s = (several[name].to_numpy() for name in ("y", "e", "n", "s"))
    if (np.abs(s / n - e) <= close).mean() >= NEARLY:
        return WHOLE
    if (np.abs((s - y) / (n - 1) - e) <= close).mean() >= NEARLY:
        return WITHOUT
    groups = several.group_by("key").agg(pl.col("e").first(), pl.col("n").first(), pl.col("s").first())
    if groups.height < 2 * LEAST_GROUPS:
        return None
    # (s + m p) / (n + m) = e, so that s - n e = m e - m p is a line in e.
    e, rest = groups["e"].to_numpy(), (groups["s"] - groups["n"] * groups["e"]).to_numpy()
    if np.ptp(e) <= close:
        return None
    slope, cut = np.polyfit(e, rest, 1)
    near = np.abs(rest - slope * e - cut) <= close * groups["n"].to_numpy()
    return SMOOTHED if slope > 0 and near.mean() >= NEARLY else None
