"""Vega-Lite specs of explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from hookline import Chart

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .budget import Explained
    from .reporting import Influence

DOTS = 100
"""Most rows of a beeswarm."""
STEPS = 12
"""Most columns of a waterfall; the others are one step."""
HEIGHT = {"step": 18}
Spec = dict[str, Any]


def bars(name: str, found: Sequence[Influence], unit: str) -> Chart:
    """Draw each column's mean absolute value with its interval."""
    title = f"mean |{unit}|"
    values = [
        {"column": o.column, "mean": rounded(o.mean), "low": rounded(o.low), "high": rounded(o.high)} for o in found
    ]
    bar = {"mark": "bar", "encoding": {"x": {"field": "mean", "type": "quantitative", "title": title}}}
    reach = {
        "mark": {"type": "rule", "opacity": 0.7},
        "encoding": {"x": {"field": "low", "type": "quantitative", "title": title}, "x2": {"field": "high"}},
    }
    spec = {"data": {"values": values}, "encoding": {"y": _columns()}, "layer": [bar, reach], "height": HEIGHT}
    return Chart(name, "How far each column moves the answers", spec)


def beeswarm(name: str, told: Explained, values: np.ndarray, columns: Sequence[str], unit: str) -> Chart:
    """Draw each row's value of each column as a dot, beside its like where they crowd, colored by how high its own value ranks.

    values: float64, (n_rows, n_columns), as they are drawn; columns: which are drawn, from above
    """
    import numpy as np

    dots = []
    for column in columns:
        place = told.rows.columns.index(column)
        part, rank = values[:DOTS, place], _ranks(told.rows[column])[:DOTS]
        beside = _beside(part, float(np.abs(values[:, [told.rows.columns.index(c) for c in columns]]).max()))
        dots += [
            {"column": column, "value": rounded(x), "beside": rounded(b), "rank": r}
            for x, b, r in zip(part.tolist(), beside.tolist(), rank, strict=True)
        ]
    color = {
        "field": "rank",
        "type": "quantitative",
        "title": "own value, by rank",
        "scale": {"scheme": "redblue", "reverse": True, "domain": [0, 1]},
    }
    known = {"condition": {"test": "isValid(datum.rank)", **color}, "value": "gray"}
    encoding = {
        "y": _columns(),
        "x": {"field": "value", "type": "quantitative", "title": f"moves the {unit} by"},
        "yOffset": {"field": "beside", "type": "quantitative", "scale": {"domain": [-1, 1]}},
        "color": known,
    }
    # Texts have no rank, and are drawn all the same.
    mark = {"type": "circle", "opacity": 0.8, "size": 16, "invalid": None}
    spec = {"data": {"values": dots}, "mark": mark, "encoding": encoding, "height": {"step": 26}}
    return Chart(name, "What each row's columns did to its answer", spec)


def waterfall(name: str, title: str, base: float, parts: Mapping[tuple[str, str], float], unit: str) -> Chart:
    """Draw the way from the base to one answer, the largest steps first. parts: column and its value -> what it adds."""
    ordered = sorted(parts.items(), key=lambda part: -abs(part[1]))
    labels = [f"{column} = {value}" for (column, value), _ in ordered[:STEPS]]
    steps = [step for _, step in ordered[:STEPS]]
    if rest := ordered[STEPS:]:
        labels.append(f"{len(rest)} other columns")
        steps.append(sum(step for _, step in rest))
    ends = [*accumulate(steps, initial=base)]
    values = [
        {
            "column": label,
            "from": rounded(start),
            "to": rounded(end),
            "by": rounded(step),
            "way": "up" if step >= 0 else "down",
        }
        for label, start, end, step in zip(labels, ends, ends[1:], steps, strict=False)
    ]
    encoding = {
        "y": _columns(),
        "x": {"field": "from", "type": "quantitative", "title": unit, "scale": {"zero": False}},
        "x2": {"field": "to"},
        "color": {"field": "way", "type": "nominal", "sort": ["up", "down"], "title": None},
        "tooltip": [{"field": "column"}, {"field": "by"}],
    }
    bar = {"mark": "bar", "encoding": encoding}
    start = {
        "mark": {"type": "rule", "strokeDash": [4, 4], "opacity": 0.6},
        "encoding": {"x": {"datum": rounded(base)}},
    }
    spec = {"data": {"values": values}, "layer": [start, bar], "height": HEIGHT}
    return Chart(name, f"{title} (from {base:.3g})", spec)


def _columns() -> Spec:
    return {"field": "column", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}}


def _ranks(column: pl.Series) -> list[float | None]:
    """Return how high each value ranks, from 0 to 1; None of texts and of what is missing."""
    import polars as pl

    if column.dtype in (pl.String, pl.Categorical) or column.n_unique() < 2:
        return [None] * len(column)
    ranks = column.rank("dense")
    most = max(1, int(str(ranks.max() or 1)) - 1)
    return [None if rank is None else rounded((rank - 1) / most) for rank in ranks.to_list()]


def _beside(values: np.ndarray, reach: float) -> np.ndarray:
    """Return how far aside dots stand that would lie on each other, from -1 to 1, (n_rows,)."""
    import numpy as np

    bins = np.round(values / max(reach, 1e-300) * 60).astype(np.int64)
    aside = np.zeros(len(values))
    for one in np.unique(bins):
        here = np.flatnonzero(bins == one)
        aside[here] = np.array([(-1) ** at * ((at + 1) // 2) for at in range(len(here))])
    return aside / max(1.0, float(np.abs(aside).max()), 6.0)


def rounded(value: float) -> float:
    """Round to five significant digits, which is finer than a screen."""
    return float(f"{value:.5g}")
