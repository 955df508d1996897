"""A home at a glance: its models, and what of it needs somebody's attention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hookline.kinds.plain import to_json
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.runs import JOB, RunRecord
from hookline.workspace.workspace import open_workspace

from .attention import Attention, attention_of, gravest_first
from .cards import ModelCard, card_of
from .glance import Glance

LATELY = timedelta(days=7)
"""How long a failed run is told of."""
LOOKED_THROUGH = 300
"""Runs that are looked through for it, the newest."""
MOST_FAILED = 10


@dataclass(frozen=True)
class Overview:
    """How a home stands."""

    models: tuple[ModelCard, ...]
    """By name."""
    attention: tuple[Attention, ...]
    """The gravest first."""
    runs: int
    newest: tuple[RunRecord, ...]
    """The newest runs, a few."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        told: dict[str, Any] = to_json(self)
        return told

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever done here."""
        return not self.models and not self.runs


def overview(home: str | Path | None = None) -> Overview:
    """Return how every model of a home stands, and what needs attention; raises StoreError where it cannot be read."""
    catalog = open_workspace(home).catalog
    names, glance = catalog.models.newest_versions(), Glance.of(catalog)
    found = [item for one in names for item in attention_of(catalog, glance, one.name)]
    runs, count = catalog.runs.page(LOOKED_THROUGH)
    found += [_told(run) for run in failed_lately(catalog, runs)]
    cards = tuple(card_of(catalog, glance, one.name, one.version) for one in names)
    return Overview(cards, gravest_first(found), count, tuple(runs[:5]))


def failed_lately(catalog: Catalog, runs: list[RunRecord]) -> list[RunRecord]:
    """Return, of runs from the newest on, those that failed lately and that none of the same name has made good since.

    Jobs of a sweep are left out: their leaderboard tells of them.
    """
    since, last = catalog.database.clock() - LATELY, dict[str, RunRecord]()
    for run in runs:
        if run.started >= since and run.status != "running" and not JOB.match(run.id):
            last.setdefault(run.name, run)
    return [run for run in last.values() if run.status == "failed"][:MOST_FAILED]


def _told(run: RunRecord) -> Attention:
    lines = (run.error or "").strip().splitlines()
    why = f": {lines[0]}" if lines else ""
    return Attention(
        "run",
        "warning",
        f"run '{run.name}' failed{why}",
        f"hookline runs show {run.id}",
        place=run.id,
        since=run.started,
    )
