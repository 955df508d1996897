"""The rows that folds are drawn from: all of a run that are not held out for its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Split
from hookline.kinds.kinds import Source

if TYPE_CHECKING:
    import polars as pl


class TrainingRows(Source):
    """Rows of a run's training and validation parts, as the split left them."""

    name = "training_rows"
    digest: str
    """Fingerprint of the split."""

    @classmethod
    def of(cls, split: Split, digest: str) -> TrainingRows:
        """Take the rows of a split that are not held out for its test."""
        import polars as pl

        source = cls(digest=digest)
        parts = [part.frame for part in (split.train, split.valid) if part is not None]
        object.__setattr__(
            source, "_frame", pl.concat(parts).sort(ROW_ID).drop(ROW_ID) if parts[1:] else parts[0].drop(ROW_ID)
        )
        return source

    def load(self) -> Dataset:
        """Return the rows; raises DataError if this object was rebuilt from config, where no split is at hand."""
        frame: pl.LazyFrame | None = getattr(self, "_frame", None)
        if frame is None:
            raise DataError(
                "source 'training_rows' exists only in the run that divided them", hint="use the run's source"
            )
        return Dataset(frame, name="training rows")

    def fingerprint(self) -> str:
        """Return the split's fingerprint."""
        return self.digest
