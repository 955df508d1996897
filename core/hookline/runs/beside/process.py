"""The process beside a run: it ends when its input closes, as with the run, and what it says on stdout or stderr is kept from both."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from queue import SimpleQueue
from tempfile import TemporaryFile

from .frames import receive


def main() -> None:
    """Do what is asked in messages on stdin, and answer on stdout; the first is JSON: `path` of modules, and `words` of the run."""
    asked: SimpleQueue[bytes] = SimpleQueue()
    answers = os.fdopen(os.dup(1), "wb")
    with TemporaryFile() as said:
        for descriptor in (1, 2):
            os.dup2(said.fileno(), descriptor)
        # Before anything is imported, so that messages never fill the pipe, and a run that is gone is noticed at once.
        threading.Thread(target=_listen, args=(asked,), daemon=True).start()
        gc.set_threshold(200_000, 50, 100)
        given = json.loads(asked.get())
        sys.path[:] = given["path"]
        try:
            from .work import work

            work(asked.get, answers, given["words"], lambda: _is_silent(said.fileno()))
        finally:
            # Whatever was not done the run does itself; nothing is left to tidy up, and it waits for this.
            os._exit(0)


def _listen(asked: SimpleQueue[bytes]) -> None:
    """Pass messages on, and end this process with the run that sends them, whatever it does at that moment."""
    while (message := receive(sys.stdin.buffer)) is not None:
        asked.put(message)
    os._exit(1)


def _is_silent(descriptor: int) -> bool:
    """Tell whether nothing was written to stdout or stderr so far, by Python or by a library."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fstat(descriptor).st_size == 0


if __name__ == "__main__":
    main()
