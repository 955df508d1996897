"""The process beside a run: it ends when its input closes, as with the run, and says nothing on stdout or stderr."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from tempfile import TemporaryFile

from .frames import receive

PR_SET_PDEATHSIG = 1
"""Of linux/prctl.h."""


def main() -> None:
    """Do what messages on stdin ask for, and answer on stdout; the first is JSON: `path` of modules, `words` of the run."""
    asked: SimpleQueue[bytes] = SimpleQueue()
    answers = os.fdopen(os.dup(1), "wb")
    _end_with_parent()
    with TemporaryFile() as said:
        for descriptor in (1, 2):
            os.dup2(said.fileno(), descriptor)
        # Before anything is imported, so that messages never fill the pipe, and a run that is gone is noticed at once.
        threading.Thread(target=_listen, args=(asked,), daemon=True).start()
        # Not at all until all is imported: what is made by then stays.
        gc.disable()
        gc.set_threshold(200_000, 50, 100)
        given = json.loads(asked.get())
        sys.path[:] = given["path"]
        try:
            from .work import work

            work(asked, answers, given["words"], lambda: _is_silent(said.fileno()))
        finally:
            # Whatever was not done the run does itself; nothing is left to tidy up, and it waits for this.
            os._exit(0)


def _listen(asked: SimpleQueue[bytes]) -> None:
    """Pass messages on, and end this process with the run that sends them, whatever it does at that moment."""
    while (message := receive(sys.stdin.buffer)) is not None:
        asked.put(message)
    os._exit(1)


def _end_with_parent() -> None:
    """Have Linux end this process with the one that started it, also while a library lets no other thread go on."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_silent(descriptor: int) -> bool:
    """Tell whether nothing was written to stdout or stderr so far, by Python or by a library."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fstat(descriptor).st_size == 0


if __name__ == "__main__":
    main()
