"""Applies each transform of a run again, and compares the rows before it with those after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Label, Split
from hookline.kinds.fitted import FittedTransform

from ..frames import count_rows, hold
from .cells import differs
from .ledger import CleaningEntry, CleaningLedger, RowRef

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 10
"""So many dropped and so many changed rows are named."""
CELLS_AT_ONCE = 2_000_000
"""About so many cells, of whole columns, are in memory while they are compared."""


@dataclass(frozen=True)
class Move:
    """A transform at its place in a run, ready to be applied."""

    stage: str
    component: str
    applies: str
    fit: Callable[[pl.LazyFrame], FittedTransform]
    """Fits to the rows before it; one that was fitted already just returns itself."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return what becomes of rows."""
        return self.fit(frame).transform(frame)


def keep_ledger(source: Dataset | None, moves: Sequence[Move], split: Split, scratch: Path) -> CleaningLedger:
    """Compare the rows before and after each transform; raises DataError where a transform breaks its contract.

    source: the rows as loaded; needed where a transform applies to the dataset
    scratch: an empty folder for the rows in between, so that each transform is computed once, and memory stays small
    """
    import polars as pl

    parts = {"train": split.train, "valid": split.valid, "test": split.test}
    frames = {name: part.frame for name, part in parts.items() if part is not None}
    origin = pl.concat(frames.values())
    found: list[CleaningEntry] = []
    first = [move for move in moves if move.applies == "dataset"]
    if first:
        assert source is not None
        origin = source.frame
        # A split by column leaves that column out, so there the last transform's own rows are looked at.
        end = () if split.method == "column" else tuple(frames.values())
        found += _walk(origin, first, scratch, "source", end)
    for name, frame in frames.items():
        met = [move for move in moves if move.applies == "always" or (move.applies == "training" and name == "train")]
        found += _walk(frame, met, scratch, name)
    entries = [_together([entry for entry in found if entry.stage == move.stage]) for move in moves]
    return CleaningLedger(tuple(_named(entries, origin, split.train.roles.id)))


def named(positions: Iterable[int], source: pl.LazyFrame, id_column: str | None) -> dict[int, RowRef]:
    """Return rows of the source by position, with their ids where it has such a column."""
    import polars as pl

    wanted = sorted(set(positions))
    if id_column is None or id_column not in source.collect_schema().names():
        return {position: RowRef(position) for position in wanted}
    held = source.filter(pl.col(ROW_ID).is_in(wanted)).select(ROW_ID, id_column).collect()
    return {position: RowRef(position, _label(value)) for position, value in held.rows()}


def _walk(
    frame: pl.LazyFrame, moves: Sequence[Move], scratch: Path, where: str, end: Sequence[pl.LazyFrame] = ()
) -> Iterator[CleaningEntry]:
    """Yield what each transform does to rows; `end`: the rows after the last in parts, where they are at hand."""
    before, held = frame, None
    for place, move in enumerate(moves):
        path = scratch / f"{where}-{place}.arrow"
        after = end
        if end and move is moves[-1]:
            move.fit(before)  # What it tells while it is fitted is told here, with what it did.
        else:
            after = [hold(move.transform(before), path, f"{move.stage} cannot be applied to the {where} rows")]
        yield _compare(move, before, after, where)
        if held is not None:
            held.unlink(missing_ok=True)
        before, held = after[0], path


def _compare(move: Move, before: pl.LazyFrame, after: Sequence[pl.LazyFrame], where: str) -> CleaningEntry:
    """Compare the rows before a transform with those after it, which may lie in several parts."""
    import polars as pl

    names = [frame.collect_schema().names() for frame in (before, after[0])]
    if ROW_ID not in names[1]:
        raise DataError(f"{move.stage} drops the column '{ROW_ID}'", hint="keep every column that is not yours")
    parts = [frame.select(ROW_ID).collect()[ROW_ID] for frame in after]
    ids = before.select(ROW_ID).collect()[ROW_ID], pl.concat(parts)
    counts = {"rows_in": len(ids[0]), "rows_out": len(ids[1])}
    places, missing = None, ids[0].clear()
    if move.applies == "always":
        if len(ids[0]) != len(ids[1]) or not ids[0].equals(ids[1]):
            raise DataError(
                f"{move.stage} applies always, but drops, adds or reorders {where} rows: {len(ids[0]):,} became {len(ids[1]):,}",
                hint=f'a transform that drops rows says applies = "dataset" or "training" (\'{move.component}\')',
            )
    else:
        places, missing = _counterparts(*ids)
        counts |= {"rows_dropped": len(missing), "rows_added": places.null_count()}
    shared = [name for name in names[0] if name in names[1] and name != ROW_ID]
    cells: Counter[str] = Counter()
    changed, start = [], 0
    for frame, held in zip(after, parts, strict=True):
        found, touched = _changes(before, frame, shared, None if places is None else places.slice(start, len(held)))
        cells.update(found)
        changed.append(held.filter(touched))
        start += len(held)
    return CleaningEntry(
        move.stage,
        move.component,
        move.applies,
        **counts,
        rows_changed=sum(map(len, changed)),
        cells_changed=dict(cells.most_common()),
        columns_added=tuple(name for name in names[1] if name not in names[0]),
        columns_removed=tuple(name for name in names[0] if name not in names[1]),
        dropped=_first(missing),
        changed=_first(pl.concat(changed)),
    )


