"""What training rows say of held-out ones by one code each, and how much of the target that explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .sides import EXAMPLES, Column, Sides

if TYPE_CHECKING:
    import numpy as np

LEAK = 0.99
"""A column that alone explains this share of the target is critical."""
SUSPECT = 0.95
"""From here on it is worth a question."""
EXACT = 0.999
"""What explains this share surely is what the target was made from, or the target."""


def explained(sides: Sides, column: Column) -> float:
    """Return the share of the target that a column alone explains in held-out rows: R2, or accuracy above the commonest class."""
    guess = guesses(sides, column.codes, column.size)
    return r2(sides.y[1], guess) if sides.target.task == "regression" else above_chance(sides, guess)


def guesses(sides: Sides, codes: Any, size: int) -> np.ndarray:
    """Return what training says of each held-out row, given its code: the mean or the commonest class of such rows."""
    import numpy as np

    y = sides.y[0]
    if sides.target.task == "regression":
        known = np.isfinite(y)
        mean = y[known].mean() if known.any() else 0.0
        sums = np.bincount(codes[0][known], y[known], minlength=size)
        counts = np.bincount(codes[0][known], minlength=size)
        of_code = np.divide(sums, counts, out=np.full(size, mean), where=counts > 0)
        return np.asarray(of_code[codes[1]])
    table = table_of(codes[0], y, size, len(sides.target.classes))
    seen = table.sum(axis=1) > 0
    return np.asarray(np.where(seen, table.argmax(axis=1), _commonest(sides))[codes[1]])


def table_of(codes: np.ndarray, y: np.ndarray, size: int, classes: int) -> np.ndarray:
    """Count rows by code and class, (size, classes); rows of no known class are left out."""
    import numpy as np

    known = y >= 0
    flat = np.bincount(codes[known] * classes + y[known], minlength=size * classes)
    return flat.reshape(size, classes)


def _commonest(sides: Sides) -> int:
    import numpy as np

    return int(np.bincount(sides.y[0][sides.y[0] >= 0], minlength=1).argmax())


def r2(y: np.ndarray, guess: np.ndarray) -> float:
    """Return the share of the variance that a guess explains, of the rows whose number is known."""
    import numpy as np

    known = np.isfinite(y)
    y, guess = y[known], guess[known]
    spread = ((y - y.mean()) ** 2).sum() if len(y) else 0.0
    return float(1 - ((y - guess) ** 2).sum() / spread) if spread else 0.0


def above_chance(sides: Sides, guess: np.ndarray, errors: float = 0.0) -> float:
    """Return the accuracy above that of the commonest class, as a share of what there is above it.

    errors: for a lower bound, standard errors to take off the accuracy (Wilson, 1927), of as many rows as are independent
    """
    y = sides.y[1]
    known = y >= 0
    base = float((y[known] == _commonest(sides)).mean()) if known.any() else 1.0
    hit = y[known] == guess[known]
    right = float(hit.mean()) if len(hit) else 0.0
    if errors:
        n = len(hit) * sides.worth(hit[:, None], 1, known)
        z = errors**2 / n
        right = (right + z / 2 - errors * (right * (1 - right) / n + z / (4 * n)) ** 0.5) / (1 + z)
    return (right - base) / (1 - base) if base < 1 else 0.0


def closest(sides: Sides, guess: np.ndarray) -> tuple[int, ...]:
    """Return the held-out rows whose target is guessed rightly, or for numbers best."""
    import numpy as np

    y = sides.y[1]
    if sides.target.task != "regression":
        return sides.held_out(np.flatnonzero(y == guess))
    return sides.held_out(np.sort(np.argsort(np.abs(y - guess), kind="stable")[:EXAMPLES]))
