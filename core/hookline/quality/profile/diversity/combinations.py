"""Which pairs of categories never stand in one row, though chance alone would have put them together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_COLUMNS, MOST_VALUES = 12, 50
"""Columns that are combined, the first of the table, and categories of each."""
MOST_ROWS = 10_000_000
"""Rows that are looked at, at a byte each and column; of more, as many evenly spread."""
PART = 1_000_000
"""Rows that are counted at once."""
EXPECTED = 20.0
"""Rows from which on a pair that never occurs is told: of independent columns, chance leaves it out once in 500 million."""
SHOWN = 10


@dataclass(frozen=True)
class Absent:
    """Two categories that never stand in one row, and how many rows would hold both if their columns were independent."""

    columns: tuple[str, str]
    values: tuple[str, str]
    expected: float


@dataclass(frozen=True)
class Combinations:
    """How many of the possible pairs of categories there are."""

    columns: tuple[str, ...]
    """Of which all pairs were looked at."""
    rows: int
    """Rows that were looked at."""
    possible: int
    """Pairs of categories of two columns."""
    seen: int
    absent: int = 0
    """Pairs that never occur and would in 20 rows or more, if the columns were independent."""
    examples: tuple[Absent, ...] = ()
    """At most 10 of these, those that would occur most often first."""


class Combining:
    """Keeps the categories of a table's columns, as one passes after the other, and counts their pairs."""

    def __init__(self, rows: int) -> None:
        self._step = max(1, -(-rows // MOST_ROWS))
        self._codes: dict[str, tuple[np.ndarray, list[str]]] = {}

    def add(self, column: pl.Series, distinct: int) -> None:
        """Keep a column if it has few categories; distinct: of its values that are not missing."""
        import numpy as np
        import polars as pl

        if not 2 <= distinct <= MOST_VALUES or len(self._codes) >= MOST_COLUMNS:
            return
        taken = column.gather_every(self._step) if self._step > 1 else column
        values = taken.drop_nulls().unique().sort()
        places = pl.Series(range(1, len(values) + 1), dtype=pl.UInt8)
        parts = [
            taken.slice(start, PART).replace_strict(values, places, default=0, return_dtype=pl.UInt8).to_numpy()
            for start in range(0, len(taken), PART)
        ]
        self._codes[column.name] = (np.concatenate(parts), values.cast(pl.String).to_list())

    def counted(self) -> Combinations | None:
        """Count the pairs; None of fewer than two columns."""
        import numpy as np

        if len(self._codes) < 2:
            return None
        possible = seen = 0
        absent: list[Absent] = []
        for one, other in combinations(self._codes, 2):
            (left, names), (right, others) = self._codes[one], self._codes[other]
            width = len(others) + 1
            table = np.zeros((len(names) + 1) * width, dtype=np.int64)
            for start in range(0, len(left), PART):
                part = slice(start, start + PART)
                pairs = left[part].astype(np.intp) * width + right[part]
                table += np.bincount(pairs, minlength=len(table))
            # A missing value is no category: the first row and column of the table.
            held = table.reshape(-1, width)[1:, 1:]
            possible += held.size
            seen += int(np.count_nonzero(held))
            expected = np.outer(held.sum(axis=1), held.sum(axis=0)) / max(1, held.sum())
            for i, j in np.argwhere((held == 0) & (expected >= EXPECTED)).tolist():
                absent.append(Absent((one, other), (names[i], others[j]), float(expected[i, j])))
        absent.sort(key=lambda pair: (-pair.expected, pair.columns, pair.values))
        rows = len(next(iter(self._codes.values()))[0])
        return Combinations(tuple(self._codes), rows, possible, seen, len(absent), tuple(absent[:SHOWN]))
