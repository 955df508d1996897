"""Writes what a feature set's joins know of every key at one moment into the online store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import to_polars
from hookline.errors import DataError, UnknownName, UsageError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.features.sets import seconds_of
from hookline.kinds.kinds import Source
from hookline.plans.keywords import FrameSource, source_of
from hookline.plans.placing.sets import KnownSet, joined
from hookline.plans.placing.versions import features_of, version_of
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import open_workspace

from ..seen import current_set
from .store import OnlineStore, Stored

if TYPE_CHECKING:
    import polars as pl

MATCHED = "__hookline_known"
AT_ONCE = 100_000
"""Keys that are read from the joined rows at once."""


def materialize(
    name: str,
    source: Any = None,
    *,
    join: str | None = None,
    at: datetime | int | None = None,
    key: str | Sequence[str] | None = None,
    time: str | None = None,
    config_dir: str | Path | None = None,
    home: str | Path | None = None,
) -> list[Stored]:
    """Store what the joins of a feature set know of every key at one moment, computed by the joins themselves.

    source: where the rows beside are, in the place of those that the set names: a path, a source, or a data frame
    join: only this one; at: the moment (now): a time, UTC where it has no zone, or a number where moments are numbers
    key, time: the columns of the key and of moments in the rows beside, where a person wants them to be the set's own
    Raises UnknownName for a set or join that is not there, UsageError where a join is none of keys and moments, DataError for
    rows that do not fit.
    """
    registry = load_registry()
    known = current_set(registry, name, None if config_dir is None else Path(config_dir))
    for part in known.joins:
        on, _, right_time = _shape(known.joins[part], f"features.{name}.joins.{part}")
        if join in (None, part):
            _require_same(part, "key", on, key)
            _require_same(part, "time", right_time, time)
    beside = None if source is None else _source(registry, source)
    with OnlineStore(open_workspace(home).home) as store:
        return store_known(registry, store, known, beside, join=join, at=at)


def store_known(
    registry: Registry,
    store: OnlineStore,
    known: KnownSet,
    source: Source | None = None,
    *,
    join: str | None = None,
    at: datetime | int | None = None,
) -> list[Stored]:
    """Store what the joins of a set know, as `materialize` does."""
    chosen = _chosen(known, known.declared.name, join, other=source is not None)
    if at is not None and not any(getattr(known.joins[part], "time", None) for part in chosen):
        raise UsageError(
            f"feature set '{known.declared.name}' joins by key alone, so that no moment changes what is known",
            hint="leave the moment out",
        )
    return [_stored(registry, store, known, part, _beside(known.joins[part], source), at) for part in chosen]


def _chosen(known: KnownSet, name: str, join: str | None, *, other: bool) -> list[str]:
    if not known.joins:
        raise UsageError(
            f"feature set '{name}' has no joins, so that there is nothing to store by key",
            hint="its definitions are computed from the row itself, wherever it is answered",
        )
    if join is not None and join not in known.joins:
        raise UnknownName(f"join of feature set '{name}'", join, list(known.joins))
    if other and join is None and len(known.joins) > 1:
        raise UsageError("a source is of one join", hint=f"say which: join one of {', '.join(known.joins)}")
    return list(known.joins) if join is None else [join]


def _beside(join: Source, source: Source | None) -> Source:
    """Return a join whose other rows are those of another source, where one is given."""
    return join if source is None else replace(join, right=source)  # type: ignore[call-arg]  # `_shape` has seen that it has one


def _source(registry: Registry, source: Any) -> Source:
    """Return the source that a path, a mapping, a source or a data frame means."""
    if isinstance(source, (str, Path, Mapping, Source)):
        return source_of(registry, source)
    return FrameSource.of(to_polars(source).lazy().collect())


def _stored(
    registry: Registry,
    store: OnlineStore,
    known: KnownSet,
    part: str,
    join: Source,
    at: datetime | int | None,
) -> Stored:
    import polars as pl

    name = known.declared.name
    on, left_time, right_time = _shape(join, f"features.{name}.joins.{part}")
    right: Source = join.right  # type: ignore[attr-defined]
    beside = right.load().frame
    moment = _moment(beside, right_time, at)
    keys = beside.select(on).drop_nulls().unique(maintain_order=True).collect()
    asked = keys.vstack(_nobody(keys))
    frame = asked.with_columns(moment.alias(left_time)) if left_time else asked
    made = joined(replace(join, matched=MATCHED), FrameSource.of(frame)).load().frame  # type: ignore[call-arg]
    columns = {
        column: _read(dtype)
        for column, dtype in made.collect_schema().items()
        if column not in (*on, left_time, MATCHED, ROW_ID)
    }
    # A decimal is no value of JSON, and to a model it is a number as others are.
    decimals = [pl.col(name).cast(pl.Float64) for name, dtype in made.collect_schema().items() if dtype.is_decimal()]
    rows = made.with_columns(decimals).select([*on, *columns]).collect()
    facts = Stored(
        name,
        part,
        version_of(registry, known),
        tuple(on),
        columns,
        _shown(moment),
        datetime.now(UTC),
        keys.height,
        rows.select(list(columns)).row(-1),
        None if known.declared.fresh is None else seconds_of(known.declared.fresh),
        {one.name: one.version for one in features_of(registry, known) if one.step == part and one.name in columns},
    )
    store.write(facts, _pairs(rows.head(-1), len(on)))
    return facts


def _shape(join: Source, where: str) -> tuple[list[str], str | None, str | None]:
    """Return the columns of a join's keys, and of the moments on both sides."""
    missing = [field for field in ("right", "on", "time", "right_time", "matched") if not hasattr(join, field)]
    on = [*getattr(join, "on", ())]
    if missing or not on:
        raise UsageError(
            f"{where} cannot be stored by key: source '{join.name}' has no {'field ' + missing[0] if missing else 'key'}",
            hint="`join` with `on` can",
        )
    time = join.time  # type: ignore[attr-defined]
    return on, time, (join.right_time or time)  # type: ignore[attr-defined]


