"""What rows hold that their contract does not allow: told as a warning, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hookline.errors import Breach, RejectedRows
from hookline.kinds.artifacts import ROW_ID, Column, Schema
from hookline.kinds.contracts.rules import RowRule

from ..columns import absence, as_number, as_read, nothing, read_column
from ..dates import read_moments
from .across import Across, called
from .checked import MOST_EXAMPLES, Checked, Naming, Rule, number_of
from .limits import Limits

if TYPE_CHECKING:
    import polars as pl


MOST_KEPT = 1_000
"""Rejected values of one table that an error holds on to."""
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
                rejected += [Breach(number_of(rows, row), column.name, limits.complain(values[row])) for row in kept]
                continue
            for row, value in zip(places.to_list(), values.gather(places).to_list(), strict=True):
                warnings.setdefault(row, []).append(f"{column.name}: {limits.complain(value)}")
    across = Across.of(schema)
    for rule, mask in across.broken(frame) if across else ():
        places = mask.arg_true()
        if rule.on_violation == "reject":
            count += len(places)
            told = _complaints(across, rule, frame, places.head(MOST_KEPT - len(rejected)))
            rejected += [Breach(number_of(rows, row), called(rule), said) for row, said in told]
            continue
        for row, said in _complaints(across, rule, frame, places):
            warnings.setdefault(row, []).append(f"{called(rule)}: {said}")
    if count:
        raise RejectedRows(count, sorted(rejected, key=lambda breach: breach.row))
    return {row: tuple(texts) for row, texts in warnings.items()}


def _complaints(across: Across, rule: RowRule, frame: pl.DataFrame, places: pl.Series) -> Iterator[tuple[int, str]]:
    """Yield the positions of rows with how each breaks a rule."""
    held = frame.select(name for name in frame.columns if name in across.columns)[places]
    for row, values in zip(places.to_list(), held.iter_rows(named=True), strict=True):
        yield row, across.complain(rule, values)


def batches_of(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield a table's rows in order, some at a time, numbered by `ROW_ID` where they are not yet."""
    for batch in numbered(frame).collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        if batch.height:
            yield batch


def numbered(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return a table's rows, numbered by `ROW_ID` where they are not yet."""
    import polars as pl

    if ROW_ID in frame.collect_schema().names():
        return frame
    return frame.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))


def check_rows(
    batches: Iterable[pl.DataFrame], schema: Schema, id_column: str | None = None, *, keep: bool = False
) -> Checked:
    """Count what in raw rows breaks a contract, rule by rule; `ROW_ID`, where it is a column, numbers the rows.

    id_column: whose values name the rows in the examples; keep: whether the number of every row that breaks a rule is kept
    """
    checked = Checked(keep=keep)
    across = Across.of(schema)
    for raw in batches:
        batch = as_read(raw, schema)
        rows = Naming.of(batch, id_column)
        read = [_check_column(checked, batch, rows, column).alias(column.name) for column in schema.columns]
        if across:
            _check_across(checked, batch.with_columns(read), rows, across)
        checked.rows += batch.height
    return checked


def _check_across(checked: Checked, batch: pl.DataFrame, rows: Naming, across: Across) -> None:
    for rule, mask in across.broken(batch):
        places = mask.arg_true()
        told = _complaints(across, rule, batch, places.head(MOST_EXAMPLES))
        examples = [rows.breach(row, called(rule), said) for row, said in told]
        checked.add(called(rule), "rule", rule.on_violation == "reject", len(places), examples, rows.at(places))


def rejected_mask(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """Return which raw rows, of the schema's columns, a contract rejects: boolean, (n,)."""
    import polars as pl

    found = pl.repeat(False, frame.height, eager=True)
    for column in schema.columns:
        limits = Limits(column)
        if limits.rejects:
            for _, mask, _ in _broken(limits, read_column(frame[column.name], column)):
                found = found | mask
    across = Across([rule for rule in schema.rules if rule.on_violation == "reject"])
    if across:
        read = frame.with_columns(read_column(frame[column.name], column) for column in schema.columns)
        for _, mask in across.broken(read):
            found = found | mask
    return found


def require_accepted(frame: pl.LazyFrame, schema: Schema) -> None:
    """Raise RejectedRows where raw rows hold values that a contract rejects; what else is wrong with them is left alone."""
    rules = tuple(rule for rule in schema.rules if rule.on_violation == "reject")
    named = Across(rules).columns
    columns = tuple(column for column in schema.columns if column.on_violation == "reject" or column.name in named)
    rejecting = replace(schema, columns=columns, rules=rules)
    present = set(frame.collect_schema().names())
    if not columns:
        return
    wanted = [column.name for column in columns if column.name in present]
    # Of a frame without columns there would be no row to miss them in.
    checked = check_rows(batches_of(frame.select(wanted or sorted(present)[:1])), rejecting)
    # What only a rule names may be absent, or of another type, as any column that does not reject.
    lenient = {column.name for column in columns if column.on_violation != "reject"}
    found = [check for check in checked.rejected if check.rule == "rule" or check.column not in lenient]
    if found:
        breaches = [breach for check in found for breach in check.examples]
        count = sum(check.count for check in found)
        raise RejectedRows(count, sorted(breaches, key=lambda breach: breach.row))


def _check_column(checked: Checked, batch: pl.DataFrame, rows: Naming, column: Column) -> pl.Series:
    """Count what in a column breaks its rules, and return it as it is read."""
    limits = Limits(column)
    if column.name in batch.columns:
        values, unreadable = _readable(batch[column.name], column)
    elif column.required:
        checked.add(column.name, "absent", True, batch.height, [Breach(0, column.name, absence(column, batch.columns))])
        return nothing(column, batch.height)
    else:
        values, unreadable = nothing(column, batch.height), None
    if unreadable is not None:
        places = unreadable.arg_true()
        wrong = [(row, batch[column.name][row]) for row in places.head(MOST_EXAMPLES)]
        examples = [rows.breach(r, column.name, f"must be a {column.kind}, got {v!r}") for r, v in wrong]
        checked.add(column.name, "type", True, len(places), examples, rows.at(places))
    for rule, mask, compared in _broken(limits, values):
        places = (mask if unreadable is None else mask & ~unreadable).arg_true()
        shown = places.head(MOST_EXAMPLES).to_list()
        examples = [rows.breach(row, column.name, limits.complain(compared[row])) for row in shown]
        if len(places):
            checked.add(column.name, rule, limits.rejects, len(places), examples, rows.at(places))
    return values


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
