"""Which records of a log are asked for: by time, version and arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .moments import time_of

if TYPE_CHECKING:
    import polars as pl

BATCH = "batch"
"""The arm of answers to the rows of a table, so that nobody takes them for what live traffic was told."""
OF = "of"
"""The field of a record that nobody was given: the id of the answer that was."""


@dataclass(frozen=True)
class Wanted:
    """Which records are asked for; None: of all."""

    since: datetime | None = None
    """From when on, UTC."""
    until: datetime | None = None
    """Before when, UTC."""
    version: int | None = None
    arm: str | None = None
    given: bool = False
    """Only answers that somebody was given: not those of a version that was asked in the shadow."""
    served: bool = False
    """Only answers of servers: not those to the rows of a table."""

    def has(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a record is asked for; raises DataError where it would have to say its time, and does not."""
        if self.version is not None and record["version"] != self.version:
            return False
        if self.arm is not None and record.get("arm") != self.arm:
            return False
        if self.given and record.get(OF) is not None:
            return False
        if self.served and record.get("arm") == BATCH:
            return False
        if self.since is None and self.until is None:
            return True
        time = time_of(record)
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def where(self) -> pl.Expr:
        """Return the same as a condition on a closed segment's rows."""
        import polars as pl

        time = pl.col("time")
        said = [
            None if self.since is None else time >= self.since,
            None if self.until is None else time < self.until,
            None if self.version is None else pl.col("version") == self.version,
            None if self.arm is None else pl.col("arm") == self.arm,
            pl.col(OF).is_null() if self.given else None,
            pl.col("arm").ne_missing(BATCH) if self.served else None,
        ]
        return pl.all_horizontal(pl.lit(value=True), *(one for one in said if one is not None))


ALL = Wanted()
