"""Jobs that others have are waited for, and taken over once those are dead or where one is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import event

from hookline.sweeps import execution
from hookline.sweeps.execution import Share, execute
from hookline.sweeps.ledger import Ledger, NewJob, SweepRecord
from hookline.sweeps.progress import Course, Silent
from hookline.sweeps.workers.interfaces import Answer, Outcome
from hookline.workspace.processes import owners
from hookline.workspace.processes.owners import Owner
from hookline.workspace.workspace import open_workspace

SWEEP = SweepRecord("mine", "/sweeps/mine", (), {}, {})
DONE = {"status": "finished", "run_id": "r", "path": "", "metrics": {}}


@dataclass
class Here:
    """Runs jobs one after the other in this process."""

    ran: list[int] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def run(
        self,
        jobs: Sequence[tuple[int, Any]],
        on_start: Callable[[int], bool] | None = None,
        on_ask: Answer | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield outcomes as jobs end."""
        for number, _ in jobs:
            if on_start is None or on_start(number):
                self.meanwhile()
                self.ran.append(number)
                yield Outcome(number, "done", DONE)

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Told(Silent):
    """Keeps what it is told."""

    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A sweep of two jobs, and no patience."""
    monkeypatch.setattr(owners, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(execution, "LOOK_SECONDS", 0.02)
    made = Ledger(open_workspace().catalog)
    made.begin(SWEEP, [NewJob(number, number, (), {}, {}) for number in range(2)])
    return made


def elsewhere() -> Owner:
    return replace(Owner.here(), machine="another boot")


def run(ledger: Ledger, pool: Here, **how: Any) -> list[str]:
    """Run both jobs, and return what was told."""
    told = Told()
    execute(ledger, SWEEP, [0, 1], pool, Course(told), **how)
    return told.lines


def test_what_another_has_is_waited_for_and_not_run_twice(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "LEASE_SECONDS", 30.0)
    other, pool = elsewhere(), Here()
    assert ledger.claim("mine", ledger.job("mine", 0), other)
    ends = threading.Timer(0.2, ledger.finish, ("mine", 0, Outcome(0, "done", DONE), other))
    ends.start()
    told = run(ledger, pool)
    ends.join()
    assert pool.ran == [1]
    assert {job.status for job in ledger.jobs("mine")} == {"finished"}
    assert any(line.startswith("waiting for job 0, at work on ") and "--take-over" in line for line in told)
    assert sum("#0 " in line for line in told) == 1


def test_what_a_silent_owner_has_is_run_once_it_was_watched_for_a_lease(ledger: Ledger) -> None:
    assert ledger.claim("mine", ledger.job("mine", 0), elsewhere())
    pool, began = Here(), time.monotonic()
    run(ledger, pool)
    assert time.monotonic() - began > 0.3
    assert pool.ran == [1, 0]


def test_an_owner_that_is_heard_of_keeps_its_job_beyond_the_lease(ledger: Ledger) -> None:
    other, pool, ended = elsewhere(), Here(), threading.Event()
    assert ledger.claim("mine", ledger.job("mine", 0), other)

    def live() -> None:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            ledger.leases.beat(other)
            ended.wait(0.05)
        ledger.finish("mine", 0, Outcome(0, "done", DONE), other)

    alive = threading.Thread(target=live)
    alive.start()
    run(ledger, pool)
    alive.join()
    assert pool.ran == [1]


def test_what_is_taken_over_is_run_at_once_and_its_first_owner_no_longer_counts(ledger: Ledger) -> None:
    other, pool = elsewhere(), Here()
    assert ledger.claim("mine", ledger.job("mine", 0), other)
    run(ledger, pool, take_over=True)
    assert pool.ran == [0, 1]
    assert not ledger.finish("mine", 0, Outcome(0, "failed", error="too late"), other)
    assert ledger.job("mine", 0).status == "finished"


def test_a_job_that_was_taken_over_meanwhile_is_told_and_left_to_its_owner(ledger: Ledger) -> None:
    other = elsewhere()

    def robbed() -> None:
        here = ledger.held("mine", [0])
        if here and other not in owned:
            owned.append(other)
            assert ledger.claim("mine", ledger.job("mine", 0), other, [(here[0].owner, 0)])
            threading.Timer(0.1, ledger.finish, ("mine", 0, Outcome(0, "done", DONE), other)).start()

    owned: list[Owner] = []
    told = run(ledger, Here(meanwhile=robbed))
    assert "job 0 was taken over meanwhile, and its outcome here does not count" in told
    assert [job.status for job in ledger.jobs("mine")] == ["finished", "finished"]


def test_a_job_that_failed_elsewhere_since_it_was_read_is_not_run_again(ledger: Ledger) -> None:
    before, other = ledger.job("mine", 0), elsewhere()
    assert ledger.claim("mine", before, other)
    assert ledger.finish("mine", 0, Outcome(0, "failed", error="no"), other)
    assert not ledger.claim("mine", before, Owner.here())
    assert ledger.claim("mine", ledger.job("mine", 0), Owner.here())


def test_what_an_owner_takes_after_a_take_over_began_stays_its_own(ledger: Ledger) -> None:
    other, pool = elsewhere(), Here()
    assert ledger.claim("mine", ledger.job("mine", 0), other)

    def goes_on() -> None:
        if not pool.ran:
            assert ledger.claim("mine", ledger.job("mine", 1), other)
            ends.start()

    ends = threading.Timer(0.1, ledger.finish, ("mine", 1, Outcome(1, "done", DONE), other))
    pool.meanwhile = goes_on
    run(ledger, pool, take_over=True)
    ends.join()
    assert pool.ran == [0]
    assert ledger.job("mine", 1).owner == str(other)


def test_of_two_that_run_a_failed_job_again_the_second_leaves_it(ledger: Ledger) -> None:
    before, first, second = elsewhere(), elsewhere(), Owner.here()
    assert ledger.claim("mine", ledger.job("mine", 0), before)
    assert ledger.finish("mine", 0, Outcome(0, "failed", error="no"), before)
    read_by_both = ledger.job("mine", 0)
    assert ledger.claim("mine", read_by_both, first)
    assert ledger.finish("mine", 0, Outcome(0, "failed", error="no again"), first)
    assert not ledger.claim("mine", read_by_both, second)
    assert ledger.claim("mine", ledger.job("mine", 0), second)


def test_who_waits_reads_no_more_of_jobs_than_how_far_they_are(ledger: Ledger) -> None:
    other, read = elsewhere(), list[str]()
    assert ledger.claim("mine", ledger.job("mine", 0), other)
    event.listen(ledger._database._engine, "before_cursor_execute", lambda *given: read.append(given[2]))
    ends = threading.Timer(0.15, ledger.finish, ("mine", 0, Outcome(0, "done", DONE), other))
    ends.start()
    told = Told()
    assert Share(ledger, SWEEP, Owner.here(), Course(told), False, None, set()).wait([0]) == []
    ends.join()
    assert len([text for text in read if text.startswith("SELECT")]) > 6
    assert len([text for text in read if text.startswith("SELECT") and ".config" in text]) == 1
    assert [line[0] for line in told.lines] == ["w", "✓"]
