"""The `join` source: the rows of one source with the columns of another beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Len

from hookline import Dataset, ReadsAlike, Roles, Source, TextRules
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder

from .file import FileSource

if TYPE_CHECKING:
    import polars as pl


class JoinSource(Source):
    """The rows of the left source, in order, with the columns of the right one where the keys are equal.

    Each is a source with its fields: `source.left={component: file, path: orders.csv}`. A missing key equals none.
    """

    name = "join"
    left: Source
    """Whose rows are kept."""
    right: Source
    """Whose columns are added, but for the keys."""
    on: Annotated[tuple[str, ...], Len(1)]
    """The columns that both have, and in which rows that belong together are equal."""
    how: Literal["left", "inner"] = "left"
    """What becomes of left rows without a right one: `left` keeps them with missing values, `inner` drops them."""
    validate: Literal["m:1", "1:1", "1:m", "m:m"] = "m:1"
    """How often a key may stand on each side; `m:1` refuses a right source that would multiply the left one's rows."""
    suffix: Annotated[str, Len(1)] = "_right"
    """Behind the name of a right column that the left source has too."""

    def load(self) -> Dataset:
        """Return the joined rows, lazily.

        Raises DataError where a key is missing on a side or of another type there, or two columns would have one name;
        reading the rows raises it where keys repeat that `validate` wants once.
        """
        left, right = self.left.load(), self.right.load()
        self._check_keys(left.frame, right.frame)
        self._check_names(left.frame.collect_schema().names(), right.frame.collect_schema().names())
        name = f"{left.name} with {right.name}"
        once = [side == "1" for side in self.validate.split(":")]
        joined = (self._once(left.frame, "left", name) if once[0] else left.frame).join(
            self._once(right.frame, "right", name) if once[1] else right.frame,
            on=list(self.on),
            how=self.how,
            suffix=self.suffix,
            maintain_order="left_right",
        )
        return Dataset(joined, self.roles(), name)

    def fingerprint(self) -> str:
        """Return a digest of both sources' fingerprints and of how they are joined."""
        parts = [self.left.fingerprint(), self.right.fingerprint(), self.on, self.how, self.validate, self.suffix]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def roles(self) -> Roles:
        """Return the roles that the sources know, the left one's first."""
        return self.right.roles().merged(self.left.roles())

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> Source:
        """Return the source that reads rows that are joined already, as the left source reads its own."""
        return self._beside().at(place, texts, dates)

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        """Return what reading the left source does to texts."""
        return self._beside().text_rules(moments) if isinstance(self.left, ReadsAlike) else TextRules()

    def _beside(self) -> ReadsAlike:
        return self.left if isinstance(self.left, ReadsAlike) else FileSource("")

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
