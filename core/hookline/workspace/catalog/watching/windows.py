"""What the catalog knows of a model's windows: what each monitor said of its answers in each span of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hookline.kinds.plain import to_json
from hookline.kinds.reports import Finding

from ..sql.database import Database
from ..sql.values import data_of, text_of, utc
from .alarms import Alarm, AlarmEvent, Alarms, Mute, What, findings_of
from .outbox import Letter, Outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

AT_MOST = 100_000
KEY = ("model", "version", "monitor", "since")
"""What names a window."""
LATELY = 500
"""Alarms that are over and may come back."""


@dataclass(frozen=True)
class Window:
    """What one monitor said of what one version answered in one span of time."""

    model: str
    version: int
    monitor: str
    since: datetime
    until: datetime
    """Before when, UTC."""
    rows: int
    figures: Mapping[str, Any]
    """The report's `metrics`, `tables` and `charts`, as JSON values."""
    findings: Sequence[Finding]
    labels: int = 0
    """The number of the model's newest label when it was looked at."""
    error: str | None = None
    """Why the monitor could not look."""
    speaks: bool = True
    """Whether the monitor could judge: one that waits for labels says nothing yet."""
    looked: datetime | None = None
    """None until it is in the catalog."""


@dataclass(frozen=True)
class Standing:
    """What is known of a model's alarms while a window is kept."""

    recent: Mapping[str, Sequence[Window]]
    """By monitor: the version's newest windows in which it spoke, the new one among them, in the order of time."""
    alarms: Sequence[Alarm]
    """Those that are open, the newest first, then those that were closed last."""
    mutes: Sequence[Mute]
    ends: Mapping[int, datetime]
    """The end of the newest window of each version."""


@dataclass(frozen=True)
class Change:
    """What becomes of an alarm: it stands so from now on."""

    alarm: Alarm
    window: datetime
    """The end of the window that it follows from."""
    what: What | None = None
    """What happened to it, where that is worth a note."""
    is_told: bool = False
    """Whether people are to be told."""


@dataclass(frozen=True)
class Outcome:
    """What follows from a window."""

    changes: Sequence[Change] = ()
    letters: Callable[[Sequence[Change]], Sequence[Letter]] = field(default=lambda changes: ())
    """Makes what is to be told of the same changes, once the alarms have their numbers."""


