"""A watch killed at any moment and begun anew: no window, alarm or message twice, and none lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.watched import answer_hours

# One process that has imported everything, and a fork of it for each watch. It kills itself at its n-th write; polars has
# begun no thread before the fork.
FORKS = """
import json, os, signal, sys, time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from sqlalchemy import Engine, event

import polars, scipy.stats, hookline.live.watching.watching as watching, hookline_polars.monitors.drift
from hookline.registry.registry import load_registry
from kit.watched import RULES

load_registry()

def watch(home, at, seconds):
    written = [0]
    if seconds:
        # Nothing handles it, so it ends the process wherever it is.
        signal.setitimer(signal.ITIMER_REAL, seconds)

    @event.listens_for(Engine, "before_cursor_execute")
    def count(connection, cursor, statement, *_):
        written[0] += statement.startswith(("INSERT", "UPDATE", "DELETE"))
        if written[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "commit")
    def commit(connection):
        written[0] += 1
        if written[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def tell(alert):
        with open(home + "/told", "a") as out:
            out.write(alert.id + "\\n")
        if Path(home, "dies").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    watching.watch("shop", rules=RULES, once=True, channels={"ops": tell}, home=home)
    Path(home, "writes").write_text(str(written[0]))
    Path(home, "modules").write_text(" ".join(sys.modules))

for line in sys.stdin:
    home, at, seconds = json.loads(line)
    begun, child = time.monotonic(), os.fork()
    if not child:
        watch(home, at, seconds)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), time.monotonic() - begun, flush=True)
    if at < 0 and Path(home, "modules").exists():
        # What the first needed, each further one has from the start.
        for name in Path(home, "modules").read_text().split():
            with suppress(Exception):
                import_module(name)
"""


class Forks:
    """The process that forks watches."""

    took = "0"
    """Seconds that the last one lived."""

    def __enter__(self) -> Forks:
        command = [sys.executable, "-W", "ignore", "-c", FORKS]
        paths = {"PYTHONPATH": str(Path(__file__).parents[3])}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths}
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def watch(self, home: Path, at: int = -1, seconds: float = 0.0) -> int:
        """Watch once, killed at the n-th write or after so long; return how it ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(home), at, seconds]) + "\n")
        self._process.stdin.flush()
        ended, self.took = self._process.stdout.readline().split()
        return int(ended)


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


def kept(home: Path) -> dict[str, list[Any]]:
    """Return what a catalog holds of a watch, without its times, and what was told."""
    with sqlite3.connect(home / "catalog.db") as database:
        found = {
            "windows": database.execute("SELECT version, monitor, since, rows FROM hookline_windows ORDER BY since"),
            "alarms": database.execute("SELECT id, subject, status, since, seen FROM hookline_alarms ORDER BY id"),
            "events": database.execute("SELECT alarm, what FROM hookline_alarm_events ORDER BY id"),
            "messages": database.execute("SELECT message, channel, sent IS NULL FROM hookline_outbox ORDER BY id"),
        }
        held = {name: rows.fetchall() for name, rows in found.items()}
    held["told"] = list(dict.fromkeys((home / "told").read_text().split()))
    return held


def test_a_watch_that_is_killed_at_any_write_goes_on_as_if_it_had_not_been(
    shop: Path, tmp_path: Path, forks: Forks, long: bool
) -> None:
    answer_hours(shop, 2.0, 2.0)
    golden = tmp_path / "golden"
    shutil.copytree(shop, golden)
    assert forks.watch(golden) == 0
    writes = int((golden / "writes").read_text())
    expected = kept(golden)
    assert [len(expected[name]) for name in ("windows", "alarms", "messages", "told")] == [2, 1, 1, 1]
    for at in range(1, writes + 1, 1 if long else max(1, writes // 3)):
        home = tmp_path / f"killed-{at}"
        shutil.copytree(shop, home)
        assert forks.watch(home, at) == -9
        assert forks.watch(home) == 0
        assert kept(home) == expected, f"killed at write {at} of {writes}"


def test_a_watch_that_is_killed_again_and_again_at_random_moments_loses_nothing(
    shop: Path, tmp_path: Path, forks: Forks, long: bool
) -> None:
    answer_hours(shop, 0.0, 2.0, 2.0)
    golden, rng = tmp_path / "golden", random.Random(12)
    shutil.copytree(shop, golden)
    assert forks.watch(golden) == 0
    home = tmp_path / "fork"
    shutil.copytree(shop, home)
    assert forks.watch(home) == 0
    whole, expected = float(forks.took), kept(golden)
    for one in range(25 if long else 1):
        home, kills = tmp_path / f"killed-{one}", 0
        shutil.copytree(shop, home)
        for _ in range(10 if long else 3):
            kills += forks.watch(home, seconds=rng.uniform(0.02, whole)) == -signal.SIGALRM
        assert forks.watch(home) == 0
        assert kills
        assert kept(home) == expected
        assert len((home / "told").read_text().split()) <= len(expected["told"]) + kills


def test_a_sender_that_dies_between_a_message_and_its_note_sends_the_same_again(shop: Path, forks: Forks) -> None:
    answer_hours(shop, 2.0, 2.0)
    dies = shop / "dies"
    dies.touch()
    assert forks.watch(shop) == -signal.SIGKILL
    assert kept(shop)["messages"][0][2] == 1
    assert forks.watch(shop) == -signal.SIGKILL
    dies.unlink()
    assert forks.watch(shop) == 0
    assert forks.watch(shop) == 0
    told = (shop / "told").read_text().split()
    assert len(told) == 3
    assert len({*told}) == 1
    assert [sent for _, _, sent in kept(shop)["messages"]] == [0]
