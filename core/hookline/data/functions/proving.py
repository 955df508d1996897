"""Proves on training rows that a function makes the same of a row whichever others it is given with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 30_000
"""Training rows that are looked at, evenly drawn; beside them those that miss a value, or have the smallest or the largest."""
ALONE = 48
"""Most rows that are asked one by one."""
PARTS = 3
CLOSE = 1e-6
"""How far two numbers may be apart that are the same, by their size: what a library that adds up in another order changes."""
SMALL = 1e-9
"""The same, by the size of the largest number of the column; of float32 `CLOSE` counts for this, too."""
HINT = "a row that is answered comes alone: what a function learns of other rows, a transform learns in its `fit`"


def require_rows_alone(
    name: str, call: Callable[[pl.DataFrame], pl.DataFrame], rows: pl.DataFrame, said: Callable[[int], str]
) -> None:
    """Raise DataError where what a function makes of a row hangs on the rows beside it, or differs from call to call.

    The rows are given to it all at once, in three parts that go backwards, and some one by one: such as miss a value, have the
    smallest or the largest number of a column, and others. said: names a row by its place
    """
    # Of many rows few may miss a value, and those are filled by what others hold.
    places = sorted({*_even(rows.height, MOST_ROWS), *_extremes(rows)})
    some = rows[places]
    together = call(some)
    for part in range(PARTS):
        asked = list(range(part, some.height, PARTS))[::-1]
        if asked:
            _require_same(name, call, some, together, asked, places, said)
    for place in _telling(some):
        _require_same(name, call, some, together, [place], places, said)


def _require_same(
    name: str,
    call: Callable[[pl.DataFrame], pl.DataFrame],
    rows: pl.DataFrame,
    together: pl.DataFrame,
    asked: Sequence[int],
    places: Sequence[int],
    said: Callable[[int], str],
) -> None:
    made, wanted = call(rows[list(asked)]), together[list(asked)]
    if made.columns != wanted.columns:
        other = sorted(set(made.columns) ^ set(wanted.columns)) or made.columns
        raise DataError(f"function '{name}' makes column '{other[0]}' of some rows, and not of others", hint=HINT)
    for column in made.columns:
        wrong = _differing(made[column], wanted[column], together[column])
        if wrong is None:
            continue
        if _in_order_of_its_own(call, rows, together):
            told = f"function '{name}' makes rows in another order than it is given: {said(places[asked[wrong]])} is elsewhere"
            raise DataError(told, hint="keep the order of the rows")
        others = "alone" if len(asked) == 1 else f"among {len(asked):,} others"
        values = f"{wanted[column][wrong]!r} among {rows.height:,} rows, and {made[column][wrong]!r} {others}"
        raise DataError(
            f"function '{name}' looks at other rows than its own: '{column}' of {said(places[asked[wrong]])} is {values}",
            hint=HINT,
        )


def _differing(made: pl.Series, wanted: pl.Series, all_of_it: pl.Series) -> int | None:
    """Return the first place at which two series of one column differ; None where they are the same."""
    import polars as pl

    if made.dtype != wanted.dtype:
        # Of values that are all missing a type cannot be told.
        made = made.cast(wanted.dtype, strict=False)
    if wanted.dtype.is_float():
        first, second = made.cast(pl.Float64).fill_nan(None), wanted.cast(pl.Float64).fill_nan(None)
        largest = all_of_it.cast(pl.Float64).fill_nan(None).abs().max()
        size = float(largest) if isinstance(largest, float) and largest < float("inf") else 0.0
        near = CLOSE * second.abs() + (CLOSE if wanted.dtype == pl.Float32 else SMALL) * size
        apart = (first != second) & ~((first - second).abs() <= near)
        wrong = apart.fill_null(value=False) | (first.is_null() != second.is_null())
    else:
        wrong = made.ne_missing(wanted)
    return wrong.arg_max() if wrong.any() else None


def _in_order_of_its_own(
    call: Callable[[pl.DataFrame], pl.DataFrame], rows: pl.DataFrame, together: pl.DataFrame
) -> bool:
    """Tell whether rows come out in one order whatever order they come in, as sorted ones do."""
    return together.n_unique() > 1 and call(rows.reverse()).equals(together)


def _telling(rows: pl.DataFrame) -> list[int]:
    """Return places of rows that tell most when they are asked alone."""
    found = dict.fromkeys(_extremes(rows))
    kept = list(found)[: ALONE // 2]
    return list(dict.fromkeys([*kept, *_even(rows.height, ALONE - len(kept))]))


def _extremes(rows: pl.DataFrame) -> Iterator[int]:
    """Yield where each column first misses a value, and where it is smallest and largest."""
    for column in rows:
        if column.null_count():
            yield int(column.is_null().arg_max() or 0)
        if column.dtype.is_numeric() or column.dtype.is_temporal():
            yield from (place for place in (column.arg_min(), column.arg_max()) if place is not None)


def _even(rows: int, most: int) -> list[int]:
    """Return so many places at most, evenly drawn."""
    if rows <= most:
        return list(range(rows))
    return [place * rows // most for place in range(most)]
