"""Rows in another order, or some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Interval, Len

from hookline import Dataset, Transform
from hookline.data.frames import require_columns
from hookline.errors import ConfigError, Problem
from hookline.kinds.artifacts import ROW_ID

if TYPE_CHECKING:
    import polars as pl


class SortTransform(Transform):
    """Put rows in the order of some columns, missing values last; rows that are equal in them stay in their order."""

    name = "sort"
    applies = "dataset"
    by: Annotated[tuple[str, ...], Len(1)]
    """Columns, the first one first."""
    descending: bool = False
    """Whether the largest stands first."""

    def fit(self, train: Dataset) -> SortTransform:
        """Check the columns; raises DataError for one that is not there."""
        require_columns(self.by, train.frame.collect_schema().names(), "transform.sort.by")
        return self

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Sort the rows."""
        return frame.sort(self.by, descending=self.descending, nulls_last=True, maintain_order=True)


@dataclass(frozen=True)
class FittedSample:
    """Keeps the rows that have been drawn."""

    rows: tuple[int, ...]
    """Their ids, or places where rows have none."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep them, in order."""
        import polars as pl

        named = ROW_ID in frame.collect_schema()
        position = pl.col(ROW_ID) if named else pl.int_range(pl.len(), dtype=pl.Int64)
        return frame.filter(position.is_in(pl.Series(self.rows, dtype=pl.Int64).implode()))


class SampleTransform(Transform):
    """Keep some of the rows, drawn at random, in their order; with `by`, as large a share of each value's rows."""

    name = "sample"
    applies = "dataset"
    rows: Annotated[int, Gt(0)] | None = None
    """How many are kept; all where there are no more."""
    share: Annotated[float, Interval(gt=0, le=1)] | None = None
    """Or which share of them."""
    by: str | None = None
    """A column whose values stay as frequent as they are, such as the target."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of what is drawn."""

    def __post_init__(self) -> None:
        if self.rows is not None and self.share is not None:
            raise ValueError("rows and share say the same; set one of them")

    def fit(self, train: Dataset) -> FittedSample:
        """Draw the rows; raises ConfigError where nothing says how many, DataError for a column that is not there."""
        import numpy as np
        import polars as pl

        if self.rows is None and self.share is None:
            problem = Problem("transform.sample", "needs `rows` or `share`")
            raise ConfigError("bad config for transform 'sample'", [problem])
        names = train.frame.collect_schema().names()
        require_columns([self.by] if self.by else [], names, "transform.sample.by")
        position = pl.col(ROW_ID) if ROW_ID in names else pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW_ID)
        key = pl.col(self.by).rank("dense").fill_null(0) if self.by else pl.lit(0)
        held = train.frame.select(position, key.cast(pl.Int64).alias("\0key")).collect()
        wanted = min(
            held.height, self.rows if self.rows is not None else max(1, round((self.share or 1) * held.height))
        )
        drawn = np.random.default_rng(self.seed).permutation(held.height)
        # Rows of one value stand together after this, in random order, and of all of them evenly many are taken.
        ordered = drawn[np.argsort(held["\0key"].to_numpy()[drawn], kind="stable")]
        taken = ordered[np.floor((np.arange(wanted) + 0.5) * held.height / wanted).astype(np.int64)]
        return FittedSample(tuple(held[ROW_ID].gather(np.sort(taken)).to_list()))
