"""One process at a time retrains a model: it holds the model's row in the catalog, and says that it lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

from hookline.errors import UsageError
from hookline.telling.once import Once
from hookline.telling.secrets import logger
from hookline.workspace.processes.owners import BEAT_SECONDS, Owner, Watch
from hookline.workspace.workspace import Workspace

from .letters import send
from .retrainer import Look, Retrainer

log = logger("hookline.live")

AGAIN_SECONDS = 60.0
"""How long to wait after a look that failed."""


@contextmanager
def alone(workspace: Workspace, model: str) -> Iterator[None]:
    """Hold a model for the time of this block; raises UsageError where another process does."""
    owner, watch, retrainers = Owner.here(), Watch(), workspace.catalog.retrainers
    if not retrainers.take(model, owner, watch):
        who = retrainers.who(model)
        raise UsageError(f"'{model}' is being retrained, or watched for it, on {who}", hint="one at a time is enough")
    with retrainers.held(model, owner, watch):
        yield


def go_on(retrainer: Retrainer, seconds: float, tell: Callable[[Look], None]) -> NoReturn:
    """Look again and again whether a model is to be retrained, for as long as this process lives; another one stands by."""
    model, retrainers = retrainer.model, retrainer.workspace.catalog.retrainers
    owner, watch = Owner.here(), Watch()
    faults = Once(partial(log.error, "'%s' cannot be retrained: %s", model))
    while True:
        if not retrainers.take(model, owner, watch):
            time.sleep(BEAT_SECONDS)
            continue
        with retrainers.held(model, owner, watch):
            wait = _look(retrainer, tell, faults, seconds)
            send(retrainer.workspace, retrainer.registry, model)
        time.sleep(wait)


def _look(retrainer: Retrainer, tell: Callable[[Look], None], faults: Once, seconds: float) -> float:
    """Look once; return in how many seconds to look again."""
    try:
        tell(retrainer.look())
    except Exception as error:  # noqa: BLE001  whatever it is, the next look may do better
        faults.fault(error)
        return AGAIN_SECONDS
    faults.well()
    return seconds
