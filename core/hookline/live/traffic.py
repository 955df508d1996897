"""What became of the requests to a model in a span of time: as its servers counted them, and as its log says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hookline.errors import UnknownName
from hookline.kinds.deployments import LATENCY_BOUNDS, Histogram, Traffic
from hookline.workspace.catalog.sightings import CELL, EPOCH, Cell
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
    before = None
    if log.since is not None:
        former = log.since - DAYS_BEFORE, log.since
        before = with_refused(workspace, log.model, *former, counted_between(workspace, log.model, *former))
    if log.version in (None, _charges(workspace, log.model)(log.until)):
        traffic = with_refused(workspace, log.model, log.since, log.until, traffic) or traffic
    return replace(traffic, answers=found.height, warned=int(found["warned"].sum()), before=before)


def counted_between(
    workspace: Workspace, model: str, since: datetime | None, until: datetime | None, version: int | None = None
) -> Traffic | None:
    """Return what servers counted; None where none did."""
    cells = _given(workspace, model, since, until)
    return _together([cell for cell in cells if version in (None, cell.version)])


def with_refused(
    workspace: Workspace, model: str, since: datetime | None, until: datetime | None, traffic: Traffic | None
) -> Traffic | None:
    """Return traffic with the requests to a model that no version was asked; None where there is neither."""
    refused: dict[int, int] = {}
    for _, counts in workspace.catalog.sightings.refused_cells(model, since, until):
        for status, count in counts.items():
            refused[status] = refused.get(status, 0) + count
    if not refused:
        return traffic
    every = counted_between(workspace, model, since, until)
    asked = sum(refused.values()) + ((every and every.requests) or 0)
    return replace(traffic or Traffic(), refused=refused, asked=asked)


def _charges(workspace: Workspace, model: str) -> Callable[[datetime | None], int | None]:
    """Return who tells the version in charge before a moment; the catalog is read once."""
    catalog, newest = workspace.catalog, None
    with suppress(UnknownName):
        newest = catalog.models.get(model).version
    policies = catalog.deployments.history(model)

    def before(until: datetime | None) -> int | None:
        within = (one for one in policies if until is None or one.since is None or one.since < until)
        found = next(within, None)
        return newest if found is None else found.version

    return before


def failures(
    workspace: Workspace, model: str, since: datetime, every: timedelta
) -> Mapping[int, Mapping[datetime, int]]:
    """Return version -> start of each part of a grid since 1970 -> requests that failed in it.

    Those that were refused before any version answered are told of the version that was in charge.
    """
    found: dict[int, dict[datetime, int]] = {}

    def add(version: int, begun: datetime, count: int) -> None:
        start = EPOCH + (begun - EPOCH) // every * every
        held = found.setdefault(version, {})
        held[start] = held.get(start, 0) + count

    for cell in _given(workspace, model, since, None):
        if cell.errors:
            add(cell.version, cell.start, cell.errors)
    charge = _charges(workspace, model)
    for begun, counts in workspace.catalog.sightings.refused_cells(model, since, None):
        if counts and (version := charge(begun + CELL)) is not None:
            add(version, begun, sum(counts.values()))
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