def _require_same(part: str, what: str, own: Any, said: Any) -> None:
    if said is None:
        return
    wanted = [said] if isinstance(said, str) else list(said)
    held = [own] if isinstance(own, str) else list(own or ())
    if wanted != held:
        raise UsageError(
            f"join '{part}' has the {what} {', '.join(held) or 'none'}, and not {', '.join(wanted)}",
            hint="leave it out, or change the feature set",
        )


def _moment(beside: pl.LazyFrame, column: str | None, at: datetime | int | None) -> pl.Expr:
    """Return the moment in the type of the column of moments."""
    import polars as pl

    if column is None:
        return pl.lit(datetime.now(UTC).replace(tzinfo=None))
    schema = beside.collect_schema()
    if column not in schema:
        raise DataError(f"the rows beside have no column '{column}'; they have {', '.join(schema.names()[:20])}")
    dtype = schema[column]
    if dtype.is_integer():
        last = beside.select(pl.col(column).max()).collect().item() if at is None else at
        if not isinstance(last, int):
            raise UsageError(f"'{column}' holds whole numbers, so the moment is one, too", hint="such as --at 1200")
        return pl.lit(last, dtype=dtype)
    if isinstance(at, int):
        raise UsageError(f"'{column}' holds times, so the moment is one, too", hint="such as --at 2026-01-31T12:00")
    moment = datetime.now(UTC) if at is None else at if at.tzinfo else at.replace(tzinfo=UTC)
    zone = getattr(dtype, "time_zone", None)
    if dtype == pl.Date:
        return pl.lit(moment.astimezone(UTC).date())
    if zone is None:
        return pl.lit(moment.astimezone(UTC).replace(tzinfo=None)).cast(dtype)
    return pl.lit(moment).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone).cast(dtype)


def _nobody(keys: pl.DataFrame) -> pl.DataFrame:
    """Return a row with a key that nobody has: what is then known of it is known of every other such key."""
    import polars as pl

    return pl.DataFrame([_another(keys[name]) for name in keys.columns])


def _another(held: pl.Series) -> pl.Series:
    import polars as pl

    if held.dtype == pl.Boolean:
        return pl.Series(held.name, [None], dtype=held.dtype)
    if held.dtype.is_temporal():
        last: Any = held.max() or date(1970, 1, 1)
        return pl.Series(held.name, [last + timedelta(days=1)], dtype=held.dtype)
    if held.dtype.is_numeric():
        taken = set(held.to_list())
        free = next(number for number in range(len(taken) + 1) if number not in taken)
        return pl.Series(held.name, [free], dtype=held.dtype)
    longest: Any = held.cast(pl.String).str.len_bytes().max() or 0
    return pl.Series(held.name, ["~" * (longest + 1)], dtype=pl.String).cast(held.dtype, strict=False)


def _read(dtype: pl.DataType) -> str:
    import polars as pl

    if dtype == pl.Date:
        return "date"
    if dtype == pl.Datetime:
        return "datetime"
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum, pl.Null):
        return "plain"
    raise DataError(f"a value of type {dtype} cannot be stored by key", hint="store numbers, texts, booleans and times")


def _shown(moment: pl.Expr) -> str:
    import polars as pl

    value = pl.select(moment).item()
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _pairs(rows: pl.DataFrame, keys: int) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    for part in rows.iter_slices(AT_ONCE):
        for row in part.iter_rows():
            yield row[:keys], row[keys:]
