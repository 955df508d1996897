"""A bounded sample of rows that travels with a model, and two such samples as one matrix."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.data.columns import as_number, column_kind
from hookline.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

GROUP = "__group__"
"""The column of a kept sample that names the group of each row, where the rows come in groups."""
MOST_VALUES = 200
"""Values of a text up to which each is told apart; of texts that have more, only their lengths are looked at."""


@dataclass(frozen=True)
class Pair:
    """Two samples as numbers, the reference first.

    X: float64, (n_rows, n_columns), NaN where missing; texts as codes of their values
    now: bool, (n_rows,), whether a row is a current one; groups: int64, (n_rows,), or None
    """

    X: np.ndarray
    now: np.ndarray
    names: tuple[str, ...]
    categorical: tuple[bool, ...]
    groups: np.ndarray | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Column -> why it is not looked at, or how otherwise."""

    def sides(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of a column that are present, then and now."""
        import numpy as np

        values = self.X[:, place]
        there = ~np.isnan(values)
        return values[there & ~self.now], values[there & self.now]


def drawn(frame: pl.LazyFrame, columns: Sequence[str], most: int, seed: int, group: str | None = None) -> pl.DataFrame:
    """Return at most so many rows drawn at random, in order, with their groups as GROUP where they have some."""
    import numpy as np
    import polars as pl

    names = frame.collect_schema().names()
    kept = [pl.col(name) for name in columns if name in names]
    if group is not None and group in names:
        kept.append(pl.col(group).cast(pl.String).alias(GROUP))
    rows = int(frame.select(pl.len()).collect().item())
    if rows <= most:
        return frame.select(kept).collect()
    chosen = np.zeros(rows, dtype=bool)
    chosen[np.random.default_rng(seed).choice(rows, most, replace=False)] = True
    return frame.select(kept).filter(pl.Series(chosen)).collect()


def packed(frame: pl.DataFrame) -> bytes:
    """Return rows as an Arrow IPC file."""
    held = io.BytesIO()
    frame.write_ipc(held, compression="zstd")
    return held.getvalue()


def unpacked(path: Path) -> pl.DataFrame:
    """Read rows back; raises StoreError for a damaged file."""
    import polars as pl

    try:
        return pl.read_ipc(path.read_bytes())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoreError(
            f"{path} holds no rows that can be read", hint="run it again to make the package anew"
        ) from error


def paired(before: pl.DataFrame, now: pl.DataFrame) -> Pair:
    """Return two samples of the same columns as numbers; those that are absent now or of another type are left out."""
    import numpy as np

    columns: list[np.ndarray] = []
    names, categorical, left_out = [], [], {}
    for name in (name for name in before.columns if name != GROUP):
        why = _incomparable(before, now, name)
        if why:
            left_out[name] = why
            continue
        values, is_text, note = _together(before[name], now[name])
        if note:
            left_out[name] = note
        columns.append(values)
        names.append(name)
        categorical.append(is_text)
    rows = before.height + now.height
    X = np.column_stack(columns) if columns else np.zeros((rows, 0))
    current = np.arange(rows) >= before.height
    return Pair(X, current, tuple(names), tuple(categorical), _groups(before, now), left_out)


def _incomparable(before: pl.DataFrame, now: pl.DataFrame, name: str) -> str | None:
    if name not in now.columns:
        return "is not among the current columns"
    empty = [frame[name].null_count() == frame.height for frame in (before, now)]
    if any(empty):
        return "has no value" if all(empty) else "has no value then or now"
    kinds = [column_kind(frame[name].dtype) for frame in (before, now)]
    return None if kinds[0] == kinds[1] else f"was a {kinds[0]} in training, and is a {kinds[1]} now"


def _together(before: pl.Series, now: pl.Series) -> tuple[np.ndarray, bool, str | None]:
    """Return the values of both as numbers, whether they are codes, and what is to be said of it."""
    import numpy as np
    import polars as pl

    kind = column_kind(before.dtype)
    if kind in ("number", "datetime", "boolean"):
        parts = []
        for series in (before, now):
            expr = as_number(series.name, kind, series.dtype)
            expr = pl.col(series.name).cast(pl.Float64) if expr is None else expr
            held = series.to_frame().select(expr.fill_nan(None)).to_series().cast(pl.Float64)
            parts.append(held.to_numpy().astype(float))
        values = np.concatenate(parts)
        # A tree has no place for what is infinite, and the largest number is as far off.
        return np.clip(values, -1e300, 1e300), False, None
    texts = pl.concat([before.cast(pl.String), now.cast(pl.String)])
    if texts.n_unique() > MOST_VALUES:
        lengths = texts.str.len_chars().cast(pl.Float64).to_numpy()
        return lengths, False, f"has more than {MOST_VALUES} values, so only their lengths are looked at"
    return texts.rank("dense").cast(pl.Float64).to_numpy() - 1, True, None


def _groups(before: pl.DataFrame, now: pl.DataFrame) -> np.ndarray | None:
    """Return the group of each row as a code; None where either sample does not tell."""
    import polars as pl

    from hookline.quality.grouped import group_codes

    if GROUP not in before.columns or GROUP not in now.columns:
        return None
    return group_codes(pl.concat([before[GROUP], now[GROUP]]))
