"""What the catalog knows of the life of versions beside who answers: tagged, imported, deleted; by whom, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ..processes.owners import person
from .sql.database import Database
from .sql.values import data_of, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

Sort = Literal["tagged", "untagged", "aliased", "imported", "repackaged", "deleted"]


@dataclass(frozen=True)
class Act:
    """One thing that was done to a version. facts: of a tag its name and value, of an import where it came from"""

    model: str
    version: int
    sort: Sort
    facts: Mapping[str, Any]
    reason: str
    who: str
    when: datetime
    """UTC."""

    def words(self) -> str:
        """Return it in a line, such as `v3 tagged stage=trial`, or `@stable -> v3, before v2`."""
        if self.sort == "aliased":
            before = self.facts.get("before")
            return f"@{self.facts['alias']} -> v{self.version}" + (f", before v{before}" if before else "")
        told = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"v{self.version} {self.sort}" + (f" {told}" if told else "")


class Acts:
    """Acts on versions in a catalog; one is added, and none is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._acts = database.tables["acts"]

    def record(
        self, model: str, version: int, sort: Sort, facts: Mapping[str, Any], reason: str = "", who: str | None = None
    ) -> None:
        """Append an act; who: by default, whoever works here."""
        with self._database.writing() as connection:
            self.add(connection, model, version, sort, facts, reason, who)

    def add(
        self,
        connection: Connection,
        model: str,
        version: int,
        sort: Sort,
        facts: Mapping[str, Any],
        reason: str = "",
        who: str | None = None,
    ) -> None:
        """Append an act as a part of what else a connection writes."""
        told = {"model": model, "version": version, "act": sort, "facts": text_of(dict(facts))}
        connection.execute(
            self._acts.insert().values(**told, reason=reason, who=who or person(), at=self._database.now())
        )

    def of(self, model: str, version: int | None = None) -> list[Act]:
        """Return what was done to a model's versions, or to one of them, newest first."""
        table = self._acts
        query = table.select().where(table.c.model == model).order_by(table.c.id.desc())
        if version is not None:
            query = query.where(table.c.version == version)
        return [_act(row) for row in self._database.rows(query)]

    def tags(self, model: str) -> dict[int, dict[str, str]]:
        """Return version -> its tags by name, as they stand now."""
        held: dict[int, dict[str, str]] = {}
        for act in reversed(self.of(model)):
            if act.sort == "tagged":
                held.setdefault(act.version, {}).update(act.facts)
            elif act.sort == "untagged":
                for name in act.facts:
                    held.get(act.version, {}).pop(name, None)
        return held


def _act(row: RowMapping) -> Act:
    return Act(
        row["model"], row["version"], row["act"], data_of(row["facts"]), row["reason"], row["who"], utc(row["at"])
    )
