"""The `stack` source: the rows of several sources below each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Annotated

from annotated_types import Len

from hookline import Dataset, ReadsAlike, Roles, Source, TextRules
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder

from .file import FileSource


class StackSource(Source):
    """The rows of several sources, one source after the other; a column that one of them lacks is missing there.

    Each is a source with its fields: `source.of=[{component: file, path: old.csv}, {component: prediction_log, model: churn}]`.
    Numbers of several types become the one that holds them all.
    """

    name = "stack"
    of: Annotated[tuple[Source, ...], Len(1)]
    """Whose rows these are."""

    def load(self) -> Dataset:
        """Return the rows, lazily; raises DataError where a column is of types that nothing holds."""
        import polars as pl

        held = [source.load() for source in self.of]
        stacked = pl.concat([one.frame for one in held], how="diagonal_relaxed")
        try:
            stacked.collect_schema()
        except pl.exceptions.SchemaError as error:
            raise DataError(
                f"source.of: the sources do not fit below each other: {str(error).splitlines()[0]}",
                hint="read the column as one type in each, such as dtypes={COLUMN: string}",
            ) from error
        return Dataset(stacked, self.roles(), " and ".join(one.name for one in held))

    def fingerprint(self) -> str:
        """Return a digest of all sources' fingerprints."""
        return hashlib.sha256(json.dumps([one.fingerprint() for one in self.of]).encode()).hexdigest()

    def roles(self) -> Roles:
        """Return the roles that the sources know, the first one's first."""
        found = self.of[-1].roles()
        for source in self.of[-2::-1]:
            found = found.merged(source.roles())
        return found

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> Source:
        """Return the source that reads other rows as the first source reads its own."""
        return self._first().at(place, texts, dates)

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        """Return what reading the first source does to texts."""
        first = self.of[0]
        return first.text_rules(moments) if isinstance(first, ReadsAlike) else TextRules()

    def _first(self) -> ReadsAlike:
        first = self.of[0]
        return first if isinstance(first, ReadsAlike) else FileSource("")
