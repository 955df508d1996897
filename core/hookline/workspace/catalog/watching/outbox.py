"""What is to be told over channels: kept with the alarm that it is of, and until it was delivered or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..sql.database import Database
from ..sql.values import moment_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping


@dataclass(frozen=True)
class Letter:
    """One message to one channel."""

    model: str
    message: str
    """Names what is told; the same over every channel, and each time that it is tried. It begins with the kind, and `-`."""
    channel: str
    severity: str
    title: str
    body: str
    attempts: int = 0
    error: str | None = None
    """Why it was not delivered the last time."""
    made: datetime | None = None
    """None until it is in the catalog."""
    due: datetime | None = None
    """When it is tried next."""
    sent: datetime | None = None
    given_up: datetime | None = None
    number: int | None = None

    @property
    def kind(self) -> str:
        """What it is of, as `Alert.kind` says it; empty of one that was kept before its name said so."""
        return self.message.rpartition("-")[0]

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be delivered."""
        return self.sent is None and self.given_up is None


class Outbox:
    """Messages in a catalog; those of one channel are delivered in the order in which they were made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = database.tables["outbox"]

    def add(self, connection: Connection, letters: Sequence[Letter], now: datetime) -> None:
        """Add messages within a transaction, due at once."""
        named = ("model", "message", "channel", "severity", "title", "body", "attempts")
        for letter in letters:
            values = {name: getattr(letter, name) for name in named}
            connection.execute(self._outbox.insert().values(**values, made=now, due=now))

    def waiting(self, model: str) -> dict[str, Letter]:
        """Return the first message that waits, by channel."""
        table = self._outbox
        waits = [table.c.model == model, table.c.sent.is_(None), table.c.given_up.is_(None)]
        found: dict[str, Letter] = {}
        for row in self._database.rows(table.select().where(*waits).order_by(table.c.id)):
            found.setdefault(row["channel"], _letter(row))
        return found

    def of(self, model: str, limit: int = 1_000) -> list[Letter]:
        """Return a model's messages, the newest first."""
        table = self._outbox
        query = table.select().where(table.c.model == model).order_by(table.c.id.desc()).limit(limit)
        return [_letter(row) for row in self._database.rows(query)]

    def sent(self, letter: Letter, now: datetime) -> None:
        """Say that a message was delivered."""
        self._set(letter, sent=now, attempts=letter.attempts + 1, error=None)

    def failed(self, letter: Letter, error: str, due: datetime) -> None:
        """Say that a message was not delivered, and when it is tried next."""
        self._set(letter, due=due, attempts=letter.attempts + 1, error=error)

    def give_up(self, letter: Letter, error: str, now: datetime) -> None:
        """Say that a message is not tried any more."""
        self._set(letter, given_up=now, error=error)

    def _set(self, letter: Letter, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(self._outbox.update().where(self._outbox.c.id == letter.number).values(**values))


def _letter(row: RowMapping) -> Letter:
    moments = {name: moment_of(row[name]) for name in ("made", "due", "sent", "given_up")}
    return Letter(
        row["model"],
        row["message"],
        row["channel"],
        row["severity"],
        row["title"],
        row["body"],
        row["attempts"],
        row["error"],
        number=row["id"],
        **moments,
    )
