"""How much is known of what was true of a model's answers, by version and age."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookline.workspace.workspace import open_workspace

from ..segments.moments import time_of
from .joining import everything, truths
from .predictions import Moment, predictions_in

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
    workspace, now = open_workspace(home), datetime.now(UTC)
    log = predictions_in(workspace, model, since, until, version)
    truth = truths(workspace, log)
    known = truth.by_id
    counts: Counter[tuple[int | None, str]] = Counter()
    labeled: Counter[tuple[int | None, str]] = Counter()
    for record in log:
        group = record["version"], _age(now - time_of(record))
        counts[group] += 1
        labeled[group] += record["id"] in known
    order = [name for name, _ in AGES]
    groups = sorted(counts, key=lambda group: (-(group[0] or 0), order.index(group[1])))
    seen = {record["id"] for record in everything(log) if record["id"] in known} if known else set()
    shares = tuple(LabeledShare(*group, counts[group], labeled[group]) for group in groups)
    return LabelStatus(log.model, shares, len(known) - len(seen) + truth.homeless)


def _age(span: timedelta) -> str:
    return next(name for name, most in AGES if span < most)
