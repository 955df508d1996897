"""Servers and their workers killed at any moment under load, policies changed at full load, and a long steady day."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import psutil

import hookline as hl
from hookline.live.log.predictions import FOLDER
from hookline.workspace.workspace import Workspace
from kit.serving import Server, serving, train_churn
from kit.versions import MODEL, Answers, load, put, put_in_shadow, registered, until

CLIENTS = 8
WORKERS = 2
ARGUMENTS = ("--workers", str(WORKERS))


@dataclass
class Torture:
    """A server that is killed and begun again, and where it answers at this moment."""

    home: Path
    options: Sequence[str]
    kills: dict[str, int] = field(default_factory=lambda: {"worker": 0, "server": 0})
    url: str | None = None

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """Serve until the block ends."""
        with serving(MODEL, self.home, None, *ARGUMENTS, *self.options) as server:
            self.url = server.url
            try:
                yield server
            finally:
                self.url = None

    def kill(self, count: int, dice: Random, answers: Answers) -> None:
        """Kill so many processes: workers of a server, and now and then the server, after which another begins.

        Each time somebody has been answered since the last one.
        """
        while (left := count - sum(self.kills.values())) > 0:
            with self.serving() as server:
                for _ in range(min(left - 1, dice.randint(1, 9))):
                    self._wait(dice, answers)
                    self._kill_worker(server, dice)
                self._wait(dice, answers)
                workers = server.workers()
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
                self.kills["server"] += 1
                self.url = None
                # They end by themselves, once what is under way is answered.
                assert until(lambda workers=workers: not any(_lives(one) for one in workers)), (
                    "a worker outlived its server"
                )  # type: ignore[misc]
            sys.stderr.write(f"killed {self.kills}\n")

    @staticmethod
    def _wait(dice: Random, answers: Answers) -> None:
        before = len(answers.versions)
        assert until(lambda: len(answers.versions) > before), "nobody is answered any more"
        time.sleep(dice.uniform(0.0, 0.4))

    def _kill_worker(self, server: Server, dice: Random) -> None:
        assert until(lambda: _kills_one(server, dice)), "no worker is there to be killed"
        self.kills["worker"] += 1


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def left(home: Path) -> list[psutil.Process]:
    """Return the processes of servers of a home, such as one that still asks a version in the shadow what it was handed."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_server = "hookline.live.serving.worker" in process.cmdline()
            if is_server and process.environ().get("HOOKLINE_HOME") == str(home):
                found.append(process)
    return found


def killed(home: Path, count: int, seed: int = 0, options: Sequence[str] = ()) -> dict[str, Any]:
    """Kill servers and workers under load, and return what was answered and what is not as promised."""
    torture = Torture(home, options)
    with load(lambda: torture.url, CLIENTS) as answers:
        torture.kill(count, Random(seed), answers)
        with torture.serving():
            answered = len(answers.versions)
            assert until(lambda: len(answers.versions) > answered), "nobody is answered any more"
    faults = [*answers.faults, *answers.missing(home / FOLDER / MODEL), *torn(home / FOLDER / MODEL)]
    return {"killed": torture.kills, "answers": len(answers.versions), "broken": answers.broken, "faults": faults}


def _kills_one(server: Server, dice: Random) -> bool:
    """Kill a worker, unless none is there at this moment, or it has just ended."""
    alive = server.workers()
    with suppress(psutil.NoSuchProcess):
        if alive:
            dice.choice(alive).kill()
            return True
    return False


def torn(log: Path) -> list[str]:
    """Say which lines of a log are cut off, but for the last of a file."""
    found = []
    for path in sorted(log.glob("*.ndjson")):
        *whole, _ = path.read_bytes().split(b"\n")
        for number, line in enumerate(whole, 1):
            try:
                json.loads(line)
            except ValueError:
                found.append(f"{path.name}, line {number} is torn")
    return found


@contextmanager
def served(home: Path) -> Iterator[Server]:
    """Serve the model of a home by workers that have all begun."""
    log = home / FOLDER / MODEL
    before = {*log.glob("*.ndjson")}
    with serving(MODEL, home, None, *ARGUMENTS) as server:
        assert until(lambda: len({*log.glob("*.ndjson")} - before) == WORKERS)
        yield replace(server, log=log)


