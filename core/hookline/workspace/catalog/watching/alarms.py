"""What the catalog knows of alarms: which are open, what became of them, and what people did about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Finding

from ..sql.database import Database
from ..sql.values import data_of, moment_of, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

Status = Literal["open", "closed"]
What = Literal["opened", "worse", "again", "closed", "acked", "muted", "unmuted"]
"""What may happen to an alarm; muted and unmuted also to a monitor, a subject or a whole model."""
AT_MOST = 100_000


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong with a model, from when it was first found until it is gone."""

    model: str
    version: int
    """The version of which it was found last."""
    monitor: str
    subject: str
    finding: Finding
    """The last that was found."""
    rows: int
    """Of the window that it was found in last."""
    since: datetime
    """The start of the first window that it was found in."""
    seen: datetime
    """The end of the last one."""
    cost: Mapping[str, Any] | None = None
    """What it likely costs, where that is known: as `hookline.live.watching.alarms.costs` says it."""
    status: Status = "open"
    told: datetime | None = None
    """When people were told of it last."""
    told_finding: Finding | None = None
    """What they were told then."""
    acked_by: str | None = None
    closed: datetime | None = None
    number: int | None = None
    """Its own; None until it is in the catalog."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this alarm and no other of its model."""
        return self.monitor, self.subject


@dataclass(frozen=True)
class AlarmEvent:
    """Something that happened to an alarm, or was done about some."""

    model: str
    what: What
    alarm: int | None
    monitor: str | None
    subject: str | None
    who: str | None = None
    """The person who did it; None where the watching did."""
    why: str | None = None
    finding: Finding | None = None
    window: datetime | None = None
    """The end of the window that it was seen in."""
    at: datetime | None = None
    """None until it is in the catalog."""


@dataclass(frozen=True)
class Mute:
    """Alarms that nobody wants to be told of for a while; monitor, subject: None for any."""

    model: str
    monitor: str | None
    subject: str | None
    until: datetime
    who: str
    why: str | None = None

    def covers(self, monitor: str, subject: str, now: datetime) -> bool:
        """Tell whether an alarm is not to be told at a moment."""
        return self.until > now and self.monitor in (None, monitor) and self.subject in (None, subject)


