"""What became of requests: counted by time as servers tell it, those of shadows left out, else as the log says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hookline.kinds.deployments import REFUSED, Deployment, Route
from hookline.live.log.compacting import compact_predictions
from hookline.live.log.predictions import Predictions
from hookline.live.seen import Refusals
from hookline.live.traffic import counted_between, failures, traffic_of
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sightings import CELL, Sighting
from hookline.workspace.workspace import open_workspace
from kit.logs import plain_record, write_log

SPAN = timedelta(minutes=10)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    if request.param == "postgresql":
        return Catalog(str(request.getfixturevalue("postgresql_url")))
    return Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")


def sighting(requests: int, errors: int, worker: str = "a", arm: str = "live", policy: int = 1) -> Sighting:
    """Return what a process says that it saw up to now: every answer took the same bucket."""
    latency = [0] * 75
    latency[7] = requests - errors
    return Sighting("plain", policy, 1, arm, worker, requests, errors, latency, [0] * 75, {})


def test_what_is_more_than_was_told_before_is_counted_once_in_its_time(catalog: Catalog) -> None:
    begun = catalog.database.clock()
    catalog.sightings.tell([sighting(10, 1), sighting(5, 5, "b")])
    catalog.sightings.tell([sighting(30, 4)])
    catalog.sightings.tell([sighting(30, 4), sighting(2, 0, policy=2)])
    cells = catalog.sightings.cells("plain", begun - CELL, None, ())
    assert (sum(one.requests for one in cells), sum(one.errors for one in cells)) == (37, 9)
    assert sum(one.latency.get(7, 0) for one in cells) == 28
    assert all(begun - CELL < one.start <= datetime.now(UTC) for one in cells)
    assert catalog.sightings.cells("plain", None, begun - CELL, ()) == []


def test_requests_of_a_shadow_are_left_out_and_failures_are_found_by_the_hour(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    routes = (Route(1, 1.0), Route(1, 1.0, shadow=True, arm="dark"))
    workspace.catalog.models.register("plain", "r", "path", "onnx", {}, "f")
    workspace.catalog.deployments.record(Deployment("plain", 1, routes, "shadow"), "tried")
    workspace.catalog.sightings.tell([sighting(100, 3), sighting(100, 90, arm="dark")])
    since = datetime.now(UTC) - SPAN
    counted = counted_between(workspace, "plain", since, None)
    assert counted is not None
    assert (counted.requests, counted.errors, counted.latency.counts[7]) == (100, 3, 97)
    assert counted_between(workspace, "plain", since, None, version=2) is None
    hour = timedelta(hours=1)
    [(start, failed)] = failures(workspace, "plain", since - hour, hour)[1].items()
    assert (start.minute, failed) == (0, 3)


@pytest.mark.parametrize("closed", [False, True])
def test_the_log_tells_latency_by_request_and_warnings_by_answer(tmp_path: Path, closed: bool) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    records = [
        # Four rows of one request, and ten requests of one row.
        *(plain_record(n, start, latency=3.0, warnings=[]) for n in range(4)),
        *(plain_record(n, start + SPAN * n / 10, latency=0.004, warnings=["size is 9"]) for n in range(4, 14)),
    ]
    write_log(tmp_path / "predictions" / "plain", records)
    workspace = open_workspace(tmp_path)
    if closed:
        assert compact_predictions("plain", home=tmp_path).records == len(records)
    log = Predictions("plain", tmp_path / "predictions" / "plain", start, start + SPAN, 1, given=True, served=True)
    traffic = traffic_of(workspace, log)
    assert (traffic.requests, traffic.errors, traffic.before) == (None, None, None)
    assert (traffic.answers, traffic.warned) == (10, 6)
    assert sum(traffic.latency.counts) == 7
    assert traffic.latency.quantile(1.0) == pytest.approx(3.0, rel=0.2)
    assert traffic.latency.quantile(0.5) == pytest.approx(0.004, rel=0.2)


def refusals(*statuses: int) -> Refusals:
    counted = Refusals()
    for status in statuses:
        counted.add(status)
    return counted


def test_refused_requests_are_told_of_the_version_in_charge_and_counted_for_no_arm(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    log = Predictions("plain", tmp_path / "predictions" / "plain", version=1, given=True, served=True)
    workspace.catalog.models.register("plain", "r", "path", "onnx", {}, "f")
    sightings = workspace.catalog.sightings
    sightings.tell([sighting(90, 3), refusals(*[422] * 8, 413).sighting("plain", 1, "a")])
    sightings.tell([refusals(*[422] * 8, 413, 503).sighting("plain", 1, "a")])
    assert sightings.refused("plain", 1) == {413: 1, 422: 8, 503: 1}
    assert [one.version for one in sightings.of("plain", 1)] == [1]
    traffic = traffic_of(workspace, log)
    assert (traffic.requests, traffic.refused, traffic.asked) == (90, {413: 1, 422: 8, 503: 1}, 100)
    assert traffic_of(workspace, replace(log, version=2)).refused == {}
    hour = timedelta(hours=1)
    told = failures(workspace, "plain", datetime.now(UTC) - hour, hour)
    assert [(version, sum(cells.values())) for version, cells in told.items()] == [(1, 13)]


def test_statuses_that_are_not_refusals_are_not_counted_and_any_number_takes_no_more_room() -> None:
    counted = refusals(*range(200, 600), *[422] * 100_000)
    assert counted.requests == len(REFUSED) + 100_000
    assert len(counted.sighting("plain", 1, "a").latency) == len(REFUSED)
