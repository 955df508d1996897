"""Commands killed, with signal 9, at the very moment when they are about to put a file in its place, or just have."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Literal

from kit.processes import Done, run_command

# Every step of ours that counts ends in a rename, of which Python tells who listens.
STRUCK = """
import os, signal, sys

pattern, moment = sys.argv.pop(1), sys.argv.pop(1)
due = False


def strike(event, args):
    global due
    if event == "os.kill":
        return
    is_it = event == "os.rename" and pattern in str(args[1])
    if due or (is_it and moment == "before"):
        os.kill(os.getpid(), signal.SIGKILL)
    due = is_it


sys.addaudithook(strike)
from hookline.cli import main

sys.exit(main(sys.argv[1:]))
"""
Moment = Literal["before", "after"]


def strike(pattern: str, moment: Moment, argv: Sequence[str], **options: object) -> None:
    """Run the command until it renames a file to a name with a pattern, and kill it before that or right after."""
    done: Done = run_command([sys.executable, "-c", STRUCK, pattern, moment, *argv], timeout=120, **options)
    assert done.returncode == -signal.SIGKILL, f"it was not killed {moment} {pattern}: {done.stdout}{done.stderr}"
