"""What rows hold that their contract does not allow: told as a warning, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from hookline.errors import Breach, RejectedRows
from hookline.kinds.artifacts import ROW_ID, Column, Schema

from ..columns import absence, as_number, as_read, nothing, read_column
from ..dates import read_moments
from .limits import Limits

if TYPE_CHECKING:
    import polars as pl


Rule: TypeAlias = Literal["absent", "type", "nullable", "range", "categories", "pattern"]

MOST_KEPT = 1_000
"""Rejected values of one table that an error holds on to."""
MOST_EXAMPLES = 5
BATCH_ROWS = 200_000


def unlike_training(frame: pl.DataFrame, schema: Schema, rows: pl.Series | None = None) -> dict[int, tuple[str, ...]]:
    """Return row position -> what in it the contract warns of: a new category, a number out of range, a gap where none was.

    frame: what `conform` returned. rows: how the rows are numbered in an error. Raises RejectedRows for what it rejects.
    """
    warnings: dict[int, list[str]] = {}
    rejected: list[Breach] = []
    count = 0
    for column in schema.columns:
        limits = Limits(column)
        for _, mask, values in _broken(limits, frame[column.name]):
            places = mask.arg_true()
            if limits.rejects:
                count += len(places)
                kept = places.head(MOST_KEPT - len(rejected)).to_list()
                rejected += [Breach(_number(rows, row), column.name, limits.complain(values[row])) for row in kept]
                continue
            for row, value in zip(places.to_list(), values.gather(places).to_list(), strict=True):
                warnings.setdefault(row, []).append(f"{column.name}: {limits.complain(value)}")
    if count:
        raise RejectedRows(count, sorted(rejected, key=lambda breach: breach.row))
    return {row: tuple(texts) for row, texts in warnings.items()}


@dataclass
class RuleCheck:
    """How often one rule of one column was broken, with the first examples."""

    column: str
    rule: Rule
    rejects: bool
    count: int = 0
    examples: list[Breach] = field(default_factory=list)

    def told(self, rows: int) -> str:
        """Return how many of a table's rows, and the examples, in words."""
        shown = "; ".join(f"row {breach.row}: {breach.message}" for breach in self.examples)
        more = "; ..." if self.count > len(self.examples) and self.rule != "absent" else ""
        return f"{self.count:,} of {rows:,} rows break the contract: {shown}{more}"


@dataclass
class Checked:
    """What was found in a table: how many rows it has, and which rules they break."""

    rows: int = 0
    broken: dict[tuple[str, str], RuleCheck] = field(default_factory=dict)

    @property
    def rejected(self) -> list[RuleCheck]:
        """The broken rules that reject."""
        return [check for check in self.broken.values() if check.rejects]

    @property
    def warned(self) -> list[RuleCheck]:
        """The broken rules that warn."""
        return [check for check in self.broken.values() if not check.rejects]

    def add(self, column: str, rule: Rule, rejects: bool, count: int, examples: Iterable[Breach]) -> None:
        """Count values that break a rule."""
        check = self.broken.setdefault((column, rule), RuleCheck(column, rule, rejects))
        check.count += count
        check.examples += list(examples)[: MOST_EXAMPLES - len(check.examples)]


