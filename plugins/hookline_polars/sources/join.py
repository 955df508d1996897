"""The `join` source: the rows of one source with what another one knew of them beside them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Len

from hookline import Dataset, Derived, ReadsAlike, Roles, Source, TextRules
from hookline.data.frames import require_columns
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder
from hookline.kinds.capabilities import KnowsColumns
from hookline.telling.secrets import logger

from .file import FileSource
from .point_in_time import MATCHED, Moments, Window, as_of, require_span, windowed

if TYPE_CHECKING:
    import polars as pl

log = logger("hookline.polars.join")


class JoinSource(Source):
    """The rows of the left source, in order, with the columns of the right one where the keys are equal.

    Each is a source with its fields: `source.left={component: file, path: orders.csv}`. A missing key equals none. With `time`, a
    row gets what was known at its moment: the last right row before it, or figures of `windows` that end with it; never what
    came later. How many left rows have no right one is told where rows are read.
    """

    name = "join"
    left: Source
    """Whose rows are kept."""
    right: Source
    """Whose columns are added, but for the keys."""
    on: tuple[str, ...] = ()
    """The columns that both have, and in which rows that belong together are equal; with `time` there may be none."""
    how: Literal["left", "inner"] = "left"
    """What becomes of left rows without a right one: `left` keeps them with missing values, `inner` drops them."""
    validate: Literal["m:1", "1:1", "1:m", "m:m"] = "m:1"
    """How often a key may stand on each side; `m:1` refuses a right source that would multiply the left one's rows.

    With `time` it says nothing, since a left row gets one right row at most.
    """
    suffix: Annotated[str, Len(1)] = "_right"
    """Behind the name of a right column that the left source has too."""
    time: Annotated[str, Len(1)] | None = None
    """The left column of moments: times, or whole numbers that grow; a row without one gets nothing."""
    right_time: Annotated[str, Len(1)] | None = None
    """The right column of moments; without, it is called as `time` is."""
    lag: str | None = None
    """How long after its moment a right row becomes known, such as `12h` or `1d`."""
    tolerance: str | None = None
    """How old the last right row may be, such as `30d`; an older one counts as none."""
    windows: Mapping[str, Window] = dataclasses.field(default_factory=dict)
    """New column -> a figure of right rows: `source.windows.spent={of: amount, figure: sum, over: 30d}`; no others are added."""
    matched: Annotated[str, Len(1)] | None = None
    """Add a column of this name that says whether there is a right row; how many have none is then told by it alone."""

    def __post_init__(self) -> None:
        if not self.on and self.time is None:
            raise ValueError("say in which columns rows that belong together are equal: on, or time, or both")
        spare = [name for name in ("right_time", "lag", "tolerance", "windows") if getattr(self, name)]
        if self.time is None and spare:
            raise ValueError(f"{spare[0]} needs time, the left column of moments")
        if self.windows and self.tolerance is not None:
            raise ValueError("tolerance is for the last row before; windows say themselves how far back they go")
        require_span(self.lag, "lag")
        require_span(self.tolerance, "tolerance")

    def load(self) -> Dataset:
        """Return the joined rows, lazily.

        Raises DataError where a key or moment is missing on a side or of another type there, or two columns would have one
        name; reading the rows raises it where keys repeat that `validate` wants once.
        """
        left, right = self.left.load(), self.right.load()
        schemas = left.frame.collect_schema(), right.frame.collect_schema()
        self._check_keys(left.frame, right.frame)
        self._check_names(schemas[0].names(), list(self.windows) if self.windows else schemas[1].names())
        name = f"{left.name} with {right.name}"
        if self.time is None:
            joined = self._equal(left.frame, right.frame, name)
        else:
            moments = Moments(self.on, self.time, self.right_time or self.time, self.lag)
            moments.check(*schemas)
            spans = {f"windows.{name}.over": window.over for name, window in self.windows.items()}
            moments.check_spans(schemas[0], {"lag": self.lag, "tolerance": self.tolerance, **spans})
            if self.windows:
                require_columns([window.of for window in self.windows.values()], schemas[1].names(), "source.windows")
                for column, window in self.windows.items():
                    window.check(column, schemas[1])
                joined = windowed(left.frame, right.frame, moments, self.windows)
            else:
                joined = as_of(left.frame, right.frame, moments, self.tolerance, self.suffix)
        return Dataset(self._told(joined, name), self.roles(), name)

    def fingerprint(self) -> str:
        """Return a digest of both sources' fingerprints and of how they are joined."""
        parts = [self.left.fingerprint(), self.right.fingerprint(), self.on, self.how, self.validate, self.suffix]
        windows = {name: dataclasses.asdict(window) for name, window in self.windows.items()}
        known = [self.time, self.right_time, self.lag, self.tolerance, windows, self.matched]
        return hashlib.sha256(json.dumps([*parts, *known]).encode()).hexdigest()

    def roles(self) -> Roles:
        """Return the roles that the sources know, the left one's first."""
        return self.right.roles().merged(self.left.roles())

    def added(self) -> Mapping[str, Derived]:
        """Return the columns of the right source: figures of windows, or those that it knows before it is read."""
        keys = (*self.on, *((self.time,) if self.time else ()))
        known = f", known after {self.lag}" if self.lag else ""
        if self.windows:
            return {
                name: Derived(
                    keys, f"{one.figure} of {one.of} over {one.over} up to {self.time}, by {', '.join(self.on)}{known}"
                )
                for name, one in self.windows.items()
            }
        try:
            held = self.right.columns_ahead() if isinstance(self.right, KnowsColumns) else None
        except DataError:  # There are no rows here, of which a run would tell.
            held = None
        when = (
            f"last {{}} up to {self.time}, by {', '.join(self.on)}{known}"
            if self.time
            else f"{{}} by {', '.join(self.on)}"
        )
        return {name: Derived(keys, when.format(name)) for name in held or () if name not in self.on}

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> Source:
        """Return the source that reads rows that are joined already, as the left source reads its own."""
        return self._beside().at(place, texts, dates)

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        """Return what reading the left source does to texts."""
        return self._beside().text_rules(moments) if isinstance(self.left, ReadsAlike) else TextRules()

    def _beside(self) -> ReadsAlike:
        return self.left if isinstance(self.left, ReadsAlike) else FileSource("")

    def _equal(self, left: pl.LazyFrame, right: pl.LazyFrame, name: str) -> pl.LazyFrame:
        import polars as pl

        once = [side == "1" for side in self.validate.split(":")]
        return (
            (self._once(left, "left", name) if once[0] else left)
            .join(
                (self._once(right, "right", name) if once[1] else right).with_columns(
                    pl.lit(value=True).alias(MATCHED)
                ),
                on=list(self.on),
                how="left",
                suffix=self.suffix,
                maintain_order="left_right",
            )
            .with_columns(pl.col(MATCHED).fill_null(value=False))
        )

    def _told(self, joined: pl.LazyFrame, name: str) -> pl.LazyFrame:
        """Return the rows that are kept; the first reading tells how many left rows have no right one."""
        import polars as pl

        told: list[str] = []

        def kept(matched: pl.Series) -> pl.Series:
            alone = len(matched) - int(matched.sum())
            unseen = self.matched is None or self.how == "inner"
            if alone and unseen and not told:
                what = "are dropped" if self.how == "inner" else "have missing values there"
                told.append(
                    f"{name}: {alone:,} of {len(matched):,} rows ({alone / len(matched):.1%}) belong to no right row"
                )
                log.warning("%s, and %s", told[0], what)
            return matched if self.how == "inner" else pl.Series(matched.name, [True]).new_from_index(0, len(matched))

        rows = joined.filter(pl.col(MATCHED).map_batches(kept, return_dtype=pl.Boolean()))
        return rows.drop(MATCHED) if self.matched is None else rows.rename({MATCHED: self.matched})

    def _check_keys(self, left: pl.LazyFrame, right: pl.LazyFrame) -> None:
        schemas = {"left": left.collect_schema(), "right": right.collect_schema()}
        for side, schema in schemas.items():
            absent = [name for name in self.on if name not in schema]
            if absent:
                known = ", ".join(schema.names()[:20])
                raise DataError(
                    f"source.{side} has no column {', '.join(map(repr, absent))} to join on; it has {known}",
                    hint="name columns that both have in source.on",
                )
        for name in self.on:
            types = [schema[name] for schema in schemas.values()]
            if types[0] != types[1]:
                raise DataError(
                    f"'{name}' is {types[0]} in source.left and {types[1]} in source.right, so nothing would be equal",
                    hint=f"say the type where the files are read, such as source.right.dtypes={{{name}: string}}",
                )

    def _check_names(self, left: Sequence[str], right: Sequence[str]) -> None:
        """Raise DataError where a right column would get a name that another column has."""
        added = [name for name in right if name not in self.on]
        if self.matched is not None and self.matched in (*left, *added):
            raise DataError(f"there is a column '{self.matched}'", hint="choose another name for source.matched")
        if clash := [name for name in self.windows if name in left]:
            raise DataError(f"source.left has a column '{clash[0]}'", hint="choose another name in source.windows")
        taken = {*left, *(name for name in added if name not in left)}
        for name in added:
            if name in left and f"{name}{self.suffix}" in taken:
                raise DataError(
                    f"the right column '{name}' would be called '{name}{self.suffix}', as another column is",
                    hint=f"choose another source.suffix than {self.suffix}",
                )

    def _once(self, frame: pl.LazyFrame, side: str, name: str) -> pl.LazyFrame:
        """Return the same rows, whose reading raises DataError naming a key that stands more than once."""

        keys = list(self.on)

        def checked(rows: pl.DataFrame) -> pl.DataFrame:
            held = rows.select(keys).drop_nulls()
            repeated = held.filter(held.is_duplicated())
            if len(repeated):
                key = ", ".join(f"{column}={value!r}" for column, value in repeated.row(0, named=True).items())
                raise DataError(
                    f"the rows of {name} cannot be read or transformed: source.{side} has {key} more than once",
                    hint=f"name columns in source.on that tell its rows apart, or allow repeats, "
                    f"as in source.validate={self._allowing(side)}",
                )
            return rows

        # Not batch by batch, nor after a condition: a key repeats in all rows.
        return frame.map_batches(checked, projection_pushdown=True, predicate_pushdown=False)

    def _allowing(self, side: str) -> str:
        left, _, right = self.validate.partition(":")
        return f"m:{right}" if side == "left" else f"{left}:m"
