"""What people are told of alarms: one message of one window, each alarm with its size, its cost, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from hookline.kinds.reports import SEVERITIES, Severity
from hookline.telling.secrets import redacted
from hookline.workspace.catalog.watching.alarms import Alarm
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Change, Window

from .alarming import size_of

MOST = 20
"""Alarms that one message spells out."""
SEVERAL = "several"
"""The kind of a message of alarms of more than one."""
LONGEST = 200
"""Letters of a title."""


def letters_of(changes: Sequence[Change], windows: Sequence[Window], channels: Iterable[str]) -> list[Letter]:
    """Return one message for each channel of all that is told of one window; none where nothing is.

    windows: what was kept, which names the message: the same windows are never told of under two names
    """
    told = [change for change in changes if change.is_told]
    if not told:
        return []
    kinds = {kind_of(change.alarm.monitor) for change in told}
    kind = kinds.pop() if len(kinds) == 1 else SEVERAL
    model, name = told[0].alarm.model, f"{kind}-{_name(windows)}"
    title, body = redacted(_title(told, kind)), redacted(_body(told, name))
    return [Letter(model, name, channel, _worst(told), title, body) for channel in channels]


def kind_of(monitor: str) -> str:
    """Return what alarms of a monitor are of: the last word of its name, where a shift is a drift; `other` where it has none."""
    # Of a third party's the name has its plugin before a dot.
    words = re.findall(r"[a-z0-9]+", monitor.lower())
    word = words[-1] if words else "other"
    return "drift" if word == "shift" else word


def said(alarm: Alarm) -> str:
    """Return an alarm's size and since when it is there."""
    size = size_of(alarm.finding)
    far = f"{size:.1f} times its threshold" if size < 1_000 else "far beyond its threshold"
    return f"since {alarm.since:%Y-%m-%d %H:%M} UTC; {far}; {alarm.rows:,} answers in the last window"


def cost_said(alarm: Alarm) -> str | None:
    """Return what an alarm likely costs in words; None where that is not known."""
    cost = alarm.cost
    if cost is None:
        return None
    return f"{cost['importance']:.0%} of what the model goes by; times the effect: {cost['cost']:.1%}"


def advice_of(alarm: Alarm) -> str:
    """Return what to type to see more of an alarm."""
    return f"hookline monitor report {alarm.model} --alarm {alarm.number}"


def _name(windows: Sequence[Window]) -> str:
    facts = sorted((w.model, w.version, w.monitor, w.since.isoformat(), w.labels) for w in windows)
    return blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def _worst(told: Sequence[Change]) -> Severity:
    """Return how bad it is: `info` where all that is told is over."""
    bad: list[Severity] = [one.alarm.finding.severity for one in told if one.what != "closed"]
    return max(bad, key=SEVERITIES.index) if bad else "info"


def _title(told: Sequence[Change], kind: str) -> str:
    alarm, bad = told[0].alarm, [one for one in told if one.what != "closed"]
    over = len(told) - len(bad)
    named = ", ".join(dict.fromkeys(one.alarm.subject for one in bad or told))
    parts = [f"{len(bad)} alarm{'s' * (len(bad) != 1)}"] * bool(bad) + [f"{over} over"] * bool(over)
    critical = " (critical)" if _worst(told) == "critical" else ""
    # A column may be called anything, and a title is one line: in a letter it is a header.
    return " ".join(f"[{kind}] {alarm.model}:{alarm.version}: {', '.join(parts)}{critical}: {named}".split())[:LONGEST]


def _body(told: Sequence[Change], name: str) -> str:
    worst_first = sorted(told, key=lambda one: (one.what == "closed", -SEVERITIES.index(one.alarm.finding.severity)))
    lines = [line for change in worst_first[:MOST] for line in _lines(change)]
    if len(told) > MOST:
        lines.append(f"and {len(told) - MOST} more: hookline monitor alarms {told[0].alarm.model}")
    return "\n".join([*lines, f"id: {name}"])


def _lines(change: Change) -> Iterator[str]:
    alarm, finding = change.alarm, change.alarm.finding
    if change.what == "closed":
        yield f"over: alarm {alarm.number}, {alarm.monitor}: {alarm.subject}, which began {alarm.since:%Y-%m-%d %H:%M} UTC"
        return
    how = {"worse": "worse", "again": "still"}.get(change.what or "", "new")
    yield f"{how}, {finding.severity}: {finding.message}"
    yield f"  alarm {alarm.number}, {alarm.monitor}; {said(alarm)}"
    if cost := cost_said(alarm):
        yield f"  likely cost: {cost}"
    yield f"  look: {advice_of(alarm)}"
