"""What became of the requests to a model in a span of time: as its servers counted them, and as its log says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hookline.kinds.deployments import LATENCY_BOUNDS, Histogram, Traffic
from hookline.workspace.catalog.sightings import EPOCH, Cell
from hookline.workspace.workspace import Workspace

from .log.predictions import Predictions
from .segments.standing import steady
from .segments.tables import service

if TYPE_CHECKING:
    import polars as pl

DAYS_BEFORE = timedelta(days=7)
"""How far before a span of time goes what it is held against."""


def traffic_of(workspace: Workspace, log: Predictions) -> Traffic:
    """Return what became of the requests of which a log's part tells; raises DataError where a line is no record."""
    found = steady(lambda: service(log.files(), log.wanted))
    counted = counted_between(workspace, log.model, log.since, log.until, log.version)
    traffic = counted or Traffic(latency=_recorded(found))
    before = None if log.since is None else counted_between(workspace, log.model, log.since - DAYS_BEFORE, log.since)
    return replace(traffic, answers=found.height, warned=int(found["warned"].sum()), before=before)


def counted_between(
    workspace: Workspace, model: str, since: datetime | None, until: datetime | None, version: int | None = None
) -> Traffic | None:
    """Return what servers counted; None where none did."""
    cells = _given(workspace, model, since, until)
    return _together([cell for cell in cells if version in (None, cell.version)])


def failures(
    workspace: Workspace, model: str, since: datetime, every: timedelta
) -> Mapping[int, Mapping[datetime, int]]:
    """Return version -> start of each part of a grid since 1970 -> requests that failed in it."""
    found: dict[int, dict[datetime, int]] = {}
    for cell in _given(workspace, model, since, None):
        if cell.errors:
            start = EPOCH + (cell.start - EPOCH) // every * every
            held = found.setdefault(cell.version, {})
            held[start] = held.get(start, 0) + cell.errors
    return found


def _given(workspace: Workspace, model: str, since: datetime | None, until: datetime | None) -> Sequence[Cell]:
    """Return what was counted of arms whose answers somebody is given."""
    catalog = workspace.catalog
    policies = catalog.deployments.history(model)
    shadows = {route.arm for policy in policies for route in policy.routes if route.shadow}
    return catalog.sightings.cells(model, since, until, shadows)


def _together(cells: Sequence[Cell]) -> Traffic | None:
    if not cells:
        return None
    requests, errors = sum(cell.requests for cell in cells), sum(cell.errors for cell in cells)
    return Traffic(requests, errors, _histogram(pair for cell in cells for pair in cell.latency.items()))


def _recorded(found: pl.DataFrame) -> Histogram:
    """Return how long requests took by the log: rows of one request say the same time and latency."""
    import polars as pl

    bounds = pl.Series(LATENCY_BOUNDS)
    taken = found.drop_nulls("latency").unique(["time", "latency"])["latency"]
    places = bounds.search_sorted(taken, side="left")
    return _histogram(places.value_counts().rows())


def _histogram(counted: Iterable[tuple[int, int]]) -> Histogram:
    counts = [0] * (len(LATENCY_BOUNDS) + 1)
    for place, count in counted:
        counts[place] += count
    return Histogram(LATENCY_BOUNDS, tuple(counts))
