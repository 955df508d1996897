"""Who is alive is judged by what no clock and no number that is used again can blur."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from hookline.workspace.processes import owners
from hookline.workspace.processes.owners import FORGOTTEN_SECONDS, LEASE_SECONDS, Beat, Owner, Watch


def beat(owner: Owner, *, count: float | None = None, age: float = 0.0, is_measured: bool = False) -> Beat:
    return Beat(owner, owner.clock() if count is None else count, age, is_measured)


def test_an_owner_is_read_back_from_its_text_and_no_other_has_it() -> None:
    one, other = Owner.here(), Owner.here()
    assert Owner.read(str(one)) == one
    assert one != other
    assert len(str(one)) <= 255


@pytest.mark.parametrize("text", ["", "12", "a/b/c", "machine/space/x/1/2"])
def test_what_is_no_owner_is_dead_once_it_is_silent_for_long(text: str) -> None:
    assert beat(Owner.read(text), count=0.0, age=float("inf")).standing() == "dead"


def test_this_process_is_alive_however_long_it_was_not_heard_of() -> None:
    assert beat(Owner.here(), count=-1e6, age=1e6).standing() == "alive"


def test_a_number_that_is_used_again_is_another_process() -> None:
    assert beat(replace(Owner.here(), born="1")).standing() == "dead"
    assert beat(replace(Owner.here(), pid=2**22 + 1)).standing() == "dead"


def test_a_process_that_ended_and_that_nobody_buried_is_dead() -> None:
    child = subprocess.Popen(["sleep", "60"])
    born = owners._born(child.pid)
    assert born
    buried = beat(replace(Owner.here(), pid=child.pid, born=born))
    assert buried.standing() == "alive"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert buried.standing() == "dead"
    child.wait()


def test_another_container_of_this_machine_is_judged_by_the_clock_that_nobody_sets() -> None:
    other = replace(Owner.here(), space="pid:[1]", pid=1)
    assert beat(other, age=FORGOTTEN_SECONDS * 2).standing() == "alive"
    assert beat(other, count=other.clock() - LEASE_SECONDS - 1, age=-3600).standing() == "dead"


def test_another_machine_is_judged_by_the_databases_clock_and_else_is_only_silent() -> None:
    other = replace(Owner.here(), machine="another boot")
    old = LEASE_SECONDS + 1
    assert beat(other, count=0.0, age=old, is_measured=True).standing() == "dead"
    assert beat(other, count=0.0, age=old).standing() == "silent"
    assert beat(other, count=0.0, age=-86_400).standing() == "alive"
    assert beat(other, count=0.0, age=FORGOTTEN_SECONDS + 1).standing() == "dead"


def test_who_watches_finds_an_owner_dead_whose_beat_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "LEASE_SECONDS", 0.0)
    watch, other = Watch(), replace(Owner.here(), machine="another boot")
    assert not watch.has_ended(beat(other, count=1.0, age=-3600))
    assert not watch.has_ended(beat(other, count=2.0, age=-3600))
    assert watch.has_ended(beat(other, count=2.0, age=-3600))


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="no namespaces without root")
def test_the_first_process_of_one_container_is_not_that_of_another() -> None:
    code = "from hookline.workspace.processes.owners import Owner; print(Owner.here())"
    alone = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    blind = ["unshare", "--pid", "--fork", sys.executable, "-c", code]
    first, second = (Owner.read(subprocess.check_output(alone, text=True).strip()) for _ in range(2))
    assert first.pid == second.pid == 1
    assert first != second
    assert beat(first).owner.is_running() is None
    # Without a /proc of its own a container sees the numbers of others, and trusts none of them.
    assert Owner.read(subprocess.check_output(blind, text=True).strip()).space == ""
