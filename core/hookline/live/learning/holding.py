"""One process at a time retrains a model: it holds the model's row in the catalog, and says that it lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from hookline.errors import HooklineError, UsageError
from hookline.telling.secrets import logger
from hookline.workspace.processes.owners import BEAT_SECONDS, Owner, Watch
from hookline.workspace.workspace import Workspace

from .retrainer import Look, Retrainer

log = logger("hookline.live")

AGAIN_SECONDS = 60.0
"""How long to wait after a look that failed."""


@contextmanager
def alone(workspace: Workspace, model: str) -> Iterator[None]:
    """Hold a model for the time of this block; raises UsageError where another process does."""
    owner = Owner.here()
    if not workspace.catalog.retrainers.take(model, owner, Watch()):
        who = workspace.catalog.retrainers.who(model)
        raise UsageError(f"'{model}' is being retrained, or watched for it, on {who}", hint="one at a time is enough")
    with _held(workspace, model, owner):
        yield


@contextmanager
def _held(workspace: Workspace, model: str, owner: Owner) -> Iterator[None]:
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(workspace, model, owner, ended), name="heartbeat", daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join(1)
        with suppress(HooklineError):
            workspace.catalog.retrainers.leave(model, owner)


def _beat(workspace: Workspace, model: str, owner: Owner, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        try:
            workspace.catalog.retrainers.take(model, owner, Watch())
        except HooklineError as error:
            log.debug("a sign of life was not written: %s", error)


def go_on(retrainer: Retrainer, seconds: float, tell: Callable[[Look], None]) -> NoReturn:
    """Look again and again whether a model is to be retrained, for as long as this process lives; another one stands by."""
    model, told = retrainer.model, ""
    owner, watch = Owner.here(), Watch()
    while True:
        if not retrainer.workspace.catalog.retrainers.take(model, owner, watch):
            time.sleep(BEAT_SECONDS)
            continue
        with _held(retrainer.workspace, model, owner):
            try:
                tell(retrainer.look())
                told = ""
            except Exception as error:  # noqa: BLE001  whatever it is, the next look may do better
                if str(error) != told:
                    log.error("'%s' cannot be retrained: %s", model, error)
                told = str(error)
        time.sleep(AGAIN_SECONDS if told else seconds)
