"""Takes one text apart into several columns, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Len

from hookline import Dataset, Roles, Transform
from hookline.data.frames import require_new
from hookline.errors import ConfigError, Problem
from hookline.kinds.formats.words import ONNX

from ...columns import IsRegex, choose, present

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedSplitText:
    """Adds the parts of a text as columns."""

    column: str
    into: tuple[str, ...]
    separator: str
    pattern: str
    keep: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the parts, without spaces at their ends; a part that is not there, or empty, is missing."""
        import polars as pl

        if not present(frame, [self.column]):
            return frame
        text = pl.col(self.column).cast(pl.String)
        if self.pattern:
            parts = [text.str.extract(self.pattern, place) for place in range(1, len(self.into) + 1)]
        else:
            split = text.str.splitn(self.separator, len(self.into))
            parts = [split.struct.field(f"field_{place}") for place in range(len(self.into))]
        made = [
            part.str.strip_chars().replace("", None).alias(name) for part, name in zip(parts, self.into, strict=True)
        ]
        added = frame.with_columns(made)
        return added if self.keep else added.drop(self.column)


class SplitTextTransform(Transform):
    """Take a text apart into new columns: `Oslo, Norway` into a city and a country."""

    name = "split_text"
    column: str
    """The column of texts."""
    into: Annotated[tuple[str, ...], Len(1)]
    """Names of the new columns, in the order of the parts; the last one takes the rest."""
    separator: str = ","
    """What stands between two parts."""
    pattern: Annotated[str, IsRegex()] | None = None
    """Instead of a separator: a regular expression whose groups are the parts."""
    keep: bool = True
    """Whether the column itself stays."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it takes texts apart."""
        return {ONNX: "texts taken apart"}

    def fit(self, train: Dataset) -> FittedSplitText:
        """Check the column and the new names; raises ConfigError for one that is no text, is no feature, or is there already."""
        import re

        choose(train, (self.column,), "transform.split_text.column", ("string",))
        require_new(self.into, train.frame.collect_schema().names(), "transform.split_text.into")
        problems = []
        if self.column not in train.feature_columns():
            problems.append(Problem("transform.split_text.column", f"'{self.column}' is no feature"))
        if self.pattern is not None and re.compile(self.pattern).groups < len(self.into):
            told = f"has {re.compile(self.pattern).groups} groups for {len(self.into)} columns"
            problems.append(Problem("transform.split_text.pattern", told))
        if self.pattern is None and not self.separator:
            problems.append(Problem("transform.split_text.separator", "must not be empty"))
        if len(set(self.into)) < len(self.into):
            problems.append(Problem("transform.split_text.into", "names a column twice"))
        if self.pattern is not None:
            problems += _unread(self.pattern)
        if problems:
            raise ConfigError("bad config for transform 'split_text'", problems)
        return FittedSplitText(self.column, self.into, self.separator, self.pattern or "", self.keep)


def _unread(pattern: str) -> list[Problem]:
    """Return what polars says of a regular expression, whose words are fewer than Python's."""
    import polars as pl

    try:
        pl.select(pl.lit("").str.extract(pattern, 1))
    except pl.exceptions.PolarsError:
        told = f"{pattern!r} is no pattern for polars, which knows no look-around and no references to groups"
        return [Problem("transform.split_text.pattern", told)]
    return []
