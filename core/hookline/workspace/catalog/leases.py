"""How runs and jobs are held: by an owner that says in the catalog again and again that it is alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError
from hookline.telling.secrets import logger

from ..processes.owners import BEAT_SECONDS, Beat, Owner, Watch, host
from .sql.database import Database
from .sql.values import utc

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

log = logger("hookline.workspace.catalog")

HELD = ("runs", "jobs")
"""Tables whose rows somebody holds while their status is `running`."""


class Look:
    """One look at who holds rows, which asks a server's clock but once, and only if a row says `running`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, row: Mapping[str, Any] | RowMapping) -> Beat:
        """Return the last that was heard of who holds a running row."""
        owner = Owner.read(row["owner"] or "")
        heard: datetime | None = row["heard"]
        age = float("inf") if heard is None else (self._clock - utc(heard)).total_seconds()
        return Beat(owner, row["beat"] or 0.0, age, self._database.has_clock)

    def is_lost(self, row: Mapping[str, Any] | RowMapping) -> bool:
        """Tell whether nobody is at a row that says `running`, as far as can be told without waiting."""
        return row["status"] == "running" and self.last(row).standing() != "alive"

    def is_dead(self, row: Mapping[str, Any] | RowMapping) -> bool:
        """Tell whether it is certain that nobody is at a row that says `running`."""
        return row["status"] == "running" and self.last(row).standing() == "dead"

    def has_ended(self, row: Mapping[str, Any] | RowMapping, watch: Watch) -> bool:
        """Look once more at who holds a row that says `running`, and tell whether that one is dead."""
        return watch.has_ended(self.last(row))

    @cached_property
    def _clock(self) -> datetime:
        return self._database.clock()


class Leases:
    """Who holds the runs and jobs of a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def held(self) -> Iterator[Owner]:
        """Give an owner of this process, whose runs and jobs are kept alive for the time of this block."""
        owner = Owner.here()
        with _beating(lambda: self.beat(owner)):
            yield owner

    def of(self, owner: Owner) -> dict[str, Any]:
        """Return the columns of a row that an owner takes, or of which it says that it is still at it."""
        return {"owner": str(owner), "host": host()[:255], **self._now(owner)}

    def beat(self, owner: Owner) -> None:
        """Say that an owner is alive."""
        with self._database.writing() as connection:
            for table in (self._database.tables[name] for name in HELD):
                mine = (table.c.owner == str(owner)) & (table.c.status == "running")
                connection.execute(table.update().where(mine).values(**self._now(owner)))

    def look(self) -> Look:
        """Begin a look at who holds rows, at one moment for all of them."""
        return Look(self._database)

    def _now(self, owner: Owner) -> dict[str, Any]:
        return {"beat": owner.clock(), "heard": self._database.now()}


class Controllers:
    """Who carries rollouts on, or watches, in a catalog: one a model."""

    def __init__(self, database: Database, table: str = "controllers") -> None:
        self._database = database
        self._controllers = database.tables[table]

    def take(self, model: str, owner: Owner, watch: Watch) -> bool:
        """Say that an owner is at it, and tell whether it is the one: the first, or after the last one's death.

        watch: of who is looked at again and again, so that one on another machine is known to be dead by no clock but ours
        """
        table = self._controllers
        mine = {"owner": str(owner), "host": host()[:255], "beat": owner.clock(), "heard": self._database.now()}
        with self._database.writing() as connection:
            held = connection.execute(table.select().where(table.c.model == model)).mappings().first()
            if held is None:
                connection.execute(table.insert().values(model=model, **mine))
                return True
            if held["owner"] != str(owner) and not watch.has_ended(Look(self._database).last(held)):
                return False
            connection.execute(table.update().where(table.c.model == model).values(**mine))
            return True

    @contextmanager
    def held(self, model: str, owner: Owner, watch: Watch) -> Iterator[threading.Event]:
        """Say again and again that an owner is at it, for the time of this block, and let go after it.

        Yields what is set once another has taken over.
        """
        lost = threading.Event()

        def beat() -> None:
            if not self.take(model, owner, watch):
                lost.set()

        try:
            with _beating(beat):
                yield lost
        finally:
            with suppress(HooklineError):
                self.leave(model, owner)

    def leave(self, model: str, owner: Owner) -> None:
        """Let go, so that another need not wait."""
        table = self._controllers
        with self._database.writing() as connection:
            connection.execute(table.delete().where(table.c.model == model, table.c.owner == str(owner)))

    def who(self, model: str) -> str | None:
        """Return the machine that is at it, or None."""
        found = self._database.first(self._controllers.select().where(self._controllers.c.model == model))
        return None if found is None else str(found["host"])


@contextmanager
def _beating(beat: Callable[[], None]) -> Iterator[None]:
    """Give a sign of life again and again for the time of this block."""
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                beat()
            except Exception as error:  # noqa: BLE001  a heart that stops at any error has what it holds taken from it
                # The next one may come through; who holds something has to write to the same catalog, and is told there.
                log.debug("a sign of life was not written: %s", error)

    beating = threading.Thread(target=keep, name="heartbeat", daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join(1)
