"""Alarms, windows and messages as JSON values: what `--json` prints, and pages go by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hookline.kinds.plain import to_json
from hookline.workspace.catalog.watching.alarms import Alarm, AlarmEvent, Mute
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Window

from .acting import WatchState
from .alarms.alarming import size_of
from .alarms.wording import advice_of, cost_said, kind_of


def plain_alarm(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm."""
    finding = to_json(alarm.finding)
    return {
        "alarm": alarm.number,
        "status": alarm.status,
        "model": alarm.model,
        "version": alarm.version,
        "monitor": alarm.monitor,
        "kind": kind_of(alarm.monitor),
        "subject": alarm.subject,
        "severity": alarm.finding.severity,
        "statistic": alarm.finding.statistic,
        "value": finding["value"],
        "threshold": finding["threshold"],
        "size": size_of(alarm.finding),
        "message": alarm.finding.message,
        "rows": alarm.rows,
        "since": _text(alarm.since),
        "seen": _text(alarm.seen),
        "told": _text(alarm.told),
        "acked_by": alarm.acked_by,
        "closed": _text(alarm.closed),
        "cost": None if alarm.cost is None else {**alarm.cost, "said": cost_said(alarm)},
        "advice": advice_of(alarm),
    }


def plain_event(event: AlarmEvent) -> dict[str, Any]:
    """Return what happened to an alarm."""
    named = {name: getattr(event, name) for name in ("alarm", "what", "monitor", "subject", "who", "why")}
    said = {
        "severity": None if event.finding is None else event.finding.severity,
        "message": None if event.finding is None else event.finding.message,
    }
    return {"at": _text(event.at), **named, **said, "window": _text(event.window)}


def plain_window(window: Window) -> dict[str, Any]:
    """Return what one monitor said of one window."""
    return {
        "version": window.version,
        "monitor": window.monitor,
        "since": _text(window.since),
        "until": _text(window.until),
        "rows": window.rows,
        "error": window.error,
        "speaks": window.speaks,
        "looked": _text(window.looked),
        "findings": [to_json(finding) for finding in window.findings],
        "metrics": [],
        "tables": [],
        "charts": [],
        **window.figures,
    }


def plain_letter(letter: Letter) -> dict[str, Any]:
    """Return a message to a channel, without its text."""
    named = ("channel", "message", "kind", "severity", "title", "attempts", "error")
    moments = {name: _text(getattr(letter, name)) for name in ("made", "due", "sent", "given_up")}
    return {**{name: getattr(letter, name) for name in named}, **moments}


def plain_mute(mute: Mute) -> dict[str, Any]:
    """Return what is muted."""
    named = {name: getattr(mute, name) for name in ("monitor", "subject", "who", "why")}
    return {**named, "until": _text(mute.until)}


def plain_state(state: WatchState) -> dict[str, Any]:
    """Return how a model's watch stands."""
    return {
        "model": state.model,
        "watched_on": state.host,
        "looked": {str(version): _text(until) for version, until in state.looked.items()},
        "waiting": [plain_letter(one) for one in state.waiting],
        "given_up": [plain_letter(one) for one in state.given_up],
        "mutes": [plain_mute(one) for one in state.mutes],
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
