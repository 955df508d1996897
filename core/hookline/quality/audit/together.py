"""Columns that only together give the target away: two that decide the class, numbers whose sum is the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from hookline.kinds.reports import Finding, Severity

from .guesses import EXACT, LEAK, SUSPECT, above_chance, closest, guesses, r2
from .sides import Column, Sides

if TYPE_CHECKING:
    import numpy as np

DETERMINED = 0.98
"""Numbers whose weighted sum explains this share of a number are likely what it is computed from."""
FEW_ROWS = 20_000
"""Rows of a side that are looked at."""
MAX_NUMBERS = 100
"""Columns tried as a sum: those that explain most alone."""
MAX_PAIRED, MAX_CODES, MAX_CLASSES = 30, 64, 50
"""Columns tried in pairs, likewise; values or bins of such a column; and classes."""
SHOWN_PAIRS = 3


def find_together(sides: Sides, names: Sequence[str]) -> list[Finding]:
    """Return what is found of columns that alone are harmless; those that explain most come first in `names`."""
    few = sides.fewer(FEW_ROWS)
    by_name = {column.name: column for column in few.columns}
    columns = [by_name[name] for name in names]
    return _sum(few, columns) if sides.target.task == "regression" else _pairs(few, columns)


def _pairs(sides: Sides, columns: Sequence[Column]) -> list[Finding]:
    """Find two columns that together decide the class."""
    if len(sides.target.classes) > MAX_CLASSES:
        return []
    coarse = [_coarse(column) for column in columns]
    usable = [column for column in coarse if column.size <= MAX_CODES][:MAX_PAIRED]
    found = []
    for one, other in combinations(usable, 2):
        joint = [a * other.size + b for a, b in zip(one.codes, other.codes, strict=True)]
        guess = guesses(sides, joint, one.size * other.size)
        score = above_chance(sides, guess)
        # Three standard errors, for there are many pairs.
        if score >= LEAK and above_chance(sides, guess, errors=3.0) >= SUSPECT:
            found.append((score, one.name, other.name, closest(sides, guess)))
    found.sort(key=lambda item: -item[0])
    return [_together(sides, *item) for item in found[:SHOWN_PAIRS]]


def _together(sides: Sides, score: float, one: str, other: str, rows: tuple[int, ...]) -> Finding:
    severity: Severity = "critical" if score >= EXACT else "warning"
    text = (
        f"'{one}' and '{other}' together decide {score:.1%} of '{sides.target.name}'. "
        "Are both known when a prediction is wanted?"
    )
    return Finding(one, "together", score, LEAK, severity, text, rows)


def _coarse(column: Column) -> Column:
    """Return a number with fewer bins."""
    if column.size <= MAX_CODES or column.numbers is None:
        return column
    step = -(-column.size // (MAX_CODES - 2))
    train, test = ((codes + step - 1) // step for codes in column.codes)
    return replace(column, codes=(train, test), exact=False)


def _sum(sides: Sides, columns: Sequence[Column]) -> list[Finding]:
    """Find numbers that add up to the target: least squares on all of them, then without each."""
    import numpy as np

    chosen = [column for column in columns if column.kind == "number"][:MAX_NUMBERS]
    if len(chosen) < 2:
        return []
    train, test = (_matrix(chosen, side) for side in (0, 1))
    guess = _linear(train, test, sides.y[0])
    whole = r2(sides.y[1], guess)
    if whole < DETERMINED:
        return []
    needed = []
    for place, column in enumerate(chosen):
        left = r2(sides.y[1], _linear(np.delete(train, place, 1), np.delete(test, place, 1), sides.y[0]))
        if left < DETERMINED:
            needed.append((left, column.name))
    names = [name for _, name in sorted(needed)] or [chosen[0].name]
    return [_adds_up(sides, whole, names, closest(sides, guess))]


def _matrix(columns: Sequence[Column], side: int) -> np.ndarray:
    import numpy as np

    held = [column.numbers[side] for column in columns if column.numbers is not None]
    return np.asarray(np.nan_to_num(np.column_stack(held), posinf=0.0, neginf=0.0))


def _adds_up(sides: Sides, whole: float, names: Sequence[str], rows: tuple[int, ...]) -> Finding:
    shown = ", ".join(f"'{name}'" for name in names)
    severity: Severity = "critical" if whole >= EXACT else "warning"
    text = (
        f"'{sides.target.name}' is a sum of other columns: {shown} give it to {whole:.2%}. "
        "Are they known when a prediction is wanted?"
    )
    return Finding(names[0], "determined", min(1.0, whole), DETERMINED, severity, text, rows)


def _linear(train: np.ndarray, test: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what least squares with an intercept says of held-out rows."""
    import numpy as np

    center, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    design = [np.column_stack([np.ones(len(part)), (part - center) / scale]) for part in (train, test)]
    known = np.isfinite(y)
    weights, *_ = np.linalg.lstsq(design[0][known], y[known], rcond=None)
    return np.asarray(design[1] @ weights)
