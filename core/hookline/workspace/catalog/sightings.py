"""What servers saw of each arm while a policy was in force, a row a process, which each writes anew again and again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hookline.kinds.deployments import REFUSED

from .sql.database import Database
from .sql.values import data_of, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

CELL = timedelta(minutes=5)
"""Of the grid that counts are kept by, in multiples of it since 1970, UTC."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_VERSION = 0
"""In the place of a version: of requests that were refused before one answered, whose counts are by status instead of latency."""
REFUSALS = "refused"
"""In the place of an arm, likewise."""


@dataclass(frozen=True)
class Sighting:
    """What one process of a server saw of one arm since it began to follow a policy."""

    model: str
    policy: int
    """The number of the deployment; 0 where the model never had one."""
    version: int
    arm: str
    worker: str
    """Names the process."""
    requests: int
    errors: int
    latency: Sequence[int]
    """Requests by how long they took: by `LATENCY_BOUNDS`, and one count more."""
    compared: Sequence[int]
    """Of these, those that took the same way through the process as those of other arms; others say nothing of a version."""
    answers: Mapping[str, Any]
    """How often what was answered, and which keys' requests failed, as `hookline.live.seen` counts it."""
    heard: datetime | None = None
    """When it was said; None until it is in the catalog."""


@dataclass(frozen=True)
class Cell:
    """What one process counted of one arm in one part of the grid."""

    version: int
    arm: str
    start: datetime
    requests: int
    errors: int
    latency: Mapping[int, int]
    """Place among the buckets -> requests."""


class Sightings:
    """What servers saw, in a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sightings = database.tables["sightings"]
        self._traffic = database.tables["traffic"]

    def tell(self, sightings: Iterable[Sighting]) -> None:
        """Put these in the place of what the same processes said before of the same arms and policies.

        What is more than before is counted in the part of the grid that it is now.
        """
        table, now = self._sightings, self._database.clock()
        with self._database.writing() as connection:
            for one in sightings:
                key = {"policy": one.policy, "version": one.version, "arm": one.arm, "worker": one.worker}
                same = [table.c.model == one.model, *(table.c[name] == value for name, value in key.items())]
                told = {"requests": one.requests, "errors": one.errors, "latency": text_of(list(one.latency))}
                told |= {"compared": text_of(list(one.compared))}
                told |= {"answers": text_of(dict(one.answers)), "heard": self._database.now()}
                held = connection.execute(table.select().where(*same)).mappings().first()
                if held is None:
                    connection.execute(table.insert().values(model=one.model, **key, **told))
                else:
                    connection.execute(table.update().where(table.c.id == held["id"]).values(**told))
                self._count(connection, one, None if held is None else _sighting(held), _start(now))

    def of(self, model: str, policy: int) -> list[Sighting]:
        """Return what every process saw of each version while one policy of a model was in force."""
        table = self._sightings
        query = table.select().where(table.c.model == model, table.c.policy == policy, table.c.version != NO_VERSION)
        return [_sighting(row) for row in self._database.rows(query.order_by(table.c.id))]

    def refused(self, model: str, policy: int) -> dict[int, int]:
        """Return status -> requests that were refused while one policy of a model was in force."""
        table = self._sightings
        query = table.select().where(table.c.model == model, table.c.policy == policy, table.c.version == NO_VERSION)
        return _by_status(enumerate(_sighting(row).latency) for row in self._database.rows(query))

    def cells(self, model: str, since: datetime | None, until: datetime | None, but: Collection[str]) -> list[Cell]:
        """Return what was counted of versions in the parts of the grid that begin from a moment on and before another.

        but: arms that are left out
        """
        table = self._traffic
        found = self._cells(model, since, until, table.c.version != NO_VERSION, table.c.arm.not_in(list(but)))
        return [_cell(row) for row in found]

    def refused_cells(
        self, model: str, since: datetime | None, until: datetime | None
    ) -> list[tuple[datetime, dict[int, int]]]:
        """Return the start of each such part, once a process, with status -> requests that were refused in it."""
        found = map(_cell, self._cells(model, since, until, self._traffic.c.version == NO_VERSION))
        return [(cell.start, _by_status([cell.latency.items()])) for cell in found]

    def _cells(self, model: str, since: datetime | None, until: datetime | None, *asked: Any) -> Sequence[RowMapping]:
        table = self._traffic
        within = [table.c.model == model, *asked]
        within += [] if since is None else [table.c.cell >= since]
        within += [] if until is None else [table.c.cell < until]
        return self._database.rows(table.select().where(*within).order_by(table.c.id))

    def _count(self, connection: Connection, one: Sighting, before: Sighting | None, start: datetime) -> None:
        """Add what is new to what the same process counted in this part of the grid."""
        table = self._traffic
        key = {"version": one.version, "arm": one.arm, "worker": one.worker, "cell": start}
        same = [table.c.model == one.model, *(table.c[name] == value for name, value in key.items())]
        row = connection.execute(table.select().where(*same)).mappings().first()
        held = None if row is None else _cell(row)
        latency = _more(one.latency, before.latency if before else (), held.latency if held else {})
        counted = {
            name: getattr(one, name) - (getattr(before, name) if before else 0) + (getattr(held, name) if held else 0)
            for name in ("requests", "errors")
        }
        values = {**counted, "latency": text_of({str(place): count for place, count in latency.items()})}
        if row is None:
            connection.execute(table.insert().values(model=one.model, **key, **values))
        else:
            connection.execute(table.update().where(table.c.id == row["id"]).values(**values))


def _by_status(counted: Iterable[Iterable[tuple[int, int]]]) -> dict[int, int]:
    """Return status -> requests. counted: each the place among `REFUSED` with requests"""
    statuses = [*REFUSED]
    found: dict[int, int] = {}
    for place, count in (pair for pairs in counted for pair in pairs):
        # One of a newer hookline may know more.
        if count and place < len(statuses):
            found[statuses[place]] = found.get(statuses[place], 0) + count
    return dict(sorted(found.items()))


def _start(moment: datetime) -> datetime:
    return EPOCH + (moment - EPOCH) // CELL * CELL


def _more(now: Sequence[int], before: Sequence[int], held: Mapping[int, int]) -> dict[int, int]:
    """Return bucket -> requests of what was held and of what is more now than before."""
    former = [*before, *[0] * (len(now) - len(before))]
    more = {place: count - former[place] + held.get(place, 0) for place, count in enumerate(now)}
    return {place: count for place, count in more.items() if count}


def _sighting(row: RowMapping) -> Sighting:
    return Sighting(
        row["model"],
        row["policy"],
        row["version"],
        row["arm"],
        row["worker"],
        row["requests"],
        row["errors"],
        data_of(row["latency"]),
        data_of(row["compared"]),
        data_of(row["answers"]),
        utc(row["heard"]),
    )


def _cell(row: RowMapping) -> Cell:
    latency = {int(place): int(count) for place, count in data_of(row["latency"]).items()}
    return Cell(row["version"], row["arm"], utc(row["cell"]), row["requests"], row["errors"], latency)
