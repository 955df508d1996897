"""Rows in another order, or some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Interval, Len

from hookline import Dataset, Transform
from hookline.data.frames import require_columns
from hookline.kinds.artifacts import ROW_ID

from ..told import position_of

if TYPE_CHECKING:
    import polars as pl

KEY, COUNTS = "\0key", "\0counts"


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
    """Keeps some rows; of the same rows in the same order always the same ones."""

    rows: int | None
    share: float
    by: str | None
    weight: str | None
    seed: int

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the drawn rows, in order; rows of weight 0 are none to draw from."""
        position = position_of(frame)
        drawn = self._drawn(frame, position)
        return frame.filter(position.is_in(drawn.implode()))

    def _drawn(self, frame: pl.LazyFrame, position: pl.Expr) -> pl.Series:
        """Return the ids of the drawn rows, or their places where rows have none."""
        import numpy as np
        import polars as pl

        key = pl.col(self.by).rank("dense").fill_null(0) if self.by else pl.lit(0)
        counts = pl.lit(value=True) if self.weight is None else pl.col(self.weight).ne_missing(0)
        held = frame.select(position.alias(ROW_ID), key.cast(pl.Int64).alias(KEY), counts.alias(COUNTS)).collect()
        held = held.filter(COUNTS)
        wanted = min(max(1, round(self.share * held.height)) if self.rows is None else self.rows, held.height)
        order = np.random.default_rng(self.seed).permutation(held.height)
        # Rows of one value stand together after this, in random order, and of all of them evenly many are taken.
        order = order[np.argsort(held[KEY].to_numpy()[order], kind="stable")]
        taken = order[np.floor((np.arange(wanted) + 0.5) * held.height / max(wanted, 1)).astype(np.int64)]
        return held[ROW_ID].gather(np.sort(taken))


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
        if (self.rows is None) == (self.share is None):
            raise ValueError("needs one of rows and share: how many rows are kept, or which share of them")

    def fit(self, train: Dataset) -> FittedSample:
        """Check the column; raises DataError for one that is not there."""
        names = train.frame.collect_schema().names()
        require_columns([self.by] if self.by else [], names, "transform.sample.by")
        return FittedSample(self.rows, self.share or 1.0, self.by, train.roles.weight, self.seed)
