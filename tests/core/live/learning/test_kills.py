"""A retraining killed at any moment and begun anew: no version, policy, message or retraining twice, and none lost."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.drifting import labeled
from kit.webhook import Webhook

pytest.importorskip("apprise")

RULES = {"then": "local", "when": {"labels": 300}, "batch": 50, "checkpoint": 2}
# One process that has imported everything, and a fork of it for each look. It kills itself at its n-th write to the catalog;
# polars has begun no thread before the fork.
FORKS = """
import json, os, signal, sys, time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from sqlalchemy import Engine, event

import apprise, polars, sklearn.linear_model
from hookline.live.learning import acting
from hookline.registry.registry import load_registry

load_registry()

def look(home, rules, at, seconds):
    written = [0]
    if seconds:
        # Nothing handles it, so it ends the process wherever it is.
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def count():
        written[0] += 1
        if written[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "before_cursor_execute")
    def before(connection, cursor, statement, *_):
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            count()

    @event.listens_for(Engine, "commit")
    def commit(connection):
        count()

    acting.look("shop", rules=rules, home=home)
    Path(home, "writes").write_text(str(written[0]))
    Path(home, "modules").write_text(" ".join(sys.modules))

for line in sys.stdin:
    home, rules, at, seconds = json.loads(line)
    begun, child = time.monotonic(), os.fork()
    if not child:
        look(home, rules, at, seconds)
        os._exit(0)
    code, took = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), time.monotonic() - begun
    if Path(home).name == "golden":
        # What the first needed, each further one has from the start.
        for name in Path(home, "modules").read_text().split():
            with suppress(Exception):
                import_module(name)
    print(code, took, flush=True)
"""


class Forks:
    """The process that forks looks."""

    took = "0"
    """Seconds that the last one lived."""

    def __enter__(self) -> Forks:
        command = [sys.executable, "-W", "ignore", "-c", FORKS]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()

    def look(self, home: Path, rules: dict[str, Any], at: int = -1, seconds: float = 0.0) -> int:
        """Look once, killed at the n-th write or after so long; return how it ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(home), rules, at, seconds]) + "\n")
        self._process.stdin.flush()
        ended, self.took = self._process.stdout.readline().split()
        return int(ended)


def kept(home: Path) -> dict[str, list[Any]]:
    """Return what a catalog holds of retrainings and what they came to, without their times and the names of runs."""
    queries = {
        "retrainings": "SELECT id, status, champion, version, opened, lesson, seen, figures FROM hookline_retrainings",
        "versions": "SELECT version, fingerprint FROM hookline_models ORDER BY version",
        "policies": "SELECT deployer, policy FROM hookline_deployments ORDER BY id",
        "aliases": "SELECT alias, version FROM hookline_aliases ORDER BY alias",
        "messages": "SELECT channel, title FROM hookline_outbox ORDER BY id",
    }
    with sqlite3.connect(home / "catalog.db") as database:
        return {name: database.execute(query).fetchall() for name, query in queries.items()}


def chosen(writes: int, long: bool, few: int) -> list[int]:
    """Return the writes at which a look is killed: all, or a few that lie evenly apart, the last among them."""
    every = range(1, writes + 1)
    return list(every) if long else [round(1 + place * (writes - 1) / (few - 1)) for place in range(few)]


@pytest.mark.parametrize("policy", ["incremental", pytest.param("online", marks=pytest.mark.long)])
def test_a_retraining_that_is_killed_at_any_write_goes_on_as_if_it_had_not_been(
    drifted: Path, tmp_path: Path, long: bool, policy: str
) -> None:
    rules = RULES | {"policy": policy}
    with Forks() as forks, Webhook() as hook:
        tells(drifted, hook)
        made = check(forks, drifted, tmp_path / "making", rules, 3, long=long)
        assert [row[1] for row in made["retrainings"]] == ["trial"]
        golden = tmp_path / "making" / "golden"
        labeled(golden, 200, 2, tilt=-1.0)
        released = check(forks, golden, tmp_path / "trial", rules, 3, long=long)
        assert [row[1] for row in released["retrainings"]] == ["promoted"]
        assert [len(released[name]) for name in ("versions", "policies", "messages")] == [2, 2, 2]


@pytest.mark.long
def test_a_retraining_that_is_killed_again_and_again_at_random_moments_loses_nothing(
    drifted: Path, tmp_path: Path
) -> None:
    rules, rng = RULES | {"policy": "online"}, random.Random(12)
    with Forks() as forks, Webhook() as hook:
        tells(drifted, hook)
        golden = tmp_path / "golden"
        shutil.copytree(drifted, golden)
        assert forks.look(golden, rules) == 0
        labeled(golden, 200, 2, tilt=-1.0)
        before = tmp_path / "before"
        shutil.copytree(golden, before)
        assert forks.look(golden, rules) == 0
        for start, what, one in ((drifted, "trial", 15), (before, "promoted", 15)):
            copy = tmp_path / "whole"
            shutil.copytree(start, copy)
            assert forks.look(copy, rules) == 0
            expected, whole = kept(copy), float(forks.took)
            assert [row[1] for row in expected["retrainings"]] == [what]
            shutil.rmtree(copy)
            for place in range(one):
                copy = tmp_path / f"{what}-{place}"
                shutil.copytree(start, copy)
                hook.bodies.clear()
                kills = sum(forks.look(copy, rules, seconds=rng.uniform(0.02, whole)) != 0 for _ in range(6))
                assert forks.look(copy, rules) == 0
                assert kept(copy) == expected, place
                # Killed between the sending and its note, a message is sent once more.
                told = [body["title"] for body in hook.bodies]
                assert len({*told}) == 1 <= len(told) <= 1 + kills
                shutil.rmtree(copy)


def tells(home: Path, hook: Webhook) -> None:
    """Have a home tell a webhook."""
    (home / "settings.yaml").write_text(f'alerts: {{urls: {{hook: "{hook.url}"}}}}', "utf-8")


def check(
    forks: Forks, home: Path, folder: Path, rules: dict[str, Any], few: int, *, long: bool
) -> dict[str, list[Any]]:
    """Look once, killed at one write after the other, and begin anew each time; return what all of them came to."""
    golden = folder / "golden"
    shutil.copytree(home, golden)
    assert forks.look(golden, rules) == 0
    writes, expected, ended = int((golden / "writes").read_text()), kept(golden), list[int]()
    for at in chosen(writes, long, few):
        copy = folder / f"at-{at}"
        shutil.copytree(home, copy)
        ended.append(forks.look(copy, rules, at))
        assert forks.look(copy, rules) == 0, at
        assert kept(copy) == expected, at
        shutil.rmtree(copy)
    # On a busy machine a sign of life is a write too, in one look and not in another, so the last may not be reached.
    assert {*ended} <= {-9, 0}
    assert ended.count(-9) >= len(ended) - 2
    return expected