class Windows:
    """Windows in a catalog; one is added once, and only put in its place by what was said with newer labels."""

    def __init__(self, database: Database, alarms: Alarms, outbox: Outbox) -> None:
        self._database = database
        self._windows = database.tables["windows"]
        self._alarms = alarms
        self._outbox = outbox

    def keep(
        self, looked: Sequence[Window], newest: int, decide: Callable[[Standing], Outcome]
    ) -> Sequence[Change] | None:
        """Keep what monitors said of one window of one version and what follows from it, all of it or nothing.

        newest: how many windows of a monitor `decide` goes by. Returns the changes, with the alarms' numbers; None where
        somebody else has kept the window, with labels that are as new.
        """
        now = self._database.clock()
        with self._database.writing() as connection:
            if not all(self._put(connection, one, now) for one in looked):
                connection.rollback()
                return None
            outcome = decide(self._standing(connection, looked, newest))
            changes = [replace(one, alarm=self._alarms.put(connection, one.alarm)) for one in outcome.changes]
            for one in changes:
                if one.what is not None:
                    self._alarms.note(connection, _event(one, one.what))
            self._outbox.add(connection, outcome.letters(changes), now)
        return changes

    def end(self, model: str, version: int) -> datetime | None:
        """Return up to when a version's answers were looked at; None where none were."""
        table = self._windows
        query = table.select().where(table.c.model == model, table.c.version == version)
        row = self._database.first(query.order_by(table.c.since.desc()))
        return None if row is None else utc(row["until"])

    def ends(self, model: str) -> dict[int, datetime]:
        """Return up to when the answers of each version were looked at."""
        with self._database.reading() as connection:
            return self._ends(connection, model)

    def of(
        self,
        model: str,
        since: datetime | None = None,
        monitor: str | None = None,
        version: int | None = None,
        limit: int | None = None,
    ) -> list[Window]:
        """Return a model's windows, the newest first. since: those that end later"""
        table = self._windows
        asked = [table.c.model == model]
        asked += [] if since is None else [table.c.until > since]
        asked += [] if monitor is None else [table.c.monitor == monitor]
        asked += [] if version is None else [table.c.version == version]
        query = table.select().where(*asked).order_by(table.c.since.desc(), table.c.id.desc())
        return [_window(row) for row in self._database.rows(query.limit(limit or AT_MOST))]

    def marks(self, model: str, limit: int) -> list[Window]:
        """Return a model's newest windows without figures and findings, which are long."""
        table = self._windows
        told = [column for column in table.c if column.name not in ("figures", "findings")]
        query = table.select().with_only_columns(*told).where(table.c.model == model)
        rows = self._database.rows(query.order_by(table.c.since.desc(), table.c.id.desc()).limit(limit))
        return [_window({**row, "figures": "{}", "findings": "[]"}) for row in rows]

    def note_labels(self, windows: Sequence[Window], labels: int) -> None:
        """Say that labels up to a number tell nothing of these windows."""
        table = self._windows
        with self._database.writing() as connection:
            for window in windows:
                values = {name: getattr(window, name) for name in KEY}
                same = [*(table.c[name] == value for name, value in values.items()), table.c.labels < labels]
                connection.execute(table.update().where(*same).values(labels=labels))

    def _put(self, connection: Connection, window: Window, now: datetime) -> bool:
        """Put a window in its place, unless one stands there that knew as many labels."""
        table, values = self._windows, {**_row(window), "looked": now}
        same = [table.c[name] == values[name] for name in KEY]
        held = connection.execute(table.select().where(*same)).mappings().first()
        if held is None:
            connection.execute(table.insert().values(**values))
            return True
        if held["labels"] >= window.labels:
            return False
        connection.execute(table.update().where(table.c.id == held["id"]).values(**values))
        return True

    def _standing(self, connection: Connection, looked: Sequence[Window], newest: int) -> Standing:
        model, version = looked[0].model, looked[0].version
        table, recent = self._windows, {}
        for monitor in (one.monitor for one in looked):
            asked = [
                table.c.model == model,
                table.c.version == version,
                table.c.monitor == monitor,
                table.c.speaks == 1,
            ]
            query = table.select().where(*asked).order_by(table.c.since.desc()).limit(newest)
            recent[monitor] = [_window(row) for row in connection.execute(query).mappings()][::-1]
        return Standing(
            recent,
            [*self._alarms.within(connection, model), *self._alarms.within(connection, model, "closed", LATELY)],
            self._alarms.mutes_within(connection, model),
            self._ends(connection, model),
        )

    def _ends(self, connection: Connection, model: str) -> dict[int, datetime]:
        from sqlalchemy import func, select

        table = self._windows
        query = select(table.c.version, func.max(table.c.until)).where(table.c.model == model)
        return {version: utc(end) for version, end in connection.execute(query.group_by(table.c.version))}


def _event(change: Change, what: What) -> AlarmEvent:
    alarm = change.alarm
    return AlarmEvent(alarm.model, what, alarm.number, *alarm.key, finding=alarm.finding, window=change.window)


def _row(window: Window) -> dict[str, Any]:
    named = ("model", "version", "monitor", "since", "until", "rows", "labels", "error")
    return {
        **{name: getattr(window, name) for name in named},
        "figures": text_of(dict(window.figures)),
        "findings": text_of([to_json(one) for one in window.findings]),
        "speaks": int(window.speaks),
    }


def _window(row: Mapping[str, Any] | RowMapping) -> Window:
    return Window(
        row["model"],
        row["version"],
        row["monitor"],
        utc(row["since"]),
        utc(row["until"]),
        row["rows"],
        data_of(row["figures"]),
        findings_of(row["findings"]),
        row["labels"],
        row["error"],
        bool(row["speaks"]),
        utc(row["looked"]),
    )