def batches_of(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield a table's rows in order, some at a time, numbered by `ROW_ID` where they are not yet."""
    import polars as pl

    if ROW_ID not in frame.collect_schema().names():
        frame = frame.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
    for batch in frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        if batch.height:
            yield batch


def check_rows(batches: Iterable[pl.DataFrame], schema: Schema) -> Checked:
    """Count what in raw rows breaks a contract, rule by rule; `ROW_ID`, where it is a column, numbers the rows."""
    checked = Checked()
    for raw in batches:
        batch = as_read(raw, schema)
        rows = batch[ROW_ID] if ROW_ID in batch.columns else None
        for column in schema.columns:
            _check_column(checked, batch, rows, column)
        checked.rows += batch.height
    return checked


def rejected_mask(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """Return which raw rows, of the schema's columns, a contract rejects: boolean, (n,)."""
    import polars as pl

    found = pl.repeat(False, frame.height, eager=True)
    for column in schema.columns:
        limits = Limits(column)
        if limits.rejects:
            for _, mask, _ in _broken(limits, read_column(frame[column.name], column)):
                found = found | mask
    return found


def require_accepted(frame: pl.LazyFrame, schema: Schema) -> None:
    """Raise RejectedRows where raw rows hold values that a contract rejects; what else is wrong with them is left alone."""
    rejecting = replace(schema, columns=tuple(column for column in schema.columns if column.on_violation == "reject"))
    present = set(frame.collect_schema().names())
    if not rejecting.columns:
        return
    wanted = [column.name for column in rejecting.columns if column.name in present]
    # Of a frame without columns there would be no row to miss them in.
    checked = check_rows(batches_of(frame.select(wanted or sorted(present)[:1])), rejecting)
    if checked.rejected:
        breaches = [breach for check in checked.rejected for breach in check.examples]
        count = sum(check.count for check in checked.rejected)
        raise RejectedRows(count, sorted(breaches, key=lambda breach: breach.row))


def _check_column(checked: Checked, batch: pl.DataFrame, rows: pl.Series | None, column: Column) -> None:
    limits = Limits(column)
    if column.name in batch.columns:
        values, unreadable = _readable(batch[column.name], column)
    elif column.required:
        checked.add(column.name, "absent", True, batch.height, [Breach(0, column.name, absence(column, batch.columns))])
        return
    else:
        values, unreadable = nothing(column, batch.height), None
    if unreadable is not None:
        places = unreadable.arg_true()
        wrong = [(row, batch[column.name][row]) for row in places.head(MOST_EXAMPLES)]
        examples = [Breach(_number(rows, r), column.name, f"must be a {column.kind}, got {v!r}") for r, v in wrong]
        checked.add(column.name, "type", True, len(places), examples)
    for rule, mask, compared in _broken(limits, values):
        places = (mask if unreadable is None else mask & ~unreadable).arg_true()
        shown = places.head(MOST_EXAMPLES).to_list()
        examples = [Breach(_number(rows, row), column.name, limits.complain(compared[row])) for row in shown]
        if len(places):
            checked.add(column.name, rule, limits.rejects, len(places), examples)


def _readable(values: pl.Series, column: Column) -> tuple[pl.Series, pl.Series | None]:
    """Return a column in its dtype, and a mask of the values that cannot be read so, which are then missing."""
    import polars as pl

    try:
        return read_column(values, column), None
    except ValueError:
        pass
    present = values.is_not_null()
    try:
        unreadable = present & ~_looks_right(values, column)
        return read_column(values.set(unreadable, None), column), unreadable
    except (ValueError, pl.exceptions.PolarsError):
        return nothing(column, len(values)), present


def _looks_right(values: pl.Series, column: Column) -> pl.Series:
    """Return a mask, without gaps, of the values that can be read as the column's kind where not all of them can."""
    import polars as pl

    if column.kind == "number" and values.dtype == pl.String:
        return values.cast(pl.Float64, strict=False).is_not_null()
    if column.kind == "datetime" and values.dtype == pl.String:
        return values.to_frame().select(read_moments(pl.col(values.name)).is_not_null()).to_series()
    if column.kind == "boolean" and values.dtype.is_numeric():
        return values.is_in([0, 1]).fill_null(value=False)
    return pl.repeat(False, len(values), eager=True)


def _broken(limits: Limits, values: pl.Series) -> Iterator[tuple[Rule, pl.Series, pl.Series]]:
    """Yield each rule that values break: which, a mask (n,) without gaps, and the values as they are compared."""
    import polars as pl

    column = limits.column
    if not column.nullable and values.null_count():
        yield "nullable", values.is_null(), pl.Series(values.name, [None]).new_from_index(0, len(values))
    if column.kind in ("string", "boolean"):
        yield from _broken_texts(limits, values.cast(pl.String))
    elif column.minimum is not None or column.maximum is not None:
        expr = as_number(column.name, column.kind, values.dtype)
        assert expr is not None
        numbers = values.to_frame().select(expr)[column.name]
        mask = ((numbers < limits.low) | (numbers > limits.high)).fill_null(value=False)
        if mask.any():
            yield "range", mask, numbers


def _broken_texts(limits: Limits, texts: pl.Series) -> Iterator[tuple[Rule, pl.Series, pl.Series]]:
    import polars as pl

    known = None
    if limits.column.categories is not None:
        known = texts.is_in(list(limits.column.categories)).fill_null(value=True)
        if not known.all():
            yield "categories", ~known, texts
    if limits.pattern is not None:
        distinct = texts.drop_nulls().unique()
        bad = limits.pattern.failing(distinct.to_list())
        mask = texts.is_in(pl.Series(bad, dtype=pl.String).implode()).fill_null(value=False)
        mask = mask if known is None else mask & known
        if mask.any():
            yield "pattern", mask, texts


def _number(rows: pl.Series | None, row: int) -> int:
    return row if rows is None else int(rows[row])
