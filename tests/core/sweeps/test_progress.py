"""A person is told at once what a sweep runs, what its jobs have in common once, and of each job what is its own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hookline.sweeps.hydra.sweeper import HooklineSweeper
from hookline.sweeps.ledger import JobRecord
from hookline.sweeps.progress import Course
from kit.command_line import Told

SAME = ("source=iris", "trainer=decision_tree")


class Listener:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now: tuple[int, int, list[str]] = (0, 0, [])

    def say(self, text: str) -> None:
        self.lines.append(text)

    def at(self, ended: int, count: int, running: Sequence[str]) -> None:
        self.now = ended, count, list(running)

    def close(self) -> None: ...


def job(number: int, *own: str, status: str = "finished", error: str = "") -> JobRecord:
    metrics = {"accuracy": [0.9, True]} if status == "finished" else {}
    return JobRecord(number, number, (*SAME, *own), {}, {}, status, "", "", error, 1.25, 0, metrics)


def test_what_every_job_has_is_said_once_and_each_line_says_what_is_its_own() -> None:
    heard = Listener()
    course = Course(heard, count=2)
    course.add([job(0, "trainer.max_depth=1"), job(1, "trainer.max_depth=12")])
    course.open("20261128-064616-e87231")
    assert heard.lines == ["sweep 20261128-064616-e87231: 2 jobs, each with source=iris trainer=decision_tree"]
    course.start(job(1, "trainer.max_depth=12"))
    assert heard.now == (0, 2, ["#1 trainer.max_depth=12"])
    course.end(job(1, "trainer.max_depth=12"))
    course.end(job(0, "trainer.max_depth=1", status="failed", error="no memory\nat all"))
    assert heard.lines[1:] == [
        "✓   1/2 #1    trainer.max_depth=12    1.2s  accuracy 0.9",
        "✗   2/2 #0    trainer.max_depth=1     1.2s  failed: no memory",
    ]
    assert heard.now == (2, 2, [])


def test_what_is_searched_is_told_though_the_first_jobs_agree_in_it_and_so_is_a_seed_that_a_repeat_gave() -> None:
    heard = Listener()
    course = Course(heard, count=4)
    course.add([job(0, "seed=7", "a=1", "seed=7"), job(1, "seed=7", "a=1", "seed=8")], searched={"a"})
    assert list(course.common) == ["source", "trainer"]
    course.end(job(0))
    assert "a=1" in heard.lines[0]
    assert "seed=7" in heard.lines[0]


def test_what_a_later_job_lacks_is_in_common_no_more() -> None:
    course = Course(Listener())
    course.add([job(0, "trainer.max_depth=3")])
    assert "trainer.max_depth" in course.common
    course.add([job(1, "trainer.max_depth=4")])
    assert list(course.common) == ["source", "trainer"]


def test_a_sweep_says_what_it_runs_before_its_first_job_and_repeats_nothing(hookline: Told) -> None:
    code, _, err = hookline("-m", "source=iris", "trainer=decision_tree", "trainer.max_depth=1,2")
    lines = err.splitlines()
    assert code == 0
    assert lines[0].endswith(": 2 jobs, each with source=iris trainer=decision_tree")
    assert sorted(line.split()[3] for line in lines if line.startswith("✓")) == [
        "trainer.max_depth=1",
        "trainer.max_depth=2",
    ]
    assert sum("source=iris" in line for line in lines) == 1


@pytest.mark.parametrize(("typed", "searched"), [("trainer.max_depth=1,2", {"trainer.max_depth"}), ("seed=1", set())])
def test_a_sweeper_knows_what_it_varies(typed: str, searched: set[str]) -> None:
    from hydra.types import HydraContext

    sweeper = HooklineSweeper()
    sweeper.hydra_context = HydraContext(config_loader=None, callbacks=None)  # type: ignore[arg-type]  # values need neither
    assert sweeper._searched(["source=iris", typed]) == searched
