"""One of several processes that answer: it reads what to do from its input, and ends when that closes, as with its parent."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

DRAIN_SECONDS = 35.0
"""A worker that has not ended so long after it was to is ended by whatever means."""


def main() -> int:
    """Answer until the input closes or SIGTERM comes, whichever is first; returns the exit code.

    input: a line of JSON, `path` (of Python's modules) and `work` (`Work`), and nothing after it
    """
    signal.signal(signal.SIGTERM, _leave)
    given = json.loads(sys.stdin.readline())
    # As it is in the process that began the server, which may be a notebook's.
    sys.path[:] = given["path"]
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()
    from hookline.errors import HooklineError
    from hookline.kinds.plain import from_json
    from hookline.registry.registry import load_registry

    from .answering import answer
    from .work import Work

    try:
        answer(from_json(Work, given["work"]), load_registry())
    except HooklineError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _leave(number: int, frame: object) -> None:
    sys.exit(0)


def _leave_with_parent() -> None:
    """Wait for the input to close, then answer what is under way, and end."""
    sys.stdin.read()
    # Whatever hangs in the other threads, this process does not outlive its parent by long.
    late = threading.Timer(DRAIN_SECONDS, os._exit, (1,))
    late.daemon = True
    late.start()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
