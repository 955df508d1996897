"""The two sides of a split as arrays: at most 50,000 rows of each, drawn evenly, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from hookline.data.columns import as_number, column_kind
from hookline.kinds.artifacts import ROW_ID, ColumnKind, Dataset, Split, Target

from ..grouped import group_codes, worth

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Pair: TypeAlias = tuple[np.ndarray, np.ndarray]

MAX_ROWS = 50_000
"""Rows of a side that are looked at where a share is asked for, which so many give to half a percent."""
BINS = 256
"""Most bins of a number; where it has no more values than this, each is a bin of its own."""


@dataclass(frozen=True)
class Column:
    """One column on both sides, training first.

    codes: int64, (n_train,) and (n_test,); 0 is missing, equal values have equal codes
    numbers: float64, likewise, NaN where missing; None for texts and booleans
    """

    name: str
    kind: ColumnKind
    codes: Pair
    numbers: Pair | None
    exact: bool
    """Whether different values have different codes."""

    @property
    def size(self) -> int:
        """One more than the largest code."""
        return 1 + max(int(codes.max(initial=0)) for codes in self.codes)


@dataclass(frozen=True)
class Sides:
    """What is looked at of training and of held-out rows.

    y: the target, float64 or int64 class codes, (n_train,) and (n_test,); NaN or -1 where unknown
    row_ids: int64, likewise
    groups: int64 codes, likewise; None where rows do not come in groups
    """

    target: Target
    y: Pair
    row_ids: Pair
    columns: tuple[Column, ...]
    groups: Pair | None = None

    def held_out(self, where: np.ndarray) -> tuple[int, ...]:
        """Return the ids of the first held-out rows that a mask chooses."""
        return examples(self.row_ids[1][where])

    def fewer(self, rows: int) -> Sides:
        """Return at most so many rows of each side, drawn evenly."""
        picks = [_draw(len(y), rows, side) for side, y in enumerate(self.y)]

        def of(pair: Pair) -> Pair:
            return pair[0][picks[0]], pair[1][picks[1]]

        columns = [replace(c, codes=of(c.codes), numbers=of(c.numbers) if c.numbers else None) for c in self.columns]
        groups = of(self.groups) if self.groups else None
        return Sides(self.target, of(self.y), of(self.row_ids), tuple(columns), groups)

    def worth(self, marks: np.ndarray, side: int, where: np.ndarray | None = None) -> float:
        """Return how many independent rows a row of a side is worth, by marks (n_rows, n_marks), of the rows `where`."""
        if self.groups is None:
            return 1.0
        groups = self.groups[side]
        return worth(marks, groups if where is None else groups[where])


EXAMPLES = 10


def examples(row_ids: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    """Return the first few row ids as plain integers."""
    return tuple(int(row) for row in row_ids[:EXAMPLES])


def parts_of(split: Split) -> tuple[Dataset, ...]:
    """Return training rows, held-out rows, and validation rows where there are some."""
    return (split.train, split.test) if split.valid is None else (split.train, split.test, split.valid)


def take_sides(split: Split, target: Target, labels: Sequence[pl.Series]) -> Sides:
    """Draw the rows to look at; `labels` begins with the target of all training and of all held-out rows, after transforms."""
    frames, picks, groups = [], [], []
    for part, side in ((split.train, 0), (split.test, 1)):
        rows = len(labels[side])
        picks.append(_draw(rows, MAX_ROWS, side))
        frames.append(_rows(part.frame.select(ROW_ID, *part.feature_columns()), picks[side], rows))
        if part.roles.group:
            groups.append(group_codes(_rows(part.frame.select(part.roles.group), picks[side], rows).to_series()))
    truth = [truth_of(column.gather(picked), target) for column, picked in zip(labels[:2], picks, strict=True)]
    columns = tuple(_columns(frames[0], frames[1], split.train))
    ids = [frame[ROW_ID].to_numpy() for frame in frames]
    of_groups = (groups[0], groups[1]) if groups else None
    return Sides(target, (truth[0], truth[1]), (ids[0], ids[1]), columns, of_groups)


def _rows(frame: pl.LazyFrame, picks: np.ndarray, rows: int) -> pl.DataFrame:
    """Return the rows at some places, ascending, without the others in memory. rows: how many there are"""
    import polars as pl

    if len(picks) == rows:
        return frame.collect()
    place = "\0place"
    drawn = frame.with_row_index(place).filter(pl.col(place).is_in(pl.Series(picks, dtype=pl.get_index_type())))
    return drawn.collect(engine="streaming").sort(place).drop(place)


def _draw(rows: int, most: int, seed: int) -> np.ndarray:
    import numpy as np

    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def truth_of(labels: pl.Series, target: Target) -> np.ndarray:
    """Return the target, (n,): float64, NaN where unknown; of classes their codes, int64, -1 where unknown."""
    import polars as pl

    if target.task == "regression":
        return labels.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    if any(isinstance(label, float) for label in target.classes):
        numbers = {float(label): code for code, label in enumerate(target.classes)}
        return (
            labels.cast(pl.Float64, strict=False).replace_strict(numbers, default=-1, return_dtype=pl.Int64).to_numpy()
        )
    if labels.dtype.is_float():
        # As in the classes: a label that met a missing value on its way became 1.0.
        labels = labels.cast(pl.Int64, strict=False)
    codes = {_word(label): code for code, label in enumerate(target.classes)}
    return labels.cast(pl.String).replace_strict(codes, default=-1, return_dtype=pl.Int64).to_numpy()


def _word(label: Any) -> str:
    """Return a label as polars writes it."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _columns(train: pl.DataFrame, test: pl.DataFrame, dataset: Dataset) -> Iterator[Column]:
    for name in dataset.feature_columns():
        yield column_of(train[name], test[name])


def column_of(train: pl.Series, test: pl.Series) -> Column:
    """Return two samples of one column as codes, and as numbers where it holds some."""
    import numpy as np
    import polars as pl

    kind = column_kind(train.dtype)
    number = as_number(train.name, kind, train.dtype)
    if number is None:
        # By digests, since ranks of texts would sort them.
        hashes = [column.cast(pl.String).hash(0).to_numpy() for column in (train, test)]
        found = np.unique(np.concatenate(hashes), return_inverse=True)[1] + 1
        missing = np.concatenate([column.is_null().to_numpy() for column in (train, test)])
        return Column(train.name, kind, _pair(np.where(missing, 0, found), len(train)), None, exact=True)
    values = np.concatenate(
        [
            c.to_frame().select(number.fill_nan(None)).to_series().fill_null(float("nan")).to_numpy()
            for c in (train, test)
        ]
    )
    edges, exact = _edges(values, values[: len(train)])
    codes = np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="left") + 1)
    return Column(train.name, kind, _pair(codes, len(train)), _pair(values, len(train)), exact)


def _edges(values: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the upper ends of bins, and whether each value has a bin of its own."""
    import numpy as np

    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= BINS:
        return distinct, True
    present = np.sort(train[np.isfinite(train)])
    places = np.linspace(0, len(present) - 1, BINS + 1).round().astype(np.int64)[1:-1]
    return (np.unique(present[places]) if len(present) else present), False


def _pair(array: np.ndarray, first: int) -> Pair:
    return array[:first], array[first:]
