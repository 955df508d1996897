"""How much one column says of another: one number between 0 and 1 for each pair of kinds, with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class Association:
    """How strongly a column goes together with the target."""

    statistic: str
    """`AUC`, `Spearman`, `Cramer's V` or `epsilon^2`; `measure` says which is whose."""
    value: float
    """From 0 (nothing) to 1 (all of it); AUC from 0.5."""
    rows: int
    """Rows that it was measured on: those that hold both, of a sample where there are many."""


def measure(column: pl.Series, target: pl.Series, *, numbers: bool, classes: bool) -> Association | None:
    """Measure what a column says of the target; None where either holds fewer than two values.

    numbers: whether the column holds float64 numbers, else texts; classes: whether the target holds texts, else float64
    """
    import polars as pl

    both = pl.DataFrame({"x": column, "y": target}).drop_nulls()
    if both.height < 3 or both["x"].n_unique() < 2 or both["y"].n_unique() < 2:
        return None
    x, y, rows = both["x"], both["y"], both.height
    if numbers and not classes:
        return Association("Spearman", abs(spearman(x, y)), rows)
    if numbers and y.n_unique() == 2:
        area = auc(x, (y == y.max()).to_numpy())
        return Association("AUC", max(area, 1 - area), rows)
    if numbers:
        return Association("epsilon^2", epsilon_squared(codes(y), x.to_numpy()), rows)
    if classes:
        return Association("Cramer's V", cramers_v(codes(x), codes(y)), rows)
    return Association("epsilon^2", epsilon_squared(codes(x), y.to_numpy()), rows)


def codes(values: pl.Series) -> np.ndarray:
    """Return a code from 0 for each value, int64 (n,)."""
    import numpy as np

    return values.rank("dense").to_numpy().astype(np.int64) - 1


def spearman(x: pl.Series, y: pl.Series) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; equals scipy.stats.spearmanr."""
    import numpy as np

    return float(np.corrcoef(x.rank("average").to_numpy(), y.rank("average").to_numpy())[0, 1])


def auc(x: pl.Series, positive: np.ndarray) -> float:
    """Return the area under the ROC curve of x as a score (Mann-Whitney U; equals sklearn.metrics.roc_auc_score).

    positive: bool (n,)
    """
    ranks = x.rank("average").to_numpy()
    held = int(positive.sum())
    return float((ranks[positive].sum() - held * (held + 1) / 2) / (held * (len(ranks) - held)))


def epsilon_squared(groups: np.ndarray, y: np.ndarray) -> float:
    """Return the share of y's variance that lies between groups, less what chance puts there.

    It is eta squared corrected for the number of groups (Kelley, 1935, "An unbiased correlation ratio measure"), at least 0.
    groups: int64 codes (n,); y: float64 (n,)
    """
    import numpy as np

    counts = np.bincount(groups)
    sums = np.bincount(groups, y - y.mean())
    total = float(((y - y.mean()) ** 2).sum())
    between = float((sums**2 / np.maximum(counts, 1)).sum())
    size, rest = len(counts), len(y) - len(counts)
    if total <= 0 or rest < 1:
        return 0.0
    return min(1.0, max(0.0, (between - (size - 1) * (total - between) / rest) / total))


def cramers_v(x: np.ndarray, y: np.ndarray) -> float:
    """Return Cramer's V with the bias of small samples and many categories taken off (Bergsma, 2013).

    x, y: int64 codes (n,), each code from 0 in use
    """
    import numpy as np

    rows = len(x)
    width = int(y.max()) + 1
    # Only the pairs that occur: a table of all would be large where both have many categories.
    pairs, together = np.unique(x * width + y, return_counts=True)
    of_x, of_y = np.bincount(x), np.bincount(y)
    phi = float((together.astype(np.float64) ** 2 / (of_x[pairs // width] * of_y[pairs % width])).sum()) - 1
    r, k = len(of_x), len(of_y)
    phi = max(0.0, phi - (r - 1) * (k - 1) / (rows - 1))
    r_, k_ = r - (r - 1) ** 2 / (rows - 1), k - (k - 1) ** 2 / (rows - 1)
    least = min(r_, k_) - 1
    return float(min(1.0, (phi / least) ** 0.5)) if least > 0 else 0.0
