"""Hosts on one machine that share a home: each a UTS and a pid namespace of its own (Linux, root).

So they have other names, and process numbers that mean nothing elsewhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.processes import HOOKLINE

CTRL_C = 5
"""How often Ctrl-C is pressed."""
LONGEST = 120.0
"""Seconds that a command may take which nobody ends."""


def can_torture() -> bool:
    """Tell whether hosts can be made here."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare") is not None


@dataclass(frozen=True)
class Host:
    """Namespaces that last as long as a process which waits in them."""

    name: str
    holder: subprocess.Popen[bytes]
    environ: dict[str, str]

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start the `hookline` script on this host; what it says comes on stderr."""
        inside = ["nsenter", "--target", str(child_of(self.holder.pid)), "--pid", "--uts", "--mount", HOOKLINE, *argv]
        return subprocess.Popen(inside, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self.environ)

    def run(self, *argv: str) -> tuple[int, str]:
        """Run the `hookline` script to its end; returns its exit code and what it said."""
        process = self.start(*argv)
        said = process.communicate(timeout=LONGEST)[1]
        return process.returncode, said


@contextmanager
def hosts(home: Path, *names: str) -> Iterator[list[Host]]:
    """Make hosts that share a home."""
    environ = os.environ | {"HOOKLINE_HOME": str(home), "HOOKLINE_PROGRESS": "plain"}
    with ExitStack() as stack:
        made = []
        for name in names:
            script = f"hostname {name} && echo && exec sleep 86400"
            held = subprocess.Popen(
                ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
                stdout=subprocess.PIPE,
            )
            stack.callback(held.wait)
            stack.callback(held.kill)
            assert held.stdout is not None
            with held.stdout:
                held.stdout.readline()  # Then it has its name.
            made.append(Host(name, held, environ))
        yield made


def strike(process: subprocess.Popen[str], how: signal.Signals) -> bool:
    """Send a signal to the command that a host runs, Ctrl-C again and again; tells whether it was still there."""
    there = child_of(process.pid)
    for _ in range(CTRL_C if how == signal.SIGINT else 1):
        if there is None or process.poll() is not None:
            return False
        try:
            os.kill(there, how)
        except ProcessLookupError:
            return False
        time.sleep(0.02 if how == signal.SIGINT else 0)
    return True


def child_of(pid: int) -> int | None:
    """Return the process that `unshare` or `nsenter` started."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return None
        if found:
            return int(found[0])
        time.sleep(0.002)
    return None
