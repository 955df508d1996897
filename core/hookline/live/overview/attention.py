"""What needs somebody's attention: alarms that nobody knows of, rollouts, labels that are late, messages that do not arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hookline.kinds.deployments import Deployment
from hookline.kinds.reports import Severity
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.watching.alarms import Alarm
from hookline.workspace.catalog.watching.outbox import Letter

from ..deploying.policies import is_settled, words_of
from ..watching.alarms.wording import advice_of
from .delays import NEWEST, label_delay, span_said
from .glance import Glance

What = Literal["alarm", "rollout", "labels", "channel", "run"]
LEVELS: Sequence[Severity] = ("critical", "warning", "info")


@dataclass(frozen=True)
class Attention:
    """Something that a person should look at."""

    what: What
    level: Severity
    text: str
    action: str
    """What to do, or to type."""
    model: str | None = None
    place: str = ""
    """The alarm's number, the channel's name, or the run's id."""
    since: datetime | None = None


def attention_of(catalog: Catalog, glance: Glance, model: str) -> list[Attention]:
    """Return what of a model needs attention; alarms that are acknowledged or muted do not."""
    return [
        *(_of_alarms(catalog, model) if glance.has("alarms", model) else ()),
        *_of_rollout(glance.policies.get(model)),
        *(_of_labels(catalog, model) if glance.has("windows", model) else ()),
        *(map(_of_letter, troubled(catalog, model)) if glance.has("outbox", model) else ()),
    ]


def gravest_first(found: Iterable[Attention]) -> tuple[Attention, ...]:
    """Return the same with the gravest first, and of one level as they came."""
    return tuple(sorted(found, key=lambda one: LEVELS.index(one.level)))


def troubled(catalog: Catalog, model: str) -> list[Letter]:
    """Return, of each channel that does not deliver, the message that is tried again, or the newest that was given up."""
    waiting = [letter for letter in catalog.outbox.waiting(model).values() if letter.error is not None]
    letters = catalog.outbox.of(model)
    newest: dict[str, Letter] = {}
    for letter in letters:
        if letter.sent is not None or letter.given_up is not None:
            newest.setdefault(letter.channel, letter)
    lost = [letter for letter in newest.values() if letter.given_up is not None]
    channels = {letter.channel for letter in waiting}
    return [*waiting, *(letter for letter in lost if letter.channel not in channels)]


def _of_alarms(catalog: Catalog, model: str) -> list[Attention]:
    now, mutes = catalog.database.clock(), catalog.alarms.mutes(model)
    unknown = [alarm for alarm in catalog.alarms.of(model) if alarm.acked_by is None]
    return [_of_alarm(alarm) for alarm in unknown if not any(mute.covers(*alarm.key, now) for mute in mutes)]


def _of_alarm(alarm: Alarm) -> Attention:
    finding = alarm.finding
    return Attention(
        "alarm", finding.severity, finding.message, advice_of(alarm), alarm.model, str(alarm.number), alarm.since
    )


def _of_rollout(policy: Deployment | None) -> list[Attention]:
    if policy is None or is_settled(policy):
        return []
    text = f"a rollout is going on: {words_of(policy)}"
    return [
        Attention("rollout", "info", text, f"hookline deploy status {policy.model}", policy.model, since=policy.since)
    ]


def _of_labels(catalog: Catalog, model: str) -> list[Attention]:
    delay, now = label_delay(catalog.windows.marks(model, NEWEST)), catalog.database.clock()
    if delay.oldest is None or not delay.is_late(now):
        return []
    usual = f", and usually come within {span_said(delay.usual)}" if delay.usual is not None else ""
    text = (
        f"labels are late: {delay.waiting} windows wait for them, the oldest for {span_said(now - delay.oldest)}{usual}"
    )
    return [Attention("labels", "warning", text, f"hookline labels add {model} FILE", model, since=delay.oldest)]


def _of_letter(letter: Letter) -> Attention:
    given_up = letter.given_up is not None
    tries = f"{letter.attempts} attempt{'s' * (letter.attempts != 1)}"
    how = "was given up" if given_up else f"is tried again after {tries}"
    return Attention(
        "channel",
        "critical" if given_up else "warning",
        f"channel '{letter.channel}' does not deliver, and a message {how}: {letter.error}",
        "see `alerts` in settings.yaml of the home",
        letter.model,
        letter.channel,
        letter.made,
    )