def _counterparts(before: pl.Series, after: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the place before of each row after (null for one that was added), and the row ids that have gone."""
    import polars as pl

    stayed = _mask_of(after, len(before)) if _counts_rows(before) else None
    if stayed is not None:
        return after, before.filter(~stayed)
    frames = [ids.to_frame() for ids in (before, after)]
    if any(ids.n_unique() != len(ids) for ids in (before, after)):
        # Rows may have been drawn several times: the n-th copy of a row is the counterpart of its n-th.
        frames = [frame.with_columns(copy=pl.int_range(pl.len()).over(ROW_ID)) for frame in frames]
    keys = frames[0].columns
    placed = frames[0].with_row_index("place")
    found = frames[1].join(placed, on=keys, how="left", nulls_equal=True, maintain_order="left")
    gone = frames[0].join(frames[1], on=keys, how="anti", nulls_equal=True)
    return found["place"], gone[ROW_ID]


def _counts_rows(ids: pl.Series) -> bool:
    """Tell whether row ids are just the rows' places, as the source counts them."""
    import polars as pl

    return ids.equals(pl.int_range(len(ids), eager=True))


def _mask_of(places: pl.Series, rows: int) -> pl.Series | None:
    """Return for each of so many rows whether it is among places; None where a place is missing, twice or no row's."""
    import numpy as np
    import polars as pl

    if places.null_count() or not places.is_between(0, rows - 1).all():
        return None
    mask = np.zeros(rows, dtype=np.bool_)
    mask[places.to_numpy()] = True
    return pl.Series(mask) if np.count_nonzero(mask) == len(places) else None


def _changes(
    before: pl.LazyFrame, after: pl.LazyFrame, names: Sequence[str], places: pl.Series | None
) -> tuple[dict[str, int], pl.Series]:
    """Return the changed cells by column, and for each row after (bool) whether it has any."""
    import polars as pl

    rows = count_rows(after)
    touched = pl.repeat(value=False, n=rows, eager=True)
    stayed = None if places is None or not places.null_count() else places.is_not_null()
    pick = None if places is None else _pick(places, count_rows(before))
    counts: dict[str, int] = {}
    step = max(1, CELLS_AT_ONCE // max(1, rows))
    for start in range(0, len(names), step):
        block = list(names[start : start + step])
        old, new = before.select(block).collect(), after.select(block).collect()
        if pick is not None:
            old = pick(old)
        for name in block:
            changed = differs(old[name], new[name])
            if stayed is not None:
                changed = changed & stayed
            if count := int(changed.sum()):
                counts[name] = count
                touched = touched | changed
    return counts, touched


def _pick(places: pl.Series, rows: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return what takes these rows out of a frame: where they stand in order, which is quicker, by a mask."""
    import polars as pl

    mask = _mask_of(places, rows) if places.is_sorted() else None
    if mask is None:
        return lambda frame: frame.select(pl.all().gather(places))
    return lambda frame: frame.filter(mask)


def _together(entries: Sequence[CleaningEntry]) -> CleaningEntry:
    """Add up what one transform did to several parts."""
    cells: Counter[str] = Counter()
    for entry in entries:
        cells.update(entry.cells_changed)
    numbers = ("rows_in", "rows_out", "rows_dropped", "rows_added", "rows_changed")
    sums: dict[str, Any] = {name: sum(getattr(entry, name) for entry in entries) for name in numbers}
    for name in ("dropped", "changed"):
        rows = sorted((row for entry in entries for row in getattr(entry, name)), key=attrgetter("position"))
        sums[name] = tuple(rows[:SAMPLE])
    return replace(entries[0], **sums, cells_changed=dict(cells.most_common()))


def _named(entries: Sequence[CleaningEntry], origin: pl.LazyFrame, id_column: str | None) -> Iterator[CleaningEntry]:
    told = named((row.position for entry in entries for row in (*entry.dropped, *entry.changed)), origin, id_column)
    for entry in entries:
        rows = [tuple(told[row.position] for row in sample) for sample in (entry.dropped, entry.changed)]
        yield replace(entry, dropped=rows[0], changed=rows[1])


def _first(ids: pl.Series) -> tuple[RowRef, ...]:
    return tuple(RowRef(position) for position in ids.drop_nulls().unique().sort().head(SAMPLE).to_list())


def _label(value: Any) -> Label | None:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
