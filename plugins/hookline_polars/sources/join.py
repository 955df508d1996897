"""The `join` source: the rows of one source with the columns of another beside them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Len

from hookline import Dataset, Roles, Source
from hookline.errors import DataError

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
        """Return the joined rows, lazily; raises DataError where a key is missing on a side, or of another type there."""
        left, right = self.left.load(), self.right.load()
        self._check_keys(left.frame, right.frame)
        joined = left.frame.join(
            right.frame,
            on=list(self.on),
            how=self.how,
            validate=self.validate,
            suffix=self.suffix,
            maintain_order="left_right",
        )
        return Dataset(joined, self.roles(), f"{left.name} with {right.name}")

    def fingerprint(self) -> str:
        """Return a digest of both sources' fingerprints and of how they are joined."""
        parts = [self.left.fingerprint(), self.right.fingerprint(), self.on, self.how, self.validate, self.suffix]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def roles(self) -> Roles:
        """Return the roles that the sources know, the left one's first."""
        return self.right.roles().merged(self.left.roles())

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
