"""Who is at work: a name that no other process ever bears, and whether its bearer is still alive."""

from __future__ import annotations

import getpass
import os
import platform
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

LEASE_SECONDS = 30.0
"""An owner that cannot be seen from here, and was not heard of for so long, is dead."""
BEAT_SECONDS = 5.0
"""How often an owner says that it is alive."""
FORGOTTEN_SECONDS = 86_400.0
"""No two clocks differ by so much: an owner that was last heard of so long ago is dead by any."""

Standing = Literal["alive", "silent", "dead"]
"""What is known of an owner: silent is one whose clock is not ours, and which may be dead."""
GONE = frozenset("ZX")
"""States of a process that has ended, and that nobody has buried."""


@dataclass(frozen=True)
class Owner:
    """Who holds a run or jobs: one piece of work of one process of one boot of one machine."""

    machine: str
    """The boot of a system; its processes share a monotonic clock."""
    space: str
    """The processes that see each other by their numbers: those of one container."""
    pid: int
    born: str
    """When the process began, as its system counts: a number that is used again has another."""
    nonce: str

    @classmethod
    def here(cls) -> Owner:
        """Return a new owner of this process."""
        machine, space = _place()
        return cls(machine, space, os.getpid(), (_born(os.getpid()) or "") if space else "", secrets.token_hex(6))

    @classmethod
    def read(cls, text: str) -> Owner:
        """Return the owner that a text stands for; what is no owner is one that nobody sees."""
        machine, space, pid, born, nonce = text.split("/") if text.count("/") == 4 else ("", "", "", "", "")
        return cls(machine, space, int(pid) if pid.isdecimal() else 0, born, nonce)

    def __str__(self) -> str:
        return f"{self.machine}/{self.space}/{self.pid}/{self.born}/{self.nonce}"

    @staticmethod
    def clock() -> float:
        """Return the seconds that every process of its machine counts alike, and that nobody sets."""
        return time.monotonic()

    def is_running(self) -> bool | None:
        """Tell whether its process runs; None where that cannot be seen from here."""
        if not self.space or (self.machine, self.space) != _place():
            return None
        born = _born(self.pid)
        return None if born is None else born == self.born


@dataclass(frozen=True)
class Beat:
    """The last that was heard of an owner."""

    owner: Owner
    count: float
    """Its own clock, which counts seconds since its system was started; no clock that anybody sets."""
    age: float
    """Seconds since then, by the database's clock where it has one, else by the clocks that people set."""
    is_measured: bool
    """Whether the database's clock says so."""

    def standing(self) -> Standing:
        """Tell what is known of the owner, at this moment and without waiting."""
        running = self.owner.is_running()
        if running is not None:
            return "alive" if running else "dead"
        if self.owner.machine and self.owner.machine == _place()[0]:
            return "dead" if time.monotonic() - self.count > LEASE_SECONDS else "alive"
        if self.is_measured or self.age > FORGOTTEN_SECONDS:
            return "dead" if self.age > LEASE_SECONDS else "alive"
        return "silent" if self.age > LEASE_SECONDS else "alive"


@dataclass
class Watch:
    """Looks at owners again and again: one whose beat stays the same for a lease is dead, whatever any clock says."""

    _seen: dict[Owner, tuple[float, float]] = field(default_factory=dict)

    def has_ended(self, beat: Beat) -> bool:
        """Look once more, and tell whether the owner is dead."""
        now = time.monotonic()
        if self._seen.get(beat.owner, (None, now))[0] != beat.count:
            self._seen[beat.owner] = beat.count, now
        return beat.standing() == "dead" or now - self._seen[beat.owner][1] > LEASE_SECONDS


def host() -> str:
    """Return what people call this machine; nothing is decided by it."""
    return platform.node()


def person() -> str:
    """Return who works here, as people call them: `ada@machine`; nothing is decided by it."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        # A container's user may have a number alone.
        name = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{name}@{host()}"


def _place() -> tuple[str, str]:
    """Return this boot of this system, and the processes that this one sees; the second is empty where it sees none."""
    with suppress(OSError, ValueError):
        # Where /proc is that of another container, its numbers are not ours.
        if int(Path("/proc/self/stat").read_text("ascii", "replace").split()[0]) == os.getpid():
            return _boot(), str(Path("/proc/self/ns/pid").readlink())
        return _boot(), ""
    return _elsewhere()


@cache
def _boot() -> str:
    clocks = ""
    with suppress(OSError):
        clocks = str(Path("/proc/self/ns/time").readlink())
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip() + clocks


@cache
def _elsewhere() -> tuple[str, str]:
    """Return the same where the system has no /proc (macOS)."""
    import psutil

    machine = f"{host()}-{psutil.boot_time():.0f}"
    return machine, "all"


def _born(pid: int) -> str | None:
    """Return when a process began; empty where there is none that runs, None where that cannot be seen."""
    if not Path("/proc/self/stat").exists():
        return _born_elsewhere(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None if _is_hidden(pid) else ""
    # The name before it may hold spaces and parentheses.
    state, *facts = text.rpartition(")")[2].split()
    return "" if state in GONE else facts[18]


def _born_elsewhere(pid: int) -> str:
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return ""


def _is_hidden(pid: int) -> bool:
    """Tell whether there is a process of this number, though nothing of it is shown."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
