"""The process beside a run, as the run has it: started early, told the plan, asked, and ended with the run's stages."""

from __future__ import annotations

import json
import os
import pickle
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.given.switches import chosen

from .frames import receive, send

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution

SWITCH = "HOOKLINE_BESIDE"
MOST_ROWS = 200_000
"""Rows of a table above which what is gained is little beside the work, and a second process holds memory in vain."""
LOOKS = 5
"""How often it is looked whether a core is free."""
LOOK_SECONDS = 0.1
"""How long a signal may go unnoticed."""
ASLEEP = {"OPENBLAS_THREAD_TIMEOUT": "4"}
"""Has threads of linear algebra sleep when they have nothing to do; else each spins for a while, on the core of the run."""
Task = tuple[str, str]
"""What is to be done, and the key of the stage: `fit`, `answer`, `package` or `served`."""


class Second:
    """A process that does some of a run's work beside it; whatever it cannot do, or not without a word, the run does itself."""

    def __init__(self, process: subprocess.Popen[bytes], words: Sequence[str]) -> None:
        self._process: subprocess.Popen[bytes] | None = process
        self._expected: set[Task] = set()
        self._answers: dict[Task, Any] = {}
        self._begun = False
        self._decided: Mapping[str, str] = {}
        self._send(json.dumps({"path": sys.path, "words": list(words)}).encode())

    def hand_over(self, run: Execution, decided: Mapping[str, str]) -> None:
        """Tell the plan, so that what it needs is imported; ends the process where there is nothing for it to do."""
        from .handing import handed

        self._decided = decided
        message = handed(run) if tasks_of(run, decided) else None
        if message is None:
            self.close()
        else:
            self._send(message)

    def after(self, run: Execution, stage: Stage) -> None:
        """See how far the run is."""
        if stage.kind == "split" and _rows(run) > MOST_ROWS:
            self.close()
        elif stage.kind == "features" and run.plan.config.options.audit != "fail":
            # An audit that may say no to it is waited for.
            self._begin(run, tasks_of(run, self._decided))
        elif stage.kind == "trainer":
            self._begin(run, [task for task in tasks_of(run, self._decided) if task[0] != "fit"])

    def fit(self, run: Execution, stage: Stage) -> bool:
        """Have a trainer's model made and kept in the store, and held-out rows answered by it; False: to be made here."""
        if stage.kind != "trainer" or ("fit", stage.key) not in (tasks := tasks_of(run, self._decided)):
            return False
        self._begin(run, tasks)
        return self.take("fit", stage.key) is not None

    def take(self, what: str, key: str) -> Any:
        """Return what came of a task, once it is done; None where it is to be done here."""
        task = (what, key)
        while task in self._expected and task not in self._answers and self._process is not None:
            self._receive(self._process)
        return self._answers.pop(task, None)

    def package(self, stage: Stage, folder: Path) -> dict[str, Any] | None:
        """Put what was written and certified beside the run into a folder, and return what its manifest is to say of it."""
        found: tuple[Path, dict[str, Any]] | None = self.take("package", stage.key)
        if found is None:
            return None
        made, said = found
        shutil.copytree(made, folder, dirs_exist_ok=True)
        return said

    def close(self) -> None:
        """End the process, whatever it is doing, and forget what it answered: it is for one run."""
        self._let_go()
        self._answers.clear()

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(OSError):
            process.communicate()

    def _begin(self, run: Execution, tasks: Sequence[Task]) -> None:
        if not self._begun:
            self._begun = True
            self._expected = set(tasks)
            self._send(json.dumps(tasks).encode())

    def _send(self, message: bytes) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, message)
        except OSError:
            self._let_go()

    def _receive(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        watch = select.poll()
        watch.register(process.stdout, select.POLLIN)
        # A signal interrupts a wait for ever only where the main thread happens to be the one that hears it.
        while not watch.poll(LOOK_SECONDS * 1000):
            pass
        message = receive(process.stdout)
        if message is None:
            self._let_go()
            return
        # Of a process of our own.
        task, answer = pickle.loads(message)
        self._answers[task] = answer


def start(words: Sequence[str]) -> Second | None:
    """Start a process beside a run that begins, where a core is free for it.

    words: the overrides of the run, by which the process guesses what to import until it is told the plan
    """
    if chosen(SWITCH) == "off" or (chosen(SWITCH) == "auto" and not _has_free_core()):
        return None
    # Neither a fork, of a process that may have threads, nor its main module once more; and no signal of a terminal.
    command = [sys.executable, "-P", *(f"-W{option}" for option in sys.warnoptions), "-m", f"{__package__}.process"]
    try:
        process = subprocess.Popen(  # noqa: S603  our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env={**ASLEEP, **os.environ},
        )
    except OSError:
        return None
    return Second(process, words)


def tasks_of(run: Execution, decided: Mapping[str, str]) -> list[Task]:
    """Return what of a run can be done beside it, in order; decided: key of a stage -> whether it must run."""
    from hookline.kinds.capabilities import WorksBeside
    from hookline.kinds.serving.fleet import AnswersAsServed

    able = [stage for stage in run.plan.stages if isinstance(stage.acts, WorksBeside)]
    due = [stage for stage in able if decided.get(stage.key) == "run"]
    tasks: list[Task] = []
    for stage in due:
        if stage.kind == "trainer":
            tasks += [("fit", stage.key), ("answer", stage.key)]
        elif stage.kind == "packager":
            tasks.append(("package", stage.key))
        elif stage.kind == "deployer" and isinstance(stage.acts, AnswersAsServed):
            tasks += [("served", stage.key)] if ("package", stage.inputs[0]) in tasks else []
    return tasks


def _rows(run: Execution) -> int:
    from ..stages.split import facts_of

    return sum(facts_of(run).rows.values())


def _has_free_core() -> bool:
    """Tell whether this process may use a core that nothing runs on at this moment."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # The least of some looks, since much of what runs does so for a moment.
    return cores > 1 and min(_running() for _ in range(LOOKS)) < cores


def _running() -> int:
    """Return how many threads of this machine run, or wait for a core, at this moment; this one counts."""
    try:
        return int(Path("/proc/loadavg").read_text("ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return 1
