"""Workers are reused, watched and replaced; a job that dies is named and takes nobody with it."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from hookline.sweeps.workers.interfaces import Limits, Outcome
from hookline.sweeps.workers.pool import Pool
from hookline.sweeps.workers.worker import work
from kit.workers import JOBS


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "jobs_of_a_test.py").write_text(JOBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "jobs_of_a_test:act"


def run(function: str, payloads: list[object], workers: int = 2, **limits: object) -> list[Outcome]:
    pool = Pool(function, "setup", workers, Limits(**limits))  # type: ignore[arg-type]
    return sorted(pool.run(list(enumerate(payloads))), key=lambda outcome: outcome.job)


def test_workers_are_reused_and_all_jobs_return(function: str) -> None:
    outcomes = run(function, [("echo", i) for i in range(12)])
    assert [outcome.value[1] for outcome in outcomes] == list(range(12))
    assert len({outcome.value[2] for outcome in outcomes}) <= 2
    assert all(outcome.peak_memory > 0 for outcome in outcomes)


def test_fresh_gives_each_job_a_process_of_its_own(function: str) -> None:
    outcomes = run(function, [("echo", i) for i in range(4)], fresh=True)
    assert len({outcome.value[2] for outcome in outcomes}) == 4


@pytest.mark.parametrize(
    ("payload", "status", "told"),
    [
        (("raise", "mine"), "failed", "ValueError: mine"),
        (("exit", 3), "failed", "sys.exit(3)"),
        (("segfault", 0), "crashed", "SIGSEGV"),
        (("kill", 0), "crashed", "SIGKILL"),
    ],
)
def test_a_job_that_dies_is_named_and_the_others_go_on(function: str, payload: object, status: str, told: str) -> None:
    outcomes = run(function, [("echo", 0), payload, ("echo", 2), ("echo", 3)])
    assert [outcome.status for outcome in outcomes] == ["done", status, "done", "done"]
    assert told in (outcomes[1].error or "")


def test_a_job_that_takes_too_long_is_stopped(function: str) -> None:
    outcomes = run(function, [("sleep", 600), ("echo", 1)], timeout=5)
    assert [outcome.status for outcome in outcomes] == ["timed out", "done"]
    assert outcomes[0].seconds < 300


def test_a_job_that_eats_too_much_is_stopped(function: str) -> None:
    outcomes = run(function, [("eat", 400 * 1024**2), ("echo", 1)], memory=200 * 1024**2)
    assert [outcome.status for outcome in outcomes] == ["out of memory", "done"]
    assert "MiB" in (outcomes[0].error or "")


def test_a_dead_worker_is_tried_again_where_asked(function: str, tmp_path: Path) -> None:
    assert run(function, [("once", str(tmp_path / "a"))])[0].status == "crashed"
    again = run(function, [("once", str(tmp_path / "b"))], retries=1)[0]
    assert (again.status, again.value, again.attempts) == ("done", "second", 2)


def test_each_worker_leases_cores_of_its_own(function: str) -> None:
    import os

    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    first, second = (outcome.value for outcome in run(function, [("cores", 0), ("cores", 1)]))
    assert not set(first[0]) & set(second[0])
    assert first[1] == "1"


def test_a_job_asks_the_parent_and_goes_on_with_the_answer(function: str) -> None:
    pool = Pool(function, None, 2, Limits())
    outcomes = pool.run([(4, ("ask", 3)), (5, ("ask", 2))], on_ask=lambda job, question: (job, question))
    answers = {outcome.job: outcome.value for outcome in outcomes}
    assert answers == {4: [(4, 0), (4, 1), (4, 2)], 5: [(5, 0), (5, 1)]}


def test_a_job_that_nobody_answers_is_told_none(function: str) -> None:
    assert run(function, [("ask", 2)], workers=1)[0].value == [None, None]


def test_a_job_that_asks_all_the_time_still_runs_out_of_time(function: str) -> None:
    assert run(function, [("ask", 10**9)], workers=1, timeout=3)[0].status == "timed out"


def test_leaving_early_stops_the_workers(function: str) -> None:
    import psutil

    pool = Pool(function, None, 2, Limits())
    running = pool.run([(0, ("echo", 0)), (1, ("sleep", 60)), (2, ("sleep", 60))])
    next(running)
    workers = [worker.process.pid for worker in pool._held]
    assert all(psutil.pid_exists(pid) for pid in workers)
    running.close()
    assert len(workers) == 2
    assert not any(psutil.pid_exists(pid) for pid in workers)


def test_what_a_worker_imports_is_not_of_its_first_job(function: str, tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(3)\n")
    first, second = run(function, [("import", "slow_to_import"), ("import", "slow_to_import")], workers=1)
    assert first.seconds < 2
    assert second.seconds < 2
    (slow,) = run(function, [("sleep", 1)], workers=1)
    assert 1 <= slow.seconds < 4


def test_a_worker_whose_parent_is_gone_ends_without_a_word(function: str, capfd: pytest.CaptureFixture[str]) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=work, args=(theirs, function, None, (), os.getpid()))
    worker.start()
    theirs.close()
    ours.send(("sleep", 0.2))
    # Its answer finds nobody.
    ours.close()
    worker.join(60)
    assert (worker.exitcode, capfd.readouterr().err) == (0, "")
