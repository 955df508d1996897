"""How much a row tells where rows come in groups, such as several of one person: less than one that stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.data.columns import as_number, column_kind

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

STEPS = 10
"""A number is looked at at so many quantiles, less one."""
MOST_VALUES = 20
"""Values of a text that are looked at, the most frequent first."""


def worth_in(frame: pl.LazyFrame, name: str, group: str) -> float:
    """Return how many independent rows a row of a column is worth, at most 1; missing values are looked at too."""
    import polars as pl

    dtype = frame.collect_schema()[name]
    expr = as_number(name, column_kind(dtype), dtype)
    values = pl.col(name).cast(pl.String) if expr is None else expr.fill_nan(None)
    # Under names of our own, since the column may be the group's.
    held = frame.select(values.alias("value"), pl.col(group).cast(pl.String).alias("group")).collect()
    column, groups = held["value"], group_codes(held["group"])
    present = column.is_not_null()
    marks = of_texts(column.filter(present)) if expr is None else of_numbers(column.filter(present).to_numpy())
    of_values = worth(marks, groups[present.to_numpy()])
    return of_values if present.all() else min(of_values, worth(column.is_null().to_numpy()[:, None], groups))


def group_codes(groups: pl.Series) -> np.ndarray:
    """Return groups as codes, int64 (n,); a row of no group is one of its own."""
    import numpy as np

    codes = groups.rank("dense").cast(int).fill_null(0).to_numpy().astype(np.int64)
    alone = codes == 0
    codes[alone] = codes.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return codes


def worth(marks: np.ndarray, groups: np.ndarray) -> float:
    """Return how many independent rows a row is worth: the inverse of the design effect, at most 1.

    The design effect (Kish, 1965, Survey Sampling, 8.2) is the variance of shares when groups are drawn, over that when rows
    are: the former by the sums of each group (Cochran, 1977, Sampling Techniques, 9A.2), one mean of all marks, as Rao and
    Scott (1981) have it. Where it is estimated from few groups, its bound is wider as Student's t is than the normal.

    marks: bool, (n_rows, n_marks), whether a row has each; groups: int64, (n_rows,)
    """
    import numpy as np

    rows = len(marks)
    found, codes = np.unique(groups, return_inverse=True)
    if len(found) == rows:
        return 1.0
    shares = marks.mean(axis=0)
    alone = float((shares * (1 - shares)).sum()) / rows
    if not alone or len(found) == 1:
        # Nothing tells how alike they are, so they may be wholly so.
        return len(found) / rows
    sums = [np.bincount(codes, marks[:, place] - share) for place, share in enumerate(shares)]
    together = len(found) / (len(found) - 1) * float(sum((one**2).sum() for one in sums)) / rows**2
    # Groups that are all the same tell no less than rows that stand alone.
    return min(1.0, alone / (together * _few(len(found) - 1))) if together else 1.0


def of_numbers(values: np.ndarray) -> np.ndarray:
    """Return whether each number is no larger than each quantile that is not the largest, bool, (n_rows, n_marks)."""
    import numpy as np

    if not len(values):
        return np.zeros((0, 0), dtype=bool)
    places = np.linspace(0, len(values) - 1, STEPS + 1).round().astype(np.int64)[:-1]
    ends = np.unique(np.sort(values)[places])
    return np.asarray(values[:, None] <= ends[ends < values.max()])


def of_texts(values: pl.Series) -> np.ndarray:
    """Return whether each text is each of the most frequent ones, bool, (n_rows, n_marks)."""
    return of_codes(values.rank("dense").cast(int).to_numpy())


def of_codes(codes: np.ndarray) -> np.ndarray:
    """Return whether each code is each of the most frequent ones, bool, (n_rows, n_marks)."""
    import numpy as np

    counts = np.bincount(codes) if len(codes) else np.zeros(0, dtype=np.int64)
    chosen = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    return np.asarray(codes[:, None] == chosen[counts[chosen] > 0])


def _few(degrees: int) -> float:
    """Return the square of how much wider the 97.5 % quantile of Student's t is than the normal one (Peiser, 1943)."""
    normal = 1.959964
    return (1 + (normal**2 + 1) / (4 * degrees)) ** 2
