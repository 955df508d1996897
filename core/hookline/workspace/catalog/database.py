"""The catalog as a database: made, checked, read from and written to."""

from __future__ import annotations

import os
import platform
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hookline.errors import StoreError, UnknownName, UsageError
from hookline.kinds.artifacts import Feature
from hookline.kinds.deployments import Deployment

from .engine import engine_of, shown, store_error
from .models import ModelRecord, deployment_of, model_record
from .runs import RunRecord, StageRecord, is_alive, run_record
from .tables import tables
from .values import data_of, now, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import Connection


FORMAT = 2
"""Version of the tables."""
SEVERAL = 1_000
"""Runs that are looked at where a name fits several."""


class Catalog:
    """One SQLite file by default, PostgreSQL by URL; parallel writers wait, and do not fail."""

    def __init__(self, url: str) -> None:
        from sqlalchemy import exc

        self.url = url
        self.tables = tables()
        try:
            self._engine = engine_of(url)
            weakref.finalize(self, self._engine.dispose)  # A server's connections are closed with the catalog.
            self._prepare()
        except exc.DatabaseError as error:
            raise store_error(url, error) from error

    def begin_run(self, run_id: str, name: str, path: str, config: Any, plan: Any) -> None:
        """Record that a run has begun, by this process."""
        row = {
            "id": run_id,
            "name": name,
            "path": path,
            "status": "running",
            "started": now(),
            "config": text_of(config),
        }
        with self.writing() as connection:
            owner = {"plan": text_of(plan), "pid": os.getpid(), "host": platform.node()}
            connection.execute(self.tables["runs"].insert().values(**row, **owner))

    def end_run(self, run_id: str, status: str, metrics: Mapping[str, float], error: str | None = None) -> None:
        """Record how a run ended."""
        runs = self.tables["runs"]
        with self.writing() as connection:
            values = {"status": status, "finished": now(), "metrics": text_of(metrics), "error": error}
            connection.execute(runs.update().where(runs.c.id == run_id).values(**values))

    def mark_interrupted(self) -> int:
        """Mark runs of this host whose process is gone as interrupted; returns how many."""
        runs = self.tables["runs"]
        with self.reading() as connection:
            found = (
                connection.execute(runs.select().where(runs.c.status == "running", runs.c.host == platform.node()))
                .mappings()
                .all()
            )
        dead = [row["id"] for row in found if not is_alive(row["pid"])]
        if dead:
            with self.writing() as connection:
                values = {"status": "interrupted", "finished": now()}
                connection.execute(
                    runs.update().where(runs.c.id.in_(dead), runs.c.status == "running").values(**values)
                )
        return len(dead)

    def runs(self, limit: int = 50) -> list[RunRecord]:
        """Return the newest runs first."""
        runs = self.tables["runs"]
        with self.reading() as connection:
            found = connection.execute(runs.select().order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit))
            return [run_record(row) for row in found.mappings()]

    def find_run(self, name: str) -> RunRecord | None:
        """Return a run by `last`, its id, or the id's first letters; None where none fits, UsageError where several do."""
        runs = self.tables["runs"]
        newest = runs.select().order_by(runs.c.started.desc(), runs.c.id.desc())
        with self.reading() as connection:
            if name == "last":
                rows = connection.execute(newest.limit(1)).mappings().all()
            else:
                begins = runs.c.id.startswith(name, autoescape=True)
                rows = connection.execute(newest.where(begins).limit(SEVERAL)).mappings().all()
        found = [run_record(row) for row in rows if row["id"] == name] or [run_record(row) for row in rows]
        if len(found) > 1:
            more = " or more" if len(found) == SEVERAL else ""
            raise UsageError(f"'{name}' fits {len(found)}{more} runs: {', '.join(r.id for r in found[:5])}")
        return found[0] if found else None

    def run(self, name: str) -> RunRecord:
        """Return a run as `find_run` does; raises UnknownName where none fits."""
        found = self.find_run(name)
        if found is None:
            known = [record.id for record in self.runs(SEVERAL)]
            raise UnknownName("run", name, known, hint="`hookline runs list` lists them" if known else None)
        return found

    def record_stage(
        self,
        run_id: str,
        key: str,
        kind: str,
        component: str,
        status: str,
        fingerprint: str,
        parts: Mapping[str, Any],
        seconds: float,
        why: str,
    ) -> None:
        """Record what became of a stage."""
        values = {"run_id": run_id, "key": key, "kind": kind, "component": component, "status": status, "why": why}
        with self.writing() as connection:
            connection.execute(
                self.tables["stages"]
                .insert()
                .values(**values, fingerprint=fingerprint, parts=text_of(parts), seconds=seconds, recorded=now())
            )

    def last_stage(self, key: str, component: str | None = None, name: str | None = None) -> StageRecord | None:
        """Return the newest stage that was run or found under a key, in runs of this name where there is one."""
        stages, runs = self.tables["stages"], self.tables["runs"]
        query = stages.select().where(stages.c.key == key, stages.c.status.in_(("ran", "cached")))
        if component:
            query = query.where(stages.c.component == component)
        if name:
            query = query.where(
                stages.c.run_id.in_(runs.select().with_only_columns(runs.c.id).where(runs.c.name == name))
            )
        with self.reading() as connection:
            row = connection.execute(query.order_by(stages.c.id.desc()).limit(1)).mappings().first()
        if row is None:
            return None
        return StageRecord(row["run_id"], row["key"], row["component"], row["fingerprint"], data_of(row["parts"]))

    def stage_parts(self, run_id: str, key: str) -> Mapping[str, Any] | None:
        """Return what a stage's fingerprint was made of in one run, or None where the catalog does not know it."""
        stages = self.tables["stages"]
        query = stages.select().where(stages.c.run_id == run_id, stages.c.key == key).order_by(stages.c.id.desc())
        with self.reading() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return None if row is None else data_of(row["parts"])

    def record_features(self, run_id: str, features: Sequence[Feature], importances: Mapping[str, float]) -> None:
        """Record a run's features with their importances, once."""
        table = self.tables["features"]
        rows = [
            {
                "run_id": run_id,
                "name": feature.name,
                "dtype": feature.dtype,
                "inputs": text_of(feature.inputs),
                "definition": feature.definition,
                "version": feature.version,
                "importance": importances.get(feature.name),
            }
            for feature in features
        ]
        with self.writing() as connection:
            if rows and connection.execute(table.select().where(table.c.run_id == run_id).limit(1)).first() is None:
                connection.execute(table.insert(), rows)

    def features(self, run_id: str) -> list[dict[str, Any]]:
        """Return a run's features in order."""
        table = self.tables["features"]
        with self.reading() as connection:
            found = connection.execute(table.select().where(table.c.run_id == run_id).order_by(table.c.id)).mappings()
            return [{**row, "inputs": data_of(row["inputs"])} for row in found]

    def register_model(
        self,
        name: str,
        run_id: str,
        path: str,
        package_format: str,
        metrics: Mapping[str, float],
        fingerprint: str,
    ) -> int:
        """Give a package the model's next version number; the same package under the same name keeps the one it has."""
        from sqlalchemy import func, select

        models = self.tables["models"]
        with self.writing() as connection:
            held = (
                connection.execute(models.select().where(models.c.name == name, models.c.fingerprint == fingerprint))
                .mappings()
                .first()
            )
            if held is not None:
                return int(held["version"])
            newest = connection.execute(select(func.max(models.c.version)).where(models.c.name == name)).scalar() or 0
            values = {"name": name, "version": newest + 1, "run_id": run_id, "path": path, "format": package_format}
            connection.execute(
                models.insert().values(**values, created=now(), metrics=text_of(metrics), fingerprint=fingerprint)
            )
            return int(newest) + 1

    def models(self) -> list[ModelRecord]:
        """Return every version of every model, by name, newest version first."""
        models = self.tables["models"]
        with self.reading() as connection:
            found = connection.execute(models.select().order_by(models.c.name, models.c.version.desc())).mappings()
            return [model_record(row) for row in found]

    def has_model(self, name: str) -> bool:
        """Tell whether a model has a version."""
        models = self.tables["models"]
        with self.reading() as connection:
            return connection.execute(models.select().where(models.c.name == name).limit(1)).first() is not None

    def versions(self, name: str) -> list[ModelRecord]:
        """Return a model's versions, newest first; raises UnknownName."""
        known = self.models()
        found = [record for record in known if record.name == name]
        if not found:
            raise UnknownName("model", name, {record.name for record in known})
        return found

    def model(self, name: str, which: int | str | None = None) -> ModelRecord:
        """Return a version by number or alias; None is the champion, or the newest where there is none."""
        versions = self.versions(name)
        aliases = self.aliases(name)
        if which is None:
            which = aliases.get("champion", versions[0].version)
        elif isinstance(which, str):
            if which not in aliases:
                raise UnknownName(f"alias of {name}", which, aliases)
            which = aliases[which]
        found = [record for record in versions if record.version == which]
        if not found:
            raise UnknownName(f"version of {name}", str(which), [str(record.version) for record in versions])
        return found[0]

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version; raises UnknownName where there is no such version."""
        self.model(name, version)
        with self.writing() as connection:
            self._set_alias(connection, name, alias, version)

    def aliases(self, name: str) -> dict[str, int]:
        """Return a model's aliases and their versions."""
        aliases = self.tables["aliases"]
        with self.reading() as connection:
            found = connection.execute(aliases.select().where(aliases.c.model == name)).mappings()
            return {row["alias"]: row["version"] for row in found}

    def record_deployment(self, deployment: Deployment, reason: str) -> None:
        """Append a routing policy, and set the aliases that come with it, in one transaction."""
        for version in deployment.versions:
            self.model(deployment.model, version)
        policy = {
            "version": deployment.version,
            "routes": [[r.version, r.weight, r.shadow] for r in deployment.routes],
            "aliases": dict(deployment.aliases),
            "fields": dict(deployment.fields),
            "step": deployment.step,
        }
        values = {"model": deployment.model, "deployer": deployment.deployer, "reason": reason}
        with self.writing() as connection:
            connection.execute(
                self.tables["deployments"].insert().values(**values, policy=text_of(policy), created=now())
            )
            for alias, version in deployment.aliases.items():
                self._set_alias(connection, deployment.model, alias, version)

    def deployments(self, model: str) -> list[dict[str, Any]]:
        """Return every policy a model ever had, newest first: deployment, created, reason."""
        table = self.tables["deployments"]
        with self.reading() as connection:
            query = table.select().where(table.c.model == model).order_by(table.c.id.desc())
            found = connection.execute(query).mappings().all()
        return [
            {"deployment": deployment_of(row), "created": utc(row["created"]), "reason": row["reason"]} for row in found
        ]

    def current_deployment(self, model: str) -> Deployment | None:
        """Return the policy in force, or None."""
        found = self.deployments(model)
        return found[0]["deployment"] if found else None

    def _set_alias(self, connection: Connection, name: str, alias: str, version: int) -> None:
        aliases = self.tables["aliases"]
        connection.execute(aliases.delete().where(aliases.c.model == name, aliases.c.alias == alias))
        connection.execute(aliases.insert().values(model=name, alias=alias, version=version, since=now()))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold a connection to read by; raises StoreError where the catalog is damaged or out of reach."""
        from sqlalchemy import exc

        try:
            with self._engine.connect() as connection:
                yield connection
        except exc.DatabaseError as error:
            raise store_error(self.url, error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the right to write, and commit at the end; waits for other writers. Raises StoreError where it cannot."""
        from sqlalchemy import exc, text

        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    # Taken before the first read, so that two writers never hold a read that neither can extend.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                elif connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(4859)"))
                yield connection
                connection.commit()
        except exc.DatabaseError as error:
            raise store_error(self.url, error) from error

    def _prepare(self) -> None:
        from sqlalchemy import inspect

        meta = self.tables["meta"]
        if not inspect(self._engine).has_table("hookline_meta"):
            with self.writing() as connection:
                meta.metadata.create_all(connection)
                if connection.execute(meta.select()).first() is None:
                    connection.execute(meta.insert().values(format=FORMAT))
            return
        with self._engine.connect() as connection:
            row = connection.execute(meta.select()).first()
        if row is None or row.format != FORMAT:
            found = row.format if row else "none"
            raise StoreError(
                f"the catalog {shown(self.url)} has format {found}, and this hookline reads {FORMAT}",
                hint="use the hookline that wrote it, or move the catalog away to begin a new one",
            )
