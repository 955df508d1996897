"""What the catalog may forget of a model that is watched: what is over, for long, and needed by no decision any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..sql.database import Database

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select, Table

NEWEST = 10
"""Windows of a version and a monitor that stay, however old: decisions go by them, and the next window begins after them."""


class Old:
    """What is old of watching, in a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, model: str, before: datetime) -> dict[str, int]:
        """Return table -> rows from before a moment that may be forgotten."""
        from sqlalchemy import func, select

        return {
            name: int(self._database.rows(select(func.count().label("rows")).select_from(table).where(old))[0]["rows"])
            for name, table, old in self._old(model, before)
        }

    def forget(self, model: str, before: datetime) -> dict[str, int]:
        """Remove them, all of a table or none, and return the same of what was removed."""
        found: dict[str, int] = {}
        for name, table, old in self._old(model, before):
            with self._database.writing() as connection:
                found[name] = int(connection.execute(table.delete().where(old)).rowcount)
        return found

    def _old(self, model: str, before: datetime) -> Iterator[tuple[str, Table, ColumnElement[bool]]]:
        """Yield tables with the condition of what is old; alarms before what happened to them, which goes with them."""
        from sqlalchemy import func, select

        tables = self._database.tables
        windows, alarms, events, mutes, outbox, traffic, sightings, policies = (
            tables[name]
            for name in (
                *("windows", "alarms", "alarm_events", "mutes", "outbox", "traffic", "sightings", "deployments"),
            )
        )
        yield (
            "windows",
            windows,
            self._of(windows, model, "until", before) & windows.c.id.not_in(_newest(windows, model)),
        )
        over = self._of(alarms, model, "closed", before) & (alarms.c.status == "closed")
        yield "alarms", alarms, over
        kept = select(alarms.c.id).where(alarms.c.model == model, ~over)
        gone = events.c.alarm.is_(None) | events.c.alarm.not_in(kept)
        yield "alarm_events", events, self._of(events, model, "at", before) & gone
        yield "mutes", mutes, self._of(mutes, model, "until", before)
        delivered = self._of(outbox, model, "sent", before) | self._of(outbox, model, "given_up", before)
        yield "outbox", outbox, delivered
        yield "traffic", traffic, self._of(traffic, model, "cell", before)
        current = select(func.coalesce(func.max(policies.c.id), 0)).where(policies.c.model == model).scalar_subquery()
        yield "sightings", sightings, self._of(sightings, model, "heard", before) & (sightings.c.policy != current)

    def _of(self, table: Table, model: str, column: str, before: datetime) -> Any:
        return (table.c.model == model) & (table.c[column] < before)


def _newest(windows: Table, model: str) -> Select[Any]:
    """Return the newest windows of each version and monitor, those that say something apart from the others."""
    from sqlalchemy import func, select

    alike = (windows.c.version, windows.c.monitor, windows.c.speaks)
    place = func.row_number().over(partition_by=alike, order_by=windows.c.since.desc()).label("place")
    ranked = select(windows.c.id, place).where(windows.c.model == model).subquery()
    return select(ranked.c.id).where(ranked.c.place <= NEWEST)
