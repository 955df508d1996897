"""How long a job takes by itself: what a worker imports on the way, which its later jobs find there, is not of the job."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Every import of a module that is not there yet, and no other, goes by this function; `python -X importtime` times it too.
MACHINERY: Any = sys.modules["_frozen_importlib"]
LOAD = "_find_and_load"


class Clock:
    """Seconds since it was made, less those in which the thread that made it imported modules for the first time."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._thread = threading.get_ident()
        self._imports = 0.0
        self._within = False

    @property
    def seconds(self) -> float:
        """Return the seconds that count."""
        return time.perf_counter() - self._began - self._imports

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch imports within this block."""
        load = getattr(MACHINERY, LOAD)

        def timed(*which: Any) -> Any:
            if self._within or threading.get_ident() != self._thread:
                return load(*which)
            self._within, since = True, time.perf_counter()
            try:
                return load(*which)
            finally:
                self._imports += time.perf_counter() - since
                self._within = False

        setattr(MACHINERY, LOAD, timed)
        try:
            yield
        finally:
            setattr(MACHINERY, LOAD, load)
