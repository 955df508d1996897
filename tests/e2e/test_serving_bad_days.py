"""Bad days of a server of two workers, while clients ask: what was answered is on record, and the live version goes on."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hookline.workspace.workspace import Workspace
from kit.serving import Server, serving, train_churn
from kit.versions import MODEL, MOODY, Answers, put, register, registered, until

PATIENCE = 5.0
"""Seconds within which each answer must come, on a machine that others use as well; of a version that hangs it is one."""


@dataclass(frozen=True)
class Day:
    """A server at work."""

    server: Server
    workspace: Workspace
    mood: Path
    answers: Answers
    client: httpx.Client

    @property
    def catalog(self) -> Path:
        return self.workspace.home / "catalog.db"

    def follows(self, version: int) -> bool:
        """Ask until the version answers, also the next requests, of either worker."""
        return until(lambda: all(self.ask() == version for _ in range(6)))

    def ask(self) -> int | None:
        # A connection each, so that either worker may take it.
        with httpx.Client(base_url=self.server.url, timeout=30) as client:
            return self.answers.ask(client)

    def seen(self, number: int | None) -> dict[tuple[int, str], tuple[int, int]]:
        """Return requests and errors under a policy, by version and arm, as the catalog has them of both workers."""
        found: dict[tuple[int, str], tuple[int, int]] = {}
        for one in self.workspace.catalog.sightings.of(MODEL, number or 0):
            requests, errors = found.get((one.version, one.arm), (0, 0))
            found[one.version, one.arm] = requests + one.requests, errors + one.errors
        return found


@pytest.fixture(scope="module")
def day(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Three versions of an ONNX package, and a moody fourth."""
    folder = tmp_path_factory.mktemp("moody")
    (folder / "moody.py").write_text(MOODY)
    mood = folder / "mood"
    mood.write_text("well")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOOKLINE_HOME": home, "HOOKLINE_PLUGINS": "moody", "MOOD": mood}.items():
            patch.setenv(name, str(value))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.syspath_prepend(str(folder))
        package = train_churn()
        workspace = registered(package, home)
        register(workspace, package, "moody")
        sys.modules.pop("moody", None)
        with (
            serving(MODEL, home, home / "log", "--workers", "2") as server,
            httpx.Client(base_url=server.url) as client,
        ):
            assert until(lambda: len(list((home / "log").glob("*"))) == 2)
            made = Day(server, workspace, mood, Answers(), client)
            yield made
    assert made.answers.missing(home / "log") == []


@pytest.fixture(autouse=True)
def _begins_and_ends_well(day: Day) -> Iterator[None]:
    day.mood.write_text("well")
    put(day.workspace, 1)
    assert day.follows(1)
    day.answers.faults.clear()
    yield
    assert len(day.server.workers()) == 2
    assert (day.answers.faults, day.answers.broken) == ([], 0)


@pytest.mark.parametrize("mood", ["raises", "hangs", "misshapen"])
def test_a_canary_in_a_bad_mood_is_counted_and_the_live_version_answers(day: Day, mood: str) -> None:
    policy = put(day.workspace, 1, beside=4, weight=0.5)
    assert until(lambda: day.ask() == 4)
    time.sleep(0.5)
    day.mood.write_text(mood)
    day.answers.slowest = 0.0
    assert {day.ask() for _ in range(12)} == {1}
    assert day.answers.slowest < PATIENCE
    assert until(lambda: day.seen(policy.number).get((4, "canary"), (0, 0))[1] > 0, 10)
    # And back at once, though it may hang still.
    put(day.workspace, 2)
    assert day.follows(2)


def test_a_live_version_in_a_bad_mood_answers_with_an_error_and_goes_on(day: Day) -> None:
    put(day.workspace, 4)
    assert day.follows(4)
    day.mood.write_text("raises")
    assert day.ask() is None
    day.mood.write_text("misshapen")
    assert day.ask() is None
    assert ["fault" in told or "model" in told for told in day.answers.faults] == [True, True]
    day.answers.faults.clear()
    day.mood.write_text("well")
    assert day.ask() == 4


def test_a_package_that_is_damaged_while_it_is_loaded_answers_on_and_one_before_its_turn_is_not_taken(day: Day) -> None:
    models = day.workspace.catalog.models
    for version in (1, 3):
        file = Path(models.get(MODEL, version).path) / "model.onnx"
        file.write_bytes(file.read_bytes()[:-1])
    put(day.workspace, 3)
    time.sleep(0.8)
    assert {day.ask() for _ in range(6)} == {1}
    put(day.workspace, 2)
    assert day.follows(2)
    for version in (1, 3):
        file = Path(models.get(MODEL, version).path) / "model.onnx"
        file.write_bytes((Path(models.get(MODEL, 2).path) / "model.onnx").read_bytes())


def test_a_policy_that_names_a_version_that_is_gone_is_served_by_the_one_in_charge(day: Day) -> None:
    folder = Path(day.workspace.catalog.models.get(MODEL, 3).path)
    policy = put(day.workspace, 2, beside=3, weight=0.5)
    folder.rename(folder.with_name("gone"))
    try:
        policy = put(day.workspace, 1, beside=3, weight=0.5)
        assert day.follows(1)
        # Those that were asked until now may have been asked under the policy before, in which it was in charge, too.
        assert until(lambda: day.ask() == 1 and day.seen(policy.number).get((3, "canary"), (0, 0))[1] > 0, 10)
    finally:
        folder.with_name("gone").rename(folder)


def test_a_catalog_that_is_locked_or_away_stops_no_answer_and_hears_the_counts_afterwards(day: Day) -> None:
    policy = put(day.workspace, 2)
    assert day.follows(2)
    before = len(day.answers.versions)
    with closing(sqlite3.connect(day.catalog, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert {day.ask() for _ in range(10)} == {2}
        other.execute("ROLLBACK")
    away = day.catalog.with_name("away.db")
    day.catalog.rename(away)
    try:
        assert {day.ask() for _ in range(10)} == {2}
        time.sleep(1.2)
        assert {day.ask() for _ in range(10)} == {2}
        assert not day.catalog.exists()
    finally:
        away.rename(day.catalog)
    asked = len(day.answers.versions) - before
    assert asked == 30
    assert until(lambda: day.seen(policy.number).get((2, "live"), (0, 0))[0] >= asked, 10)
    put(day.workspace, 1)
    assert day.follows(1)


def test_a_catalog_of_another_format_stops_no_answer(day: Day) -> None:
    def set_format(number: int) -> int:
        with closing(sqlite3.connect(day.catalog, isolation_level=None)) as other:
            (found,) = other.execute("SELECT format FROM hookline_meta").fetchone()
            other.execute("UPDATE hookline_meta SET format = ?", (number,))
            return int(found)

    found = set_format(99)
    killed, left = day.server.workers()
    killed.kill()
    # Another cannot begin, and the one that is left answers.
    assert until(lambda: len({*day.server.workers()} - {killed, left}) == 1)
    time.sleep(0.3)
    assert {day.ask() for _ in range(6)} == {1}
    set_format(found)
    assert until(lambda: len(list((day.workspace.home / "log").glob("*"))) > 2)
    day.answers.broken = 0


def test_a_worker_that_is_killed_in_the_middle_of_a_switch_loses_nothing(day: Day) -> None:
    put(day.workspace, 2)
    day.server.workers()[0].kill()
    assert day.follows(2)
    day.answers.broken = 0
