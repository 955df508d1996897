"""What a process that was forked must not do: its libraries wait for threads that stayed behind."""

from __future__ import annotations

import os
from functools import cache

from hookline.errors import UsageError


def require_own_threads() -> None:
    """Raise UsageError in a process that was forked from one which ran or predicted: polars would wait there for ever."""
    if _first() != os.getpid():
        raise UsageError(
            f"process {os.getpid()} was forked from one that had run or predicted, and the threads of its libraries stayed there",
            hint='start processes anew, as multiprocessing.get_context("spawn") does, or fork before the first run',
        )


@cache
def _first() -> int:
    """Return the first process that had threads: this one, or one that it was forked from."""
    return os.getpid()
