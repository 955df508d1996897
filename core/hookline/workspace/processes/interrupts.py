"""Signals that wait: what must be written down is written before Ctrl-C ends a command, however often it is pressed."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hookline.errors import interruption

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible_in(*acts: Callable[..., Any]) -> Iterator[None]:
    """Let signals interrupt these functions alone; one that comes between them ends this block, once all is done.

    What a signal does is left as it is where that is nothing of Python's, and outside of the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # The frames decide: a flag would be set a moment after an exception has left a function, or before.
    codes, waiting = {act.__code__ for act in acts}, list[int]()
    before: dict[int, Any] = {number: how for number in SIGNALS if callable(how := signal.getsignal(number))}

    def hear(number: int, frame: FrameType | None) -> None:
        if _is_within(frame, codes):
            before[number](number, frame)
        else:
            waiting.append(number)

    outside = sys.exception()
    for number in before:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, how in before.items():
            signal.signal(number, how)
        if waiting and not interruption(sys.exception(), outside):
            before[waiting[0]](waiting[0], None)


def _is_within(frame: FrameType | None, codes: set[Any]) -> bool:
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False
