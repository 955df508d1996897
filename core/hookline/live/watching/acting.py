"""What people do about alarms, and what they are shown of them: listed, acknowledged, muted, each with who and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookline.errors import UnknownName, UsageError
from hookline.workspace.catalog.watching.alarms import Alarm, AlarmEvent, Mute
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Window
from hookline.workspace.processes.owners import person
from hookline.workspace.workspace import Workspace

from ..deploying.naming import workspace_of
from ..log.predictions import Moment
from ..log.times import moment_of, span_of


@dataclass(frozen=True)
class WatchState:
    """How a model's watch stands."""

    model: str
    host: str | None
    """The machine that watches; None where nobody does."""
    looked: Mapping[int, datetime]
    """Version -> up to when its answers were looked at."""
    waiting: Sequence[Letter]
    """The first message of each channel that is still to be delivered; one that failed says why."""
    given_up: Sequence[Letter]
    """The newest messages that could not be delivered, of channels that have delivered none since."""
    mutes: Sequence[Mute]
    """Those in force."""


def alarms(model: str, *, closed: bool = False, home: str | Path | None = None) -> list[Alarm]:
    """Return a model's open alarms, the newest first; closed: those too that are over. Raises UnknownName."""
    return workspace_of(model, home).catalog.alarms.of(model, None if closed else "open")


def alarm_of(model: str, number: int, *, home: str | Path | None = None) -> Alarm:
    """Return an alarm by its number, open or over; raises UnknownName."""
    return _numbered(workspace_of(model, home), model, number)


def alarm_history(
    model: str, alarm: int | None = None, *, limit: int | None = 50, home: str | Path | None = None
) -> list[AlarmEvent]:
    """Return what became of a model's alarms and what people did about them, the newest first. Raises UnknownName."""
    return workspace_of(model, home).catalog.alarms.events(model, limit, alarm)


def windows(
    model: str,
    since: Moment = None,
    monitor: str | None = None,
    version: int | None = None,
    *,
    limit: int | None = None,
    home: str | Path | None = None,
) -> list[Window]:
    """Return what each monitor said of each window, the newest first.

    since: those that end later; as for `predictions`. Raises UnknownName for what is no model, UsageError for what is no time.
    """
    return workspace_of(model, home).catalog.windows.of(model, moment_of(since, "since"), monitor, version, limit)


def ack(
    model: str, alarm: int, why: str | None = None, *, who: str | None = None, home: str | Path | None = None
) -> Alarm:
    """Say that somebody knows of an alarm: it is told again only when it is worse. who: by default, whoever works here.

    Raises UnknownName for what is no open alarm of the model.
    """
    workspace = workspace_of(model, home)
    found = _numbered(workspace, model, alarm)
    if not workspace.catalog.alarms.ack(found, who or person(), why):
        raise UsageError(f"alarm {alarm} of '{model}' is over", hint=f"hookline monitor alarms {model}")
    return _numbered(workspace, model, alarm)


def mute(
    model: str,
    what: int | str | None = None,
    span: str | timedelta = "7d",
    why: str | None = None,
    *,
    who: str | None = None,
    home: str | Path | None = None,
) -> Mute:
    """Have nobody told of some alarms for a while; they are kept all the same, and told afterwards if they are still there.

    what: an alarm's number, `MONITOR`, `MONITOR:SUBJECT`, or None for all of the model; span: how long, `0s` to end it
    Raises UnknownName for what is no alarm of the model.
    """
    workspace, now = workspace_of(model, home), datetime.now(UTC)
    number = int(what) if what is not None and str(what).isdecimal() else None
    monitor, _, subject = ("" if what is None else str(what)).partition(":")
    if number is not None:
        monitor, subject = _numbered(workspace, model, number).key
    try:
        until = now + span_of(span, "for")
    except OverflowError:
        raise UsageError(f"for: '{span}' is longer than the calendar goes", hint="write 7d or 52w") from None
    made = Mute(model, monitor or None, subject or None, until, who or person(), why)
    workspace.catalog.alarms.mute(made, number, now)
    return made


def watch_state(model: str, *, home: str | Path | None = None) -> WatchState:
    """Return who watches a model, up to when, what could not be delivered and what is muted. Raises UnknownName."""
    workspace, now = workspace_of(model, home), datetime.now(UTC)
    catalog = workspace.catalog
    letters = catalog.outbox.of(model)
    fine = {one.channel: one.sent for one in reversed(letters) if one.sent is not None}
    lost = [one for one in letters if one.given_up and not (fine.get(one.channel) or one.given_up) > one.given_up]
    return WatchState(
        model,
        catalog.watchers.who(model),
        catalog.windows.ends(model),
        list(catalog.outbox.waiting(model).values()),
        list({one.channel: one for one in reversed(lost)}.values()),
        [one for one in catalog.alarms.mutes(model) if one.until > now],
    )


def _numbered(workspace: Workspace, model: str, number: int) -> Alarm:
    found = {alarm.number: alarm for alarm in workspace.catalog.alarms.of(model, None)}
    if number not in found:
        known = [str(one.number) for one in found.values() if one.status == "open"]
        raise UnknownName("alarm", str(number), known, hint=f"hookline monitor alarms {model}")
    return found[number]
