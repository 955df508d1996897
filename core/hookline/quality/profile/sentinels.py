"""Values that stand for "not known" without being missing: which texts look like it, and which numbers behave like it.

Qahtan et al., "FAHES: A Robust Disguised Missing Values Detector" (KDD 2018), tell placeholders by their form in texts, and
by their distance from the rest in numbers. The rules here are narrower: a number must also be one that people write for
"not known", and stand there again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

PLACEHOLDERS = frozenset(
    (
        *("?", "??", "???", "-", "--", "---", ".", "..", "..."),
        *("na", "n/a", "#n/a", "n.a.", "n.a", "nan", "null", "(null)", "<null>", "nil", "none", "\\n", "<na>"),
        *("missing", "unknown", "undefined", "(blank)", "not available", "not applicable", "no data", "tbd"),
    )
)
"""Texts, in lower case and without spaces around them, that people write where they have no value."""
NUMBERS = (*(sign * (10**digits - 1) for sign in (-1, 1) for digits in range(2, 8)), -9, -8, -7, -1, 0)
"""Numbers that people write where they have no value."""
MOMENTS = (-2208988800, -2209075200, -2209161600, 0, 253402214400, 253402300799)
"""1900-01-01 and the two days before it (day 1, 0 and -1 of spreadsheets), 1970-01-01, 9999-12-31: seconds since 1970 UTC."""
LEAST_ROWS, LEAST_SHARE = 5, 1e-4
"""A number that stands there less often than both is a chance."""
WORDS = frozenset(("none", "nil"))
"""Placeholders that are a value like any other where a column holds few: no alcohol, no defect, no claim."""
FEW = 50
"""Different texts up to which a column holds categories."""
SCALE = 20
"""Whole numbers up to here, none of them negative, are marks or counts, of which zero is one."""
LEAST_DISTINCT = 10
"""A column whose other values are fewer than these holds codes, among which none is outside."""
OFTEN_ZERO = 0.05
"""Share of rows from which on zero is a value of its own, as with amounts that some lack and waves that some missed."""
FENCE = 1.5
"""Distance from the quartiles, in their own distance, beyond which a value is outside (Tukey, 1977, section 2D)."""
GAP = 0.5
"""Distance from the closest other value, in the quartiles' distance, that sets a value apart."""


def is_placeholder(text: str, distinct: int) -> bool:
    """Tell whether a text is what people write where they have no value; distinct: how many texts its column holds."""
    word = text.strip().lower()
    return word in PLACEHOLDERS and not (word in WORDS and distinct <= FEW)


def odd_numbers(
    distinct: np.ndarray, counts: np.ndarray, candidates: tuple[int, ...] = NUMBERS
) -> list[tuple[float, int]]:
    """Return the candidates that are frequent and apart from all other values, each with its rows.

    distinct: sorted, (n,); counts: rows of each, int64 (n,)

    A candidate is apart where it is beyond Tukey's inner fence of the others and far from the closest of them, or where
    it is negative and no other value is.
    """
    import numpy as np

    least = max(LEAST_ROWS, LEAST_SHARE * counts.sum())
    places = np.searchsorted(distinct, candidates)
    held = [
        place
        for place, value in zip(places.tolist(), candidates, strict=True)
        if place < len(distinct) and distinct[place] == value and counts[place] >= least
    ]
    if not held or len(distinct) - len(held) < LEAST_DISTINCT:
        return []
    others = np.delete(distinct, held).astype(np.float64)
    low, high, width = _fences(others, np.delete(counts, held))
    found = []
    for place in sorted(set(held)):
        value = float(distinct[place])
        if value == 0 and (counts[place] > OFTEN_ZERO * counts.sum() or _is_scale(others)):
            continue
        beyond = value < low or value > high
        gap = max(others[0] - value, value - others[-1])
        if (beyond and gap >= GAP * width and gap > 0) or (value < 0 <= others[0]):
            found.append((value, int(counts[place])))
    return found


def _is_scale(values: np.ndarray) -> bool:
    """Tell whether sorted values are small whole numbers."""
    return bool(values[0] >= 0 and values[-1] <= SCALE and (values == values.round()).all())


def _fences(values: np.ndarray, counts: np.ndarray) -> tuple[float, float, float]:
    """Return Tukey's inner fences, and the width that they are measured in."""
    import numpy as np

    below = np.cumsum(counts) / counts.sum()
    first, third, p5, p95 = (float(values[np.searchsorted(below, share)]) for share in (0.25, 0.75, 0.05, 0.95))
    # Where half of the values are one and the same the quartiles say nothing of how far the others lie apart.
    width = third - first or p95 - p5 or float(values[-1] - values[0])
    return first - FENCE * width, third + FENCE * width, width
