"""Fills what is missing with what was known before, in time, of the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Dataset, Roles, Transform
from hookline.data.columns import column_kind
from hookline.data.frames import require_columns
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.formats.words import ONNX

from ..columns import Columns, Scalar, choose, present

if TYPE_CHECKING:
    import polars as pl

TIME, KEY, VALUE, PLACE = "\0time", "\0key", "\0value", "\0place"
MOST_VALUES = 1_000_000
"""Values that a model may carry to look back at."""


@dataclass(frozen=True)
class History:
    """The values of one column as they changed: of each entity in the order of time."""

    times: tuple[int, ...]
    """Microseconds since 1970 UTC, or whole numbers as the time column holds them."""
    keys: tuple[str, ...]
    """The entity of each; empty where there are none."""
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class FittedFillForward:
    """Fills what is missing with the last value before it."""

    time: str
    by: str
    histories: Mapping[str, History]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Fill from the history alone, so that no row tells another anything; what came at the same moment is not before."""

        names = present(frame, self.histories)
        if not names or not present(frame, [self.time]) or (self.by and not present(frame, [self.by])):
            return frame
        schema = frame.collect_schema()

        def filled(rows: pl.DataFrame) -> pl.DataFrame:
            keyed = _keyed(rows.lazy(), self.time, self.by).select(TIME, KEY).collect().with_row_index(PLACE)
            found = [self._last(keyed, name, schema[name]) for name in names]
            return rows.with_columns(rows[one.name].fill_null(one) for one in found)

        return frame.map_batches(
            filled, schema=schema, predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False
        )

    def _last(self, keyed: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series:
        """Return the last value before each row, null where there is none."""
        import polars as pl

        held = self.histories[name]
        known = pl.DataFrame({TIME: held.times, VALUE: held.values}, schema_overrides={TIME: pl.Int64})
        known = known.with_columns(pl.Series(KEY, held.keys or [""] * known.height, dtype=pl.String))
        looked = keyed.drop_nulls().sort(TIME)
        found = looked.join_asof(
            known.sort(TIME, maintain_order=True),
            on=TIME,
            by=KEY,
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        placed = keyed.select(PLACE).join(found.select(PLACE, VALUE), on=PLACE, how="left", maintain_order="left")
        return placed[VALUE].cast(dtype).alias(name)


class FillForwardTransform(Transform):
    """Fill missing values with the last one before them in time, of the training rows and, where told, of the same entity."""

    name = "fill_forward"
    columns: tuple[str, ...] | Columns = ()
    """Columns to fill; by default every feature column that is a number, a text or a boolean."""
    time: str | None = None
    """The column that says when; by default that of the time role. A datetime, a date or a whole number."""
    by: str | None = None
    """A column that says of what entity a row is, such as a station; only its own values are carried on."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it looks things up by time."""
        return {ONNX: "a look back at earlier rows (impute needs none)"}

    def fit(self, train: Dataset) -> FittedFillForward:
        """Keep what each column held, as it changed; raises DataError without a time column, or for too many values."""
        time = self.time or train.roles.time
        if time is None:
            raise DataError("fill_forward needs to know when rows happened", hint="roles.time=COLUMN")
        schema = train.frame.collect_schema()
        require_columns([time, *([self.by] if self.by else [])], train.feature_columns(), "transform.fill_forward")
        if column_kind(schema[time]) != "datetime" and not schema[time].is_integer():
            problem = Problem("transform.fill_forward.time", f"'{time}' is no datetime, date or whole number")
            raise ConfigError("bad config for transform 'fill_forward'", [problem])
        chosen = choose(train, self.columns, "transform.fill_forward.columns", ("number", "string", "boolean"))
        names = [name for name in chosen if name not in (time, self.by)]
        rows = _keyed(train.weighing().frame, time, self.by or "").select(TIME, KEY, *names).collect()
        histories = {name: _history(rows, name, told=self.by is not None) for name in names}
        if sum(len(held.times) for held in histories.values()) > MOST_VALUES:
            raise DataError(
                f"fill_forward would carry more than {MOST_VALUES:,} values of {len(names)} columns with the model",
                hint="name fewer columns: transform.fill_forward.columns=[...]",
            )
        return FittedFillForward(time, self.by or "", histories)


def _keyed(frame: pl.LazyFrame, time: str, by: str) -> pl.LazyFrame:
    """Add when a row happened, int64, and of what."""
    import polars as pl

    dated = column_kind(frame.collect_schema()[time]) == "datetime"
    moment = pl.col(time).cast(pl.Datetime("us")).dt.epoch("us") if dated else pl.col(time)
    return frame.with_columns(
        moment.cast(pl.Int64).alias(TIME), (pl.col(by).cast(pl.String) if by else pl.lit("")).alias(KEY)
    )


def _history(rows: pl.DataFrame, name: str, *, told: bool) -> History:
    """Return the values of a column in the order of time, without those that repeat the one before.

    Of several values at one moment the last row's counts.
    """
    import polars as pl

    held = rows.select(TIME, KEY, pl.col(name).alias(VALUE)).drop_nulls()
    if held.schema[VALUE] in (pl.Categorical, pl.Enum):
        held = held.with_columns(pl.col(VALUE).cast(pl.String))
    held = held.sort(KEY, TIME, maintain_order=True).unique([KEY, TIME], keep="last", maintain_order=True)
    held = held.filter(~pl.col(VALUE).eq_missing(pl.col(VALUE).shift().over(KEY)))
    keys: tuple[Any, ...] = tuple(held[KEY].to_list()) if told else ()
    return History(tuple(held[TIME].to_list()), keys, tuple(held[VALUE].to_list()))
