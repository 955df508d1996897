"""What was watched long ago taken out of the catalog: by hand, and by the watch itself once a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookline.errors import UsageError

from ..deploying.naming import workspace_of
from ..log.times import before
from .rules import LEAST_KEPT


@dataclass(frozen=True)
class Forgotten:
    """What is taken out of the catalog, or would be."""

    model: str
    before: datetime
    """What was over before this moment, UTC."""
    rows: Mapping[str, int]
    """Table -> rows: windows, alarms with their events, mutes, messages (`outbox`), what servers counted."""


def prune_watch(
    model: str, older_than: str | timedelta, *, dry_run: bool = False, home: str | Path | None = None
) -> Forgotten:
    """Take out of the catalog what is over of a model's watch for longer than a span, such as `90d`, of 31 days or more.

    What is open, muted or waits to be delivered stays, and so do the newest windows of each version. dry_run: only say what
    Raises UnknownName for what is no model, UsageError for what is no such span.
    """
    workspace, now = workspace_of(model, home), datetime.now(UTC)
    moment = before(now, older_than, "older_than")
    if moment > now - LEAST_KEPT:
        raise UsageError(
            f"older_than must be at least {LEAST_KEPT.days}d, got {older_than}: alarms may come back as the same till then",
            hint=f"write {LEAST_KEPT.days}d or more",
        )
    act = workspace.catalog.old.count if dry_run else workspace.catalog.old.forget
    return Forgotten(model, moment, act(model, moment))
