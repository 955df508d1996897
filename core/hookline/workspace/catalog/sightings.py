"""What servers saw of each arm while a policy was in force, a row a process, which each writes anew again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .sql.database import Database
from .sql.values import data_of, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


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


class Sightings:
    """What servers saw, in a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sightings = database.tables["sightings"]

    def tell(self, sightings: Iterable[Sighting]) -> None:
        """Put these in the place of what the same processes said before of the same arms and policies."""
        table = self._sightings
        with self._database.writing() as connection:
            for one in sightings:
                key = {"policy": one.policy, "version": one.version, "arm": one.arm, "worker": one.worker}
                same = [table.c.model == one.model, *(table.c[name] == value for name, value in key.items())]
                told = {"requests": one.requests, "errors": one.errors, "latency": text_of(list(one.latency))}
                told |= {"compared": text_of(list(one.compared))}
                told |= {"answers": text_of(dict(one.answers)), "heard": self._database.now()}
                if not connection.execute(table.update().where(*same).values(**told)).rowcount:
                    connection.execute(table.insert().values(model=one.model, **key, **told))

    def of(self, model: str, policy: int) -> list[Sighting]:
        """Return what every process saw while one policy of a model was in force."""
        table = self._sightings
        query = table.select().where(table.c.model == model, table.c.policy == policy)
        return [_sighting(row) for row in self._database.rows(query.order_by(table.c.id))]


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
