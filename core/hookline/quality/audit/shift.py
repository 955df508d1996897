"""How far the held-out rows are from the training rows: what the split itself made different, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import Roles
from hookline.kinds.reports import Finding, Severity, Table

from ..effects import ALONE, Effect, Worth, association, numeric_effect, share_effect
from ..grouped import of_codes, of_numbers
from .sides import Column, Sides

if TYPE_CHECKING:
    import numpy as np

LIMITS = {"KS": 0.05, "Cramer's V": 0.1, "missing share": 0.05}
"""Statistic -> the effect from which on two samples differ; as the `data_drift` monitor has them."""
LEAST_ROWS = 30
"""Rows of a side below which nothing is judged."""
DOUBT = 0.01
"""Chance of one false alarm or more in a whole table, shared out among its columns."""


def find_shifts(sides: Sides, method: str, roles: Roles) -> tuple[Table, list[Finding]]:
    """Return every column's effect, and a finding for each that differs even by the lower bound of its effect.

    Rows of one group count as fewer than as many others.
    """
    columns = [column for column in (*sides.columns, _target(sides)) if method != "time" or column.name != roles.time]
    if min(map(len, sides.y)) < LEAST_ROWS:
        columns = []
    confidence = 1 - DOUBT / max(1, 2 * len(columns))
    effects = [effect for column in columns for effect in _effects(sides, column, confidence)]
    effects.sort(key=lambda effect: -effect.low / LIMITS[effect.statistic])
    rows = [(e.column, e.statistic, round(e.value, 4), round(e.low, 4), LIMITS[e.statistic]) for e in effects]
    table = Table("shift", ("column", "statistic", "effect", "at_least", "limit"), tuple(rows))
    return table, [_finding(effect, method) for effect in effects if effect.low > LIMITS[effect.statistic]]


def _target(sides: Sides) -> Column:
    if sides.target.task == "regression":
        return Column(sides.target.name, "number", sides.y, sides.y, exact=False)
    return Column(sides.target.name, "string", (sides.y[0] + 1, sides.y[1] + 1), None, exact=True)


def _effects(sides: Sides, column: Column, confidence: float) -> Iterator[Effect]:
    import numpy as np

    absent = [np.isnan(values) if column.numbers else values == 0 for values in column.numbers or column.codes]
    if any(mask.any() for mask in absent):
        shares = [(int(mask.sum()), len(mask)) for mask in absent]
        worth = sides.worth(absent[0][:, None], 0), sides.worth(absent[1][:, None], 1)
        yield share_effect(column.name, "missing share", shares[0], shares[1], confidence, worth)
    if any(mask.all() for mask in absent):
        return
    held = [values[~mask] for values, mask in zip(column.numbers or column.codes, absent, strict=True)]
    worth = _worth(sides, column, held, absent)
    if column.numbers is not None:
        yield numeric_effect(column.name, held[0], held[1], confidence, worth)
    else:
        counts = [_counts(codes, column.size) for codes in column.codes]
        yield association(column.name, counts[0], counts[1], confidence, worth)


def _worth(sides: Sides, column: Column, held: Sequence[np.ndarray], absent: Sequence[np.ndarray]) -> Worth:
    """Return how many independent rows a row of either side is worth, by its value; 1 where there are no groups."""
    if sides.groups is None:
        return ALONE
    marks = of_numbers if column.numbers is not None else of_codes
    return sides.worth(marks(held[0]), 0, ~absent[0]), sides.worth(marks(held[1]), 1, ~absent[1])


def _counts(codes: np.ndarray, size: int) -> list[float]:
    import numpy as np

    counts: list[float] = np.bincount(codes, minlength=size)[1:].tolist()
    return counts


def _finding(effect: Effect, method: str) -> Finding:
    limit = LIMITS[effect.statistic]
    severity: Severity = "info" if method == "time" else "warning"
    text = (
        f"'{effect.column}' differs between training and held-out rows: {effect.statistic} {effect.value:.2f} "
        f"(at least {effect.low:.2f}). "
    )
    text += {
        "time": "Later rows are unlike earlier ones, as they will be in use.",
        "group": "The groups held out are unlike the others: other seeds would be judged differently.",
        "column": "The held-out rows are not drawn from the same source as the training rows.",
    }.get(method, "A random split does not do that: rows may be few, or related.")
    return Finding(effect.column, "shift", effect.value, limit, severity, text)