class Alarms:
    """Alarms in a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alarms = database.tables["alarms"]
        self._events = database.tables["alarm_events"]
        self._mutes = database.tables["mutes"]

    def of(self, model: str, status: Status | None = "open") -> list[Alarm]:
        """Return a model's alarms, the newest first."""
        with self._database.reading() as connection:
            return self.within(connection, model, status)

    def within(
        self, connection: Connection, model: str, status: Status | None = "open", limit: int = AT_MOST
    ) -> list[Alarm]:
        """Return the same within a transaction."""
        table = self._alarms
        query = table.select().where(table.c.model == model).order_by(table.c.id.desc()).limit(limit)
        query = query if status is None else query.where(table.c.status == status)
        return [_alarm(row) for row in connection.execute(query).mappings()]

    def events(self, model: str, limit: int | None = None, alarm: int | None = None) -> list[AlarmEvent]:
        """Return what happened, the newest first; alarm: only what happened to this one."""
        table = self._events
        query = table.select().where(table.c.model == model).order_by(table.c.id.desc()).limit(limit or AT_MOST)
        query = query if alarm is None else query.where(table.c.alarm == alarm)
        return [_event(row) for row in self._database.rows(query)]

    def mutes(self, model: str) -> list[Mute]:
        """Return what of a model is muted, or was."""
        with self._database.reading() as connection:
            return self.mutes_within(connection, model)

    def mutes_within(self, connection: Connection, model: str) -> list[Mute]:
        """Return the same within a transaction."""
        query = self._mutes.select().where(self._mutes.c.model == model).order_by(self._mutes.c.id)
        return [_mute(row) for row in connection.execute(query).mappings()]

    def put(self, connection: Connection, alarm: Alarm) -> Alarm:
        """Add an alarm, or put it in its own place, within a transaction; return it with its number."""
        table, row = self._alarms, _row(alarm)
        if alarm.number is not None:
            connection.execute(table.update().where(table.c.id == alarm.number).values(**row))
            return alarm
        added = connection.execute(table.insert().values(**row))
        assert added.inserted_primary_key is not None
        return replace(alarm, number=int(added.inserted_primary_key[0]))

    def note(self, connection: Connection, event: AlarmEvent) -> None:
        """Add what happened, within a transaction."""
        finding = None if event.finding is None else text_of(to_json(event.finding))
        named = {name: getattr(event, name) for name in ("model", "what", "alarm", "monitor", "subject", "who", "why")}
        told = {**named, "window": event.window, "finding": finding, "at": self._database.now()}
        connection.execute(self._events.insert().values(**told))

    def ack(self, alarm: Alarm, who: str, why: str | None) -> bool:
        """Say that somebody knows of an open alarm; tell whether it was still open."""
        table = self._alarms
        mine = (table.c.id == alarm.number) & (table.c.status == "open")
        with self._database.writing() as connection:
            if not connection.execute(table.update().where(mine).values(acked_by=who)).rowcount:
                return False
            self.note(connection, AlarmEvent(alarm.model, "acked", alarm.number, *alarm.key, who, why))
        return True

    def mute(self, mute: Mute, alarm: int | None, now: datetime) -> None:
        """Put a mute in the place of those for the same; one that is over at once ends them."""
        table = self._mutes
        what: What = "muted" if mute.until > now else "unmuted"
        same = [table.c.model == mute.model]
        same += [table.c[name].is_not_distinct_from(getattr(mute, name)) for name in ("monitor", "subject")]
        values = {name: getattr(mute, name) for name in ("model", "monitor", "subject", "until", "who", "why")}
        with self._database.writing() as connection:
            connection.execute(table.delete().where(*same))
            if what == "muted":
                connection.execute(table.insert().values(**values, at=self._database.now()))
            self.note(connection, AlarmEvent(mute.model, what, alarm, mute.monitor, mute.subject, mute.who, mute.why))


def _row(alarm: Alarm) -> dict[str, Any]:
    plain = ("model", "version", "monitor", "subject", "status", "rows", "since", "seen", "told", "acked_by", "closed")
    told = None if alarm.told_finding is None else text_of(to_json(alarm.told_finding))
    return {
        **{name: getattr(alarm, name) for name in plain},
        "finding": text_of(to_json(alarm.finding)),
        "told_finding": told,
        "cost": None if alarm.cost is None else text_of(dict(alarm.cost)),
    }


def _alarm(row: RowMapping) -> Alarm:
    return Alarm(
        row["model"],
        row["version"],
        row["monitor"],
        row["subject"],
        finding_of(row["finding"]),
        row["rows"],
        utc(row["since"]),
        utc(row["seen"]),
        None if row["cost"] is None else data_of(row["cost"]),
        row["status"],
        moment_of(row["told"]),
        None if row["told_finding"] is None else finding_of(row["told_finding"]),
        row["acked_by"],
        moment_of(row["closed"]),
        row["id"],
    )


def _event(row: RowMapping) -> AlarmEvent:
    return AlarmEvent(
        row["model"],
        row["what"],
        row["alarm"],
        row["monitor"],
        row["subject"],
        row["who"],
        row["why"],
        None if row["finding"] is None else finding_of(row["finding"]),
        moment_of(row["window"]),
        utc(row["at"]),
    )


def _mute(row: RowMapping) -> Mute:
    return Mute(row["model"], row["monitor"], row["subject"], utc(row["until"]), row["who"], row["why"])


def finding_of(text: str) -> Finding:
    """Read a finding of a column; raises StoreError where it is none."""
    return from_json(Finding, data_of(text))


def findings_of(text: str) -> Sequence[Finding]:
    """Read the findings of a column; raises StoreError where they are none."""
    return [from_json(Finding, one) for one in data_of(text)]