def switched(server: Server, workspace: Workspace, count: int) -> dict[str, Any]:
    """Change the policy so often at full load, and return how soon each worker followed, and what is not as promised."""
    late: list[float] = []
    log = server.log
    assert log is not None
    with load(lambda: server.url, CLIENTS) as answers:
        for number in range(count):
            version = 2 + number % 2
            put(workspace, version)
            since = time.time()
            followed = until(lambda since=since, version=version: _on(log, since, version))  # type: ignore[misc]
            assert followed, f"policy of version {version} is not followed: {_versions(log, since)}"
            late.append(_last_of_others(log, since, version) - since)
        time.sleep(0.2)
    faults = [*answers.faults, *answers.missing(log), *torn(log), *(["a connection broke"] * answers.broken)]
    ordered = sorted(late)
    return {
        "changes": count,
        "answers": len(answers.versions),
        "seconds": {"median": round(ordered[count // 2], 3), "longest": round(ordered[-1], 3)},
        "slowest answer": round(answers.slowest, 3),
        "faults": faults,
    }


def _records(log: Path, since: float) -> Iterator[tuple[str, float, int]]:
    """Yield writer, time and version of what was answered after a moment, from the end of each file."""
    for path in log.glob("*.ndjson"):
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 1_000_000, 0))
            lines = file.read().split(b"\n")[1:-1]
        for line in lines:
            record = json.loads(line)
            at = datetime.fromisoformat(record["time"]).timestamp()
            if at >= since:
                yield path.name, at, record["version"]


def _versions(log: Path, since: float) -> dict[str, int]:
    """Return which version each writer's newest answer is of."""
    newest: dict[str, tuple[float, int]] = {}
    for writer, at, version in _records(log, since):
        newest[writer] = max(newest.get(writer, (0.0, 0)), (at, version))
    return {writer: version for writer, (_, version) in newest.items()}


def _on(log: Path, since: float, version: int) -> bool:
    """Tell whether each worker answers by a version since a moment."""
    found = _versions(log, since)
    return len(found) == WORKERS and set(found.values()) == {version}


def _last_of_others(log: Path, since: float, version: int) -> float:
    """Return when another version answered last."""
    return max([at for _, at, other in _records(log, since) if other != version], default=since)


def soaked(server: Server, workspace: Workspace, seconds: float, every: float = 3.0) -> dict[str, Any]:
    """Serve under a steady load while policies change and labels come in, and return what each process held over time."""
    log, held = server.log, list[dict[int, float]]()
    assert log is not None
    processes = [psutil.Process(server.process.pid), *server.workers()]
    with load(lambda: server.url, CLIENTS, pause=0.02) as answers:
        ends, number, labeled = time.monotonic() + seconds, 0, 0
        while time.monotonic() < ends:
            put(workspace, 1 + number % 2, beside=3 if number % 3 else None, weight=0.2)
            number += 1
            time.sleep(every)
            labeled += _label(answers, workspace.home)
            held.append({one.pid: one.memory_info().rss / 2**20 for one in processes})
    faults = [*answers.faults, *answers.missing(log), *torn(log), *(["a connection broke"] * answers.broken)]
    return {
        "seconds": seconds,
        "answers": len(answers.versions),
        "policies": number,
        "labels": labeled,
        "memory": {pid: [round(one[pid], 1) for one in held] for pid in held[0]},
        "grown": {pid: round(_growth([one[pid] for one in held]), 3) for pid in held[0]},
        "faults": faults,
    }


def _label(answers: Answers, home: Path) -> int:
    """Tell the truth of some answers, as somebody does later."""
    ids = [*answers.versions][-20:]
    hl.label(MODEL, pl.DataFrame({"id": ids, "label": ["yes"] * len(ids)}), home=home)
    return len(ids)


def _growth(held: Sequence[float]) -> float:
    """Return by which share the last third lies above the middle one; what is loaded at first comes before both."""
    third = max(len(held) // 3, 1)
    middle, last = held[third : 2 * third] or held, held[2 * third :] or held
    return sum(last) / len(last) / (sum(middle) / len(middle)) - 1


def prepared(home: Path) -> Workspace:
    """Make a home with three versions of a small model."""
    os.environ["HOOKLINE_HOME"] = str(home)
    return registered(train_churn(), home)


def table(found: dict[str, Any]) -> str:
    """Return what was found of a long day as a table."""
    rows = [f"{name:<10}{value:>12,}" for name, value in found.items() if isinstance(value, (int, float))]
    rows.append(f"{'process':<10}{'first MB':>12}{'middle MB':>12}{'last MB':>12}{'grown':>9}")
    for pid, held in found["memory"].items():
        rows.append(
            f"{pid:<10}{held[0]:>12.1f}{held[len(held) // 2]:>12.1f}{held[-1]:>12.1f}{found['grown'][pid]:>9.1%}"
        )
    return "\n".join([*rows, f"faults: {found['faults'] or 'none'}"])


def main() -> int:
    """Torture or soak a new home, print the figures, and return 1 where a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=0)
    options.add_argument("--changes", type=int, default=0)
    options.add_argument("--soak", type=float, default=0.0, help="seconds")
    options.add_argument("--strict", action="store_true", help="have each record synced before its answer is given")
    options.add_argument("--shadow", action="store_true", help="kill them while a version is asked in the shadow")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookline-serving-") as folder:
        home = Path(folder) / "home"
        workspace = prepared(home)
        if given.strict:
            (home / FOLDER / MODEL).mkdir(parents=True)
            (home / FOLDER / MODEL / "log.yaml").write_text("durability: strict\n")
        found: list[dict[str, Any]] = []
        if given.kills:
            if given.shadow:
                put_in_shadow(workspace, 1, 2)
            found.append(killed(home, given.kills, given.seed))
            assert until(lambda: not left(home)), "a process outlived its server"
            put(workspace, 1)
        if given.changes:
            with served(home) as server:
                found.append(switched(server, workspace, given.changes))
        if given.soak:
            with served(home) as server:
                found.append(soaked(server, workspace, given.soak))
        for one in found:
            sys.stdout.write((table(one) if "memory" in one else json.dumps(one, indent=1)) + "\n")
    return 1 if any(one["faults"] for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
