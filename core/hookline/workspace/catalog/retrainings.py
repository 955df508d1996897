"""What the catalog knows of retrainings: what opened each, what it learned, how the test goes, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from .sql.database import Database
from .sql.values import data_of, text_of, utc
from .watching.outbox import Letter, Outbox

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

Status = Literal[
    "making", "trial", "released", "promoted", "taken back", "refused", "undecided", "failed", "overtaken", "stopped"
]
"""making: the challenger is not there yet; trial: it waits for labels that neither has seen; released: its rollout goes on."""
UNDER_WAY: tuple[Status, ...] = ("making", "trial", "released")
FRUITLESS: tuple[Status, ...] = ("taken back", "refused", "undecided", "failed")
"""How one ends that came to nothing, though nobody stopped it."""
AT_MOST = 100_000
JSON = ("opened", "lesson", "rules", "figures")


@dataclass(frozen=True)
class Retraining:
    """One retraining of a model, from what opened it to what became of it."""

    model: str
    policy: str
    champion: int
    """The version that was in charge when it was opened."""
    opened: Mapping[str, Any]
    """`what` (finding, schedule, labels or hand), `said` (a sentence), `who`, and of a finding `alarm`."""
    lesson: Mapping[str, Any]
    """The labels and rows that may be learned: `upto` (the newest label's number) and `until` (a time)."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Those in force when it was opened."""
    status: Status = "making"
    version: int | None = None
    """The challenger, once there is one."""
    run_id: str | None = None
    seen: int = 0
    """The number of the newest label when the challenger was made: it is tested on later ones."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""
    """How it stands, in a sentence."""
    began: datetime | None = None
    """UTC; None until it is in the catalog."""
    changed: datetime | None = None
    number: int | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNDER_WAY


Letters = Callable[[Retraining], Sequence[Letter]]
"""Says what is to be told of a retraining as it stands from now on."""


class Retrainings:
    """Retrainings in a catalog; of one model at most one is under way.

    What is to be told of a change is kept with it, all of it or nothing.
    """

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._retrainings = database.tables["retrainings"]

    def open(self, new: Retraining, letters: Letters = lambda one: ()) -> Retraining | None:
        """Put a retraining on record, and return it with its number; None where one of the model is under way."""
        table, now = self._retrainings, self._database.clock()
        held = table.select().where(table.c.model == new.model, table.c.status.in_(UNDER_WAY))
        with self._database.writing() as connection:
            if connection.execute(held).first() is not None:
                return None
            done = connection.execute(table.insert().values(**_row(new), began=now, changed=now))
            assert done.inserted_primary_key is not None
            made = replace(new, began=now, changed=now, number=int(done.inserted_primary_key[0]))
            self._outbox.add(connection, letters(made), now)
        return self.under_way(new.model)

    def change(self, old: Retraining, letters: Letters = lambda one: (), **values: Any) -> Retraining:
        """Return a retraining as it stands now: with these values, unless its status changed since it was read."""
        table = self._retrainings
        told = {name: text_of(dict(value)) if name in JSON else value for name, value in values.items()}
        same = (table.c.id == old.number) & (table.c.status == old.status)
        new, now = replace(old, **values), self._database.clock()
        with self._database.writing() as connection:
            done = connection.execute(table.update().where(same).values(**told, changed=now))
            if done.rowcount and new.status != old.status:
                self._outbox.add(connection, letters(new), now)
        found = self.get(old.model, old.number or 0)
        assert found is not None
        return found

    def get(self, model: str, number: int) -> Retraining | None:
        """Return a model's retraining by its number, or None."""
        table = self._retrainings
        row = self._database.first(table.select().where(table.c.model == model, table.c.id == number))
        return None if row is None else _retraining(row)

    def of(self, model: str, limit: int | None = None) -> Sequence[Retraining]:
        """Return a model's retrainings, the newest first."""
        table = self._retrainings
        query = table.select().where(table.c.model == model).order_by(table.c.id.desc())
        return [_retraining(row) for row in self._database.rows(query.limit(limit or AT_MOST))]

    def under_way(self, model: str) -> Retraining | None:
        """Return the one that is under way, or None."""
        return next((one for one in self.of(model) if one.is_under_way), None)


def _row(one: Retraining) -> dict[str, Any]:
    plain = ("model", "policy", "status", "champion", "version", "run_id", "seen", "told")
    return {name: getattr(one, name) for name in plain} | {name: text_of(dict(getattr(one, name))) for name in JSON}


def _retraining(row: RowMapping) -> Retraining:
    plain = ("model", "policy", "status", "champion", "version", "run_id", "seen", "told")
    return Retraining(
        **{name: row[name] for name in plain},
        **{name: data_of(row[name]) for name in JSON},
        began=utc(row["began"]),
        changed=utc(row["changed"]),
        number=row["id"],
    )
