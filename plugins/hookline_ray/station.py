"""What stands on a machine of the cluster: a Ray actor with a worker process of hookline's own, watched from beside it."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hookline.errors import HooklineError
from hookline.sweeps.workers.cores import THREADS
from hookline.sweeps.workers.interfaces import Limits, Outcome
from hookline.sweeps.workers.pool import Pool

PREFIX = "HOOKLINE_"


@dataclass(frozen=True)
class Surroundings:
    """What a worker must have as the process has that launched the sweep."""

    folder: str
    """The working directory: the project, and what relative paths start from."""
    path: tuple[str, ...]
    """Where modules are looked for."""
    environ: Mapping[str, str]
    """HOOKLINE_ variables. Not in Ray's runtime environment, which its dashboard shows: one may be a key."""

    @classmethod
    def here(cls) -> Surroundings:
        """Return those of this process."""
        environ = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        return cls(str(Path.cwd()), tuple(sys.path), environ)

    def take_on(self) -> None:
        """Make them those of this process; a folder that is not on this machine is where Ray put us."""
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            del os.environ[name]
        os.environ.update(self.environ)
        sys.path += [entry for entry in self.path if entry not in sys.path]
        with suppress(OSError):
            os.chdir(self.folder)


@dataclass
class Station:
    """One worker's place: runs a job at a time in a process that may die without taking the actor with it."""

    function: str
    setup: Any
    limits: Limits
    around: Surroundings
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.around.take_on()
        for name in THREADS:
            os.environ[name] = str(self.limits.cores)
        # A process that is spawned reads the program of its parent first, which here is Ray's.
        vars(sys.modules["__main__"]).pop("__file__", None)
        # Ray counts cores and pins nobody to them, and it is the sweep that tries again.
        self.pool = Pool(self.function, self.setup, 1, replace(self.limits, cores=0, retries=0), keep=True)

    def check(self, name: str) -> str:
        """Return why jobs cannot run here, by a function named `module:function`; nothing where they can."""
        if name:
            module, _, function = name.partition(":")
            try:
                getattr(importlib.import_module(module), function)(self.setup)
            except HooklineError as error:
                # As text, since not every error survives pickling.
                return f"{platform.node()}: {error}"
        return ""

    def run(self, job: int, payload: Any) -> Outcome:
        """Run one job, and return what became of it."""
        (outcome,) = self.pool.run([(job, payload)])
        return outcome
