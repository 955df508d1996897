"""What the catalog knows of models: their versions and aliases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName
from hookline.kinds.given.names import require_name

from ..shelf import shelf_of
from .acts import Acts
from .sql.database import Database
from .sql.values import data_of, now, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping, ScalarSelect, Select

CHAMPION = "champion"
"""The alias of the version that is meant where only the model is named."""
LARGEST = 2**31 - 1
"""The greatest number that the column of versions holds; a database refuses to look for a greater one."""
DELETED = ""
"""The path of a version that was deleted, whose row stays so that its number is not given again."""


@dataclass(frozen=True)
class ModelRecord:
    """One version of a model."""

    name: str
    version: int
    run_id: str
    path: str
    format: str
    created: datetime
    metrics: Mapping[str, float]
    fingerprint: str


class Models:
    """Models, their versions and aliases in a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.shelf = shelf_of(database.places.home)
        self._models = database.tables["models"]
        self._aliases = database.tables["aliases"]
        self._acts = Acts(database)

    def register(
        self,
        name: str,
        run_id: str,
        path: str,
        package_format: str,
        metrics: Mapping[str, float],
        fingerprint: str,
    ) -> int:
        """Give a package the model's next version number; the same package under the same name keeps the one it has.

        Where machines share packages it is copied to where they do, before the number is given: raises StoreError where it
        cannot be.
        """
        from sqlalchemy import func

        if self.shelf is not None:
            self.shelf.put(Path(path))
        models = self._models
        versions = models.select().with_only_columns(models.c.version).where(models.c.name == name)
        newest = versions.with_only_columns(func.max(models.c.version))
        with self._database.writing() as connection:
            same = versions.where(models.c.fingerprint == fingerprint, models.c.path != DELETED).limit(1)
            held = connection.execute(same).scalar()
            if held is not None:
                return int(held)
            version = int(connection.execute(newest).scalar() or 0) + 1
            kept = self._database.places.kept(path)
            values = {"name": name, "version": version, "run_id": run_id, "path": kept, "format": package_format}
            told = {"created": now(), "metrics": text_of(metrics), "fingerprint": fingerprint}
            connection.execute(models.insert().values(**values, **told))
            return version

    def names(self) -> list[str]:
        """Return the name of every model, in order."""
        names = self._there().with_only_columns(self._models.c.name).distinct()
        # A server sorts by its own locale.
        return sorted(row["name"] for row in self._database.rows(names))

    def has(self, name: str) -> bool:
        """Tell whether a model has a version."""
        return self._database.first(self._of(name).with_only_columns(self._models.c.version)) is not None

    def require_known(self, name: str) -> None:
        """Raise UnknownName for what is no model."""
        if not self.has(name):
            raise UnknownName("model", name, self.names())

    def every_version(self) -> list[ModelRecord]:
        """Return every version of every model, by name, newest version first."""
        return _sorted(map(self._record, self._database.rows(self._there())))

    def newest_versions(self) -> list[ModelRecord]:
        """Return the newest version of every model, by name."""
        from sqlalchemy import func

        models = self._models
        version = func.max(models.c.version).label("version")
        newest = self._there().with_only_columns(models.c.name, version).group_by(models.c.name).subquery()
        is_it = (models.c.name == newest.c.name) & (models.c.version == newest.c.version)
        return _sorted(map(self._record, self._database.rows(models.select().join(newest, is_it))))

    def versions(self, name: str) -> list[ModelRecord]:
        """Return a model's versions, newest first; raises UnknownName."""
        found = self._database.rows(self._of(name).order_by(self._models.c.version.desc()))
        if not found:
            raise UnknownName("model", name, self.names())
        return [self._record(row) for row in found]

    def get(self, name: str, which: int | str | None = None) -> ModelRecord:
        """Return a version by number or alias; None is the champion, or the newest where there is none.

        Where machines share packages, and this one lacks it, it is brought.
        Raises UnknownName where there is no such model, alias or version, StoreError where it cannot be brought.
        """
        record = self._find(name, which)
        if self.shelf is not None and not Path(record.path).is_dir():
            self.shelf.bring(Path(record.path))
        return record

    def aliases(self, name: str) -> dict[str, int]:
        """Return a model's aliases and their versions."""
        found = self._database.rows(self._aliases.select().where(self._aliases.c.model == name))
        return {row["alias"]: row["version"] for row in found}

    def set_alias(self, name: str, alias: str, version: int, reason: str = "", who: str | None = None) -> None:
        """Point an alias at a version, and put on record who did it and why.

        who: by default, whoever works here
        Raises UnknownName where there is no such version, UsageError for what is no name.
        """
        require_name(alias, "an alias", "stable")
        with self._database.writing() as connection:
            # While nobody else may write, so that it is not deleted meanwhile.
            self.require(name, [version])
            facts = {"alias": alias, "before": self.aliases(name).get(alias)}
            self.point_alias(connection, name, alias, version)
            self._acts.add(connection, name, version, "aliased", facts, reason, who)

    def begun(self) -> dict[str, datetime]:
        """Return when the first version of each model was registered, whether it is still there or not."""
        from sqlalchemy import func

        models = self._models
        first = func.min(models.c.created).label("first")
        query = models.select().with_only_columns(models.c.name, first).group_by(models.c.name)
        return {row["name"]: utc(row["first"]) for row in self._database.rows(query)}

    def deleted(self) -> set[tuple[str, str]]:
        """Return name and fingerprint of every version that was deleted."""
        models = self._models
        query = models.select().with_only_columns(models.c.name, models.c.fingerprint)
        gone = query.where(models.c.path == DELETED)
        return {(row["name"], row["fingerprint"]) for row in self._database.rows(gone)}

    def deleted_of(self, name: str, formats: Collection[str] | None = None) -> dict[str, int]:
        """Return fingerprint -> number of a model's versions that were deleted, but for those that were registered anew.

        formats: None, or only those in one of these
        """
        models = self._models
        query = models.select().where(models.c.name == name).order_by(models.c.version)
        rows = [*self._database.rows(query)]
        left = {row["fingerprint"] for row in rows if row["path"] != DELETED}
        return {
            row["fingerprint"]: row["version"]
            for row in rows
            if row["fingerprint"] not in left and (formats is None or row["format"] in formats)
        }

    def of_fingerprint(self, name: str, fingerprint: str) -> ModelRecord | None:
        """Return the version of a model that was made so; None where there is none, or it was deleted."""
        row = self._database.first(self._of(name).where(self._models.c.fingerprint == fingerprint))
        return None if row is None else self._record(row)

    def require(self, name: str, versions: Iterable[int]) -> None:
        """Raise UnknownName where a model lacks one of these versions."""
        for version in sorted(versions):
            self._find(name, version)

    def point_alias(self, connection: Connection, name: str, alias: str, version: int) -> None:
        """Point an alias at a version that is there, as a part of what else a connection writes."""
        aliases = self._aliases
        connection.execute(aliases.delete().where(aliases.c.model == name, aliases.c.alias == alias))
        connection.execute(aliases.insert().values(model=name, alias=alias, version=version, since=now()))

    def forget(self, connection: Connection, name: str, version: int) -> None:
        """Take a version's package away, as a part of what else a connection writes; its number stays taken."""
        models = self._models
        one = (models.c.name == name) & (models.c.version == version)
        connection.execute(models.update().where(one).values(path=DELETED))

    def _find(self, name: str, which: int | str | None) -> ModelRecord:
        row = self._database.first(self._of(name).where(self._models.c.version == self._number(name, which)))
        if row is None:
            raise self._unknown(name, which)
        return self._record(row)

    def _there(self) -> Select[Any]:
        return self._models.select().where(self._models.c.path != DELETED)

    def _of(self, name: str) -> Select[Any]:
        return self._there().where(self._models.c.name == name)

    def _number(self, name: str, which: int | str | None) -> Any:
        """Return the number of a version, as the database is to work it out."""
        from sqlalchemy import func

        if isinstance(which, int):
            return which if which <= LARGEST else None
        if which is not None:
            return self._aliased(name, which)
        newest = self._of(name).with_only_columns(func.max(self._models.c.version)).scalar_subquery()
        return func.coalesce(self._aliased(name, CHAMPION), newest)

    def _aliased(self, name: str, alias: str) -> ScalarSelect[int]:
        aliases = self._aliases
        found = aliases.select().with_only_columns(aliases.c.version)
        return found.where(aliases.c.model == name, aliases.c.alias == alias).scalar_subquery()

    def _record(self, row: RowMapping) -> ModelRecord:
        metrics = data_of(row["metrics"]) if row["metrics"] else {}
        return ModelRecord(
            row["name"],
            row["version"],
            row["run_id"],
            self._database.places.found(row["path"]),
            row["format"],
            utc(row["created"]),
            metrics,
            row["fingerprint"],
        )

    def _unknown(self, name: str, which: int | str | None) -> UnknownName:
        if not self.has(name):
            return UnknownName("model", name, self.names())
        if isinstance(which, str):
            return UnknownName(f"alias of {name}", which, self.aliases(name))
        known = [str(record.version) for record in self.versions(name)]
        said = str(CHAMPION if which is None else which)
        return UnknownName(f"version of {name}", said, known, hint=self._end(name, which, known))

    def _end(self, name: str, version: int | None, known: Iterable[str]) -> str | None:
        """Say of a version that was deleted when and by whom; None of one that never was."""
        acts = self._acts.of(name, version) if version is not None and version <= LARGEST else []
        for act in acts:
            if act.sort == "deleted":
                why = f": {act.reason}" if act.reason else ""
                return f"it was deleted on {act.when:%Y-%m-%d} by {act.who}{why}; there is {', '.join(known)}"
        return None


def _sorted(records: Iterable[ModelRecord]) -> list[ModelRecord]:
    # A server sorts by its own locale.
    return sorted(records, key=lambda record: (record.name, -record.version))
