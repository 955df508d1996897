"""What people are told of retrainings: that one was opened, or released, or came to nothing; each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b

from hookline.errors import HooklineError
from hookline.kinds.reports import Severity
from hookline.registry.registry import Registry
from hookline.telling.secrets import logger, redacted
from hookline.workspace.catalog.retrainings import Retraining, Status
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.processes.owners import Owner, Watch
from hookline.workspace.workspace import Workspace

from ..watching.alarms.sending import Sender
from ..watching.alarms.settings import channels_at
from ..watching.alarms.wording import LONGEST

log = logger("hookline.live")

TOLD: Mapping[Status, tuple[str, Severity]] = {
    "making": ("opened", "info"),
    "released": ("released", "info"),
    "refused": ("refused", "warning"),
    "undecided": ("undecided", "warning"),
    "failed": ("failed", "warning"),
    "taken back": ("taken back", "warning"),
}
"""Status -> what a letter calls it, and how bad it is. What a person did is told to nobody."""
RETRAINING = "retraining"
"""The kind of what is told of one."""
MUTED = "retrain"
"""What mutes call them, in the place of a monitor."""
SENDING_SECONDS = 10.0
"""How long what is on its way is waited for."""


def letters_of(one: Retraining, channels: Iterable[str]) -> list[Letter]:
    """Return one message for each channel of how a retraining stands; none where that is told to nobody."""
    if one.status not in TOLD:
        return []
    word, severity = TOLD[one.status]
    # With its time, since a model of another home may be called the same.
    facts = (one.model, one.number, one.began and one.began.isoformat(), one.status)
    name = f"{RETRAINING}-{blake2b(repr(facts).encode(), digest_size=8).hexdigest()}"
    title = redacted(f"[{RETRAINING}] {one.model}: retraining {one.number} {word}")[:LONGEST]
    lines = [
        f"retraining {one.number} of '{one.model}' ({one.policy}): {word}" + (f": {one.told}" if one.told else ""),
        f"  opened by {one.opened.get('said')}",
        f"  look: hookline retrain history {one.model}",
    ]
    body = redacted("\n".join([*lines, f"id: {name}"]))
    return [Letter(one.model, name, channel, severity, title, body) for channel in channels]


def told_over(workspace: Workspace, registry: Registry, one: Retraining) -> tuple[str, ...]:
    """Return the channels that how a retraining stands is told over, by name: none where nobody is told, or it is muted."""
    mutes = workspace.catalog.alarms.mutes(one.model)
    if one.status not in TOLD or any(mute.covers(MUTED, one.status, datetime.now(UTC)) for mute in mutes):
        return ()
    try:
        return tuple(channels_at(registry, workspace.home))
    except HooklineError as error:
        # A retraining must not wait for people to mend what only they hear of it by.
        log.error("nobody is told of the retraining of '%s': %s", one.model, error)
        return ()


def send(workspace: Workspace, registry: Registry, model: str) -> None:
    """Send what waits to be told of a model, unless a process that watches it does."""
    owner, watch, watchers = Owner.here(), Watch(), workspace.catalog.watchers
    try:
        if not workspace.catalog.outbox.waiting(model) or not watchers.take(model, owner, watch):
            return
        with watchers.held(model, owner, watch):
            sender = Sender(workspace, model, channels_at(registry, workspace.home))
            sender.look()
            sender.finish(SENDING_SECONDS)
    except HooklineError as error:
        log.error("what waits to be told of '%s' cannot be sent: %s", model, error)
