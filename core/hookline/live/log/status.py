"""How much is known of what was true of a model's answers, by version and age."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.workspace.workspace import open_workspace

from .joining import everything, truths
from .predictions import Moment, predictions_in

if TYPE_CHECKING:
    import polars as pl

AGES = (
    ("under 1 day", timedelta(days=1)),
    ("1 to 7 days", timedelta(days=7)),
    ("7 to 30 days", timedelta(days=30)),
    ("30 to 90 days", timedelta(days=90)),
    ("over 90 days", timedelta.max),
)
"""What an answer's age is called, up to which one."""


@dataclass(frozen=True)
class LabeledShare:
    """How many answers of one version and age are on record, and of how many it is known what was true."""

    version: int | None
    age: str
    records: int
    labeled: int

    @property
    def share(self) -> float:
        """The labeled ones, of all."""
        return self.labeled / self.records


@dataclass(frozen=True)
class LabelStatus:
    """How much is known of what was true of a model's answers."""

    model: str
    groups: tuple[LabeledShare, ...]
    """By version and age, the newest first."""
    aside: int
    """Labels of answers that are not on record here, or not yet."""

    @property
    def records(self) -> int:
        """Answers on record."""
        return sum(group.records for group in self.groups)

    @property
    def labeled(self) -> int:
        """Those of which it is known what was true."""
        return sum(group.labeled for group in self.groups)


def labels(
    model: str,
    since: Moment = None,
    until: Moment = None,
    version: int | None = None,
    *,
    home: str | Path | None = None,
) -> LabelStatus:
    """Return how many of a model's answers have their truth, by version and age; takes what `predictions` takes."""
    import polars as pl

    workspace, now = open_workspace(home), datetime.now(UTC)
    log = replace(predictions_in(workspace, model, since, until, version), given=True)
    truth = truths(workspace, log)
    known = truth.table.select(pl.col("prediction_id").alias("id"), pl.lit(value=True).alias("labeled"))
    found = log.facts().join(known, on="id", how="left").with_columns(_age(pl.lit(now) - pl.col("time")))
    groups = found.group_by("version", "age").agg(pl.len(), pl.col("labeled").count()).rows()
    order = [name for name, _ in AGES]
    groups.sort(key=lambda group: (-(group[0] or 0), order.index(group[1])))
    seen = known.join(everything(log).facts(), on="id", how="semi").height if known.height else 0
    return LabelStatus(log.model, tuple(LabeledShare(*group) for group in groups), known.height - seen + truth.homeless)


def _age(span: pl.Expr) -> pl.Expr:
    """Return what an age is called."""
    import polars as pl

    named = pl.lit(AGES[-1][0])
    for name, most in reversed(AGES[:-1]):
        named = pl.when(span < most).then(pl.lit(name)).otherwise(named)
    return named.alias("age")
