"""Begins a process that runs `worker.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress

from hookline.kinds.plain import to_json

from .work import Work


def begin(work: Work, descriptors: Collection[int], stderr: int | None = None) -> subprocess.Popen[bytes]:
    """Begin a process that does this work until its input is closed; raises OSError.

    descriptors: what it inherits beside; stderr: as `Popen` takes it, None: that of this process
    """
    # No fork of this process, which has threads, nor its main module once more; and no signal of a terminal, which
    # this process hears for all of them. Linux divides processors between sessions first (autogroups): another worker
    # is to have its own share, but one that asks a version in the shadow only what the others of this session leave.
    beside = work.options.beside is not None
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hookline.live.serving.worker"],
        stdin=subprocess.PIPE,
        stderr=stderr,
        pass_fds=tuple(descriptors),
        start_new_session=not beside,
        process_group=0 if beside else None,
    )
    assert process.stdin is not None
    with suppress(OSError):  # One that has ended by now is heard of by its end.
        process.stdin.write(json.dumps({"path": sys.path, "work": to_json(work)}).encode() + b"\n")
        process.stdin.flush()
    return process
