"""A version in the shadow is asked by a process of its own: on record beside the answer, and never waited for."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

import hookline as hl
from hookline.kinds.deployments import Beside, Deployment, Route
from hookline.live.routing import Router
from hookline.live.seen import AnswerCounts, ArmCounts
from hookline_serving.http.answers import Answerer
from hookline_serving.http.arms import shadow
from hookline_serving.http.arms.shadow import Failed, Shadow
from hookline_serving.http.exchange import Question
from kit.serving import ROW, Server, serving
from kit.versions import MODEL, put_in_shadow, registered, until

ARM = Route(2, 1.0, shadow=True, arm="shadow")
SECONDS = 120
"""So long a process at the lowest priority may take on a machine that others use as well."""


@dataclass
class Shadowed:
    """A server of one version, with another in its shadow for a quarter of the customers."""

    server: Server
    home: Path
    policy: Deployment

    def process(self) -> psutil.Process:
        """Return the process that asks the version in the shadow."""
        assert until(lambda: len(self.server.workers()) == 1, SECONDS)
        return self.server.workers()[0]

    def records(self) -> list[dict[str, Any]]:
        """Return what it said, as the log has it."""
        return [record for record in self.server.records() if record["arm"] == "shadow"]

    def counted(self, name: str) -> float:
        """Return what `/metrics` says of it."""
        told = httpx.get(f"{self.server.url}/metrics").text
        return sum(
            sample.value
            for family in text_string_to_metric_families(told)
            for sample in family.samples
            if sample.name == name and sample.labels.get("arm") == "shadow"
        )


@pytest.fixture(scope="module")
def shadowed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shadowed]:
    home = tmp_path_factory.mktemp("home")
    made = put_in_shadow(registered(package, home), 1, 2, 0.25, "customer")
    with serving(MODEL, home, home / "log") as server:
        yield Shadowed(server, home, made)


def test_what_it_answers_is_on_record_beside_the_answer_that_was_given_by_the_keys_that_are_due(
    shadowed: Shadowed,
) -> None:
    rows = [ROW | {"customer": f"c{number}"} for number in range(400)]
    router = Router.of(shadowed.policy)
    due = {row["customer"] for row in rows if router.beside(router.place(row["customer"]))}
    assert 0 < len(due) < 400
    given = {
        item["id"]: row["customer"]
        for some in (*([row] for row in rows[:40]), rows[40:80], rows)
        for item, row in zip(shadowed.server.predict(*some), some, strict=True)
    }
    wanted = {one for one, customer in given.items() if customer in due}
    assert until(lambda: len(shadowed.records()) >= len(wanted), SECONDS)
    records = shadowed.records()
    assert sorted(record["of"] for record in records) == sorted(wanted)
    for record in records:
        assert (record["version"], record["key"]) == (2, record["row"]["customer"])
        assert given[record["of"]] == record["key"]
        assert record["prediction"] in {"yes", "no"}
    assert until(lambda: shadowed.counted("hookline_requests_waiting") == 0, SECONDS)
    # Requests of many rows are handed over piece by piece.
    assert shadowed.counted("hookline_requests_total") >= len(due & {row["customer"] for row in rows[:40]}) + 2
    assert shadowed.counted("hookline_errors_total") == shadowed.counted("hookline_dropped_total") == 0


def test_it_gets_only_what_nobody_else_wants(shadowed: Shadowed) -> None:
    assert until(lambda: shadowed.process().nice() == 19, SECONDS)
    if sys.platform == "linux":
        assert until(lambda: os.sched_getscheduler(shadowed.process().pid) == os.SCHED_IDLE, SECONDS)
        # Linux gives each session its share first, whatever the priority of the processes within.
        server, beside = shadowed.server.process.pid, shadowed.process().pid
        assert os.getsid(beside) == os.getsid(server)
        assert os.getpgid(beside) != os.getpgid(server)


def test_another_process_takes_the_place_of_one_that_is_killed_and_none_outlives_the_server(
    shadowed: Shadowed,
) -> None:
    first = shadowed.process()
    before = len(shadowed.records()), shadowed.counted("hookline_errors_total")
    first.kill()
    assert until(lambda: shadowed.server.workers() not in ([], [first]), SECONDS)
    second = shadowed.process()
    assert until(lambda: len(shadowed.records()) > before[0] or not shadowed.server.predict(*_many()), SECONDS)
    assert shadowed.counted("hookline_errors_total") == before[1] + 1
    shadowed.server.process.kill()
    assert until(lambda: not _lives(second), SECONDS)


def _many() -> list[dict[str, Any]]:
    return [ROW | {"customer": f"c{number}"} for number in range(20)]


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@dataclass
class Fleet:
    """A fleet whose processes run some code, and that keeps them."""

    code: str
    begun: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self, beside: Beside) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-c", self.code]
        descriptors = (beside.asked_on, beside.told_on)
        self.begun.append(subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=descriptors))
        return self.begun[-1]


@pytest.fixture(scope="module")
def question(package: Path) -> Question:
    return Answerer(hl.load(package).predictor, None).reader.read([ROW])


@pytest.fixture
def counts(package: Path) -> ArmCounts:
    return ArmCounts(AnswerCounts.of(hl.load(package).target, None))


def test_what_a_process_that_hangs_does_not_take_is_dropped_and_counted_and_nobody_waits_for_it(
    question: Question, counts: ArmCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "END_SECONDS", 0.1)
    fleet: Any = Fleet("import time; time.sleep(600)")
    hung = Shadow(fleet, ARM, counts)
    hung.start()
    assert until(lambda: len(fleet.begun) == 1)
    slowest = 0.0
    for _ in range(20_000):
        since = time.thread_time()
        hung.ask(question, ["an id"])
        slowest = max(slowest, time.thread_time() - since)
    assert hung.waiting > 100
    assert hung.dropped > 100
    assert hung.waiting + hung.dropped == 20_000
    assert slowest < 0.1
    hung.close()
    hung.join(30)
    assert fleet.begun[0].poll() is not None
    # What it took with it was not asked, either.
    assert (hung.waiting, hung.dropped) == (0, 20_000)


def test_what_a_loop_answers_is_handed_over_in_a_moment_or_once_there_is_much_and_none_is_lost_at_the_end(
    question: Question, counts: ArmCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "END_SECONDS", 0.1)
    fleet: Any = Fleet("import time; time.sleep(600)")
    hung = Shadow(fleet, ARM, counts)
    hung.start()
    assert until(lambda: len(fleet.begun) == 1)
    handed = []

    def ask(times: int) -> None:
        for _ in range(times):
            hung.ask_soon(question, ["an id"])
        handed.append(hung.waiting + hung.dropped)

    async def answer() -> None:
        ask(shadow.MOST_GATHERED + 10)
        while hung.waiting + hung.dropped < shadow.MOST_GATHERED + 10:
            await asyncio.sleep(shadow.TURN_SECONDS)
        ask(5)
        hung.close()
        handed.append(hung.waiting + hung.dropped)

    asyncio.run(answer())
    assert handed == [shadow.MOST_GATHERED, shadow.MOST_GATHERED + 10, shadow.MOST_GATHERED + 15]
    hung.join(30)
    assert (hung.waiting, hung.dropped) == (0, shadow.MOST_GATHERED + 15)


def test_one_whose_processes_end_again_and_again_is_asked_no_more_and_that_is_told(
    question: Question, counts: ArmCounts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shadow, "PAUSE_SECONDS", 0.01)
    fleet: Any = Fleet("raise SystemExit(3)")
    dying = Shadow(fleet, ARM, counts)
    dying.start()
    dying.join(60)
    assert len(fleet.begun) == shadow.MOST_STARTS
    with pytest.raises(Failed, match="the last one ended with 3"):
        dying.ask(question, ["an id"])
    assert (counts.requests, counts.errors) == (shadow.MOST_STARTS, shadow.MOST_STARTS)
    assert caplog.text.count("another takes its place") == shadow.MOST_STARTS - 1
    assert caplog.text.count("it is asked no more under this policy") == 1
    dying.close()
