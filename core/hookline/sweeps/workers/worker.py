"""What a worker process is: it takes payloads from its pool, returns what became of each, and leaves when the pool does."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from hookline.telling.secrets import redacted

from .asking import asking
from .clock import Clock
from .cores import hold_to
from .memory import forget_peak, peak

LOOK_SECONDS = 0.2
"""How often time-outs and memory are looked at, and how soon a worker notices that its parent is gone."""

ASKS = "asks"
"""What a worker says instead of a status while its job goes on."""


def work(connection: Connection, function: str, setup: Any, cores: Sequence[int], parent: int) -> None:
    """Be a worker: take payloads, return outcomes, and leave when the parent does."""
    # Ctrl-C, and a terminal that is closed, are the parent's to handle, who then stops the workers.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    hold_to(cores)
    module, _, name = function.partition(":")
    act = getattr(importlib.import_module(module), name)
    while True:
        try:
            payload = connection.recv()
        except (EOFError, OSError):
            return
        forget_peak()
        clock = Clock()
        try:
            with clock.running(), asking(lambda question: _ask(connection, question)):
                answer: tuple[str, Any, str | None, str] = ("done", act(setup, payload), None, "")
        except SystemExit as error:
            answer = ("failed", None, f"the job called sys.exit({error.code!r})", "")
        except BaseException as error:  # noqa: BLE001  whatever a job raises is its outcome, and must reach the parent
            told, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
            answer = ("failed", None, redacted(told), redacted(trace))
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            connection.send((*answer, peak(), clock.seconds))
        except OSError:
            # The parent was killed, and the thread that looks for it has not seen that yet.
            return


def _ask(connection: Connection, question: Any) -> Any:
    try:
        connection.send((ASKS, question, None, "", 0, 0.0))
        return connection.recv()
    except (EOFError, OSError):
        # Nobody is left to answer, and the job must not end as one that failed.
        os._exit(1)


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    # A job whose sweep is gone would be run twice once the sweep is resumed.
    os._exit(1)
