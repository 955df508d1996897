"""What was seen of a version, made up."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hookline import ColumnProfile, Dataset, Histogram, Prediction, Scored, Seen, Target
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.deployments import LATENCY_BOUNDS
from hookline.kinds.reports import Bins

USUAL = (40, 30, 20, 10)
"""Percent of answers in each of four bins."""


def seen(
    requests: int,
    errors: int = 0,
    *,
    took: float = 0.01,
    answers: Sequence[int] = USUAL,
    scored: Scored | None = None,
    worth: float = 1.0,
) -> Seen:
    """Return what was seen of so many requests: each took as long, and answers fell into bins by these percents."""
    counts = [0] * (len(LATENCY_BOUNDS) + 1)
    counts[sum(bound < took for bound in LATENCY_BOUNDS)] = requests
    bins = Bins((0.0, 0.25, 0.5, 0.75, 1.0), tuple(requests * share // 100 for share in answers))
    told = ColumnProfile("probability_yes", "Float64", "number", requests, 0, 0, bins=bins, independent=worth)
    return Seen(requests, errors, Histogram(LATENCY_BOUNDS, tuple(counts)), told, scored)


def judged(wrong: Sequence[bool], keys: Sequence[str] | None = None) -> Scored:
    """Return rows of which each was answered `yes`, rightly or wrongly; the truth of all is known. keys: column `customer`."""
    import numpy as np

    held = {ROW_ID: list(range(len(wrong))), "customer": list(keys or map(str, range(len(wrong))))}
    rows = Dataset(pl.DataFrame(held).lazy())
    said = Prediction(np.full(len(wrong), "yes"))
    truth = np.where(np.array(wrong), "no", "yes")
    return Scored.of(rows, said, Target("bought", "binary", ("no", "yes")), truth=truth)


def off(by: Sequence[float]) -> Scored:
    """Return rows of which each was answered 0, and so far off that the truth is."""
    import numpy as np

    rows = Dataset(pl.DataFrame({ROW_ID: list(range(len(by)))}).lazy())
    return Scored.of(rows, Prediction(np.zeros(len(by))), Target("cost", "regression"), truth=np.array(by, dtype=float))
