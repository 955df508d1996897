"""What is done around a run: it is put into the outbox, and sent with what waits there, within the time-out."""

from __future__ import annotations

from hookline.errors import HooklineError, StoreError
from hookline.kinds.hooks import RunInfo
from hookline.live.mirroring.pushing import push
from hookline.telling.secrets import logger
from hookline.workspace.home import home
from hookline.workspace.workspace import open_workspace

from .outbox import Outbox
from .settings import MlflowSettings
from .tracker import MlflowTracker

log = logger("hookline.mlflow")


def begun(run: RunInfo, settings: MlflowSettings) -> None:
    """Note a run that has begun."""
    Outbox(run.home or home()).begin(run, settings)


def ended(run: RunInfo, settings: MlflowSettings) -> None:
    """Send a run that has ended, what waits before it, and its version; a server that is down or slow is one warning."""
    outbox = Outbox(run.home or home())
    outbox.end(run, settings)
    tracker = MlflowTracker(settings, outbox)
    try:
        _send(run, tracker)
        if run.evidence.get("deployment"):
            push(open_workspace(outbox.home), run.name, tracker)
    except HooklineError as error:
        log.warning(
            "the run could not be logged to MLflow: %s; it is whole in %s, and is sent with the next run, or by "
            "`hookline runs send`",
            error.message,
            run.path,
        )
    finally:
        tracker.close()


def _send(run: RunInfo, tracker: MlflowTracker) -> None:
    """Send what waits; raises StoreError where this run was not taken, and tells of others that were not."""
    try:
        tracker.send()
    except StoreError as error:
        if run.id in tracker.waiting():
            raise
        log.warning("earlier runs still wait to be logged to MLflow: %s; see `hookline runs send`", error.message)
