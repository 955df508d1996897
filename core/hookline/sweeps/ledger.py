"""What is known of each job of a sweep, kept in the catalog, so that a sweep can be gone on with after anything."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName, UsageError
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.runs import is_alive
from hookline.workspace.catalog.values import now

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from .workers.interfaces import Outcome


ENDED = ("finished", "pruned")
"""What a job is called that went as it should, and is never run again."""


@dataclass(frozen=True)
class NewJob:
    """A job as it is defined, before anything of it has run."""

    number: int
    trial: int
    """Jobs of one trial differ in their repeat or fold only."""
    overrides: tuple[str, ...]
    config: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    """Stage key -> fingerprint."""


@dataclass(frozen=True)
class JobRecord:
    """A job as the ledger has it."""

    number: int
    trial: int
    overrides: tuple[str, ...]
    config: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    status: str
    """pending, running, interrupted, finished, pruned, or why it failed: failed, gated, crashed, timed out, out of memory."""
    run_id: str
    path: str
    error: str
    seconds: float
    peak_memory: int
    metrics: Mapping[str, Any]
    """Name -> [value, whether greater is better]."""


@dataclass(frozen=True)
class SweepRecord:
    """A sweep as the ledger has it."""

    id: str
    path: str
    overrides: tuple[str, ...]
    settings: Mapping[str, Any]
    """Of the launcher, and what an error does."""
    stages: Mapping[str, Any]
    """Fingerprint -> what it is made of, to say what has changed since."""


class Ledger:
    """Sweeps and their jobs in a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._database, self._runs = catalog.database, catalog.runs
        self._sweeps = catalog.database.tables["sweeps"]
        self._jobs = catalog.database.tables["jobs"]

    def begin(self, sweep: SweepRecord, jobs: Sequence[NewJob]) -> None:
        """Write down a sweep, or more jobs of one that is there."""
        path = self._database.places.kept(sweep.path)
        with self._database.writing() as connection:
            known = connection.execute(self._sweeps.select().where(self._sweeps.c.id == sweep.id)).mappings().first()
            if known is not None and known["path"] != path:
                raise UsageError(
                    f"a sweep {sweep.id} is known already, in {self._database.places.found(known['path'])}",
                    hint="give the folder of this one another name, or leave hydra.sweep.dir alone",
                )
            if known is None:
                words = {"overrides": sweep.overrides, "settings": sweep.settings, "stages": sweep.stages}
                values = {key: json.dumps(value) for key, value in words.items()}
                connection.execute(self._sweeps.insert().values(id=sweep.id, path=path, created=now(), **values))
            else:
                stages = json.dumps({**json.loads(known["stages"]), **sweep.stages})
                connection.execute(self._sweeps.update().where(self._sweeps.c.id == sweep.id).values(stages=stages))
            for job in jobs:
                connection.execute(self._jobs.insert().values(sweep_id=sweep.id, status="pending", **_defined(job)))

    def sweep(self, name: str) -> SweepRecord:
        """Return a sweep by `last`, its id, or the id's first letters; raises UnknownName, or UsageError where several fit."""
        with self._database.reading() as connection:
            found = connection.execute(self._sweeps.select().order_by(self._sweeps.c.created.desc())).mappings().all()
        exact = found[:1] if name == "last" else [row for row in found if row["id"] == name]
        fit = exact or [row for row in found if row["id"].startswith(name)]
        if not fit:
            hint = "`hookline sweeps list` lists them" if found else None
            raise UnknownName("sweep", name, [row["id"] for row in found], hint=hint)
        if len(fit) > 1:
            raise UsageError(f"'{name}' fits {len(fit)} sweeps: {', '.join(row['id'] for row in fit[:5])}")
        return self._sweep(fit[0])

    def sweeps(self) -> list[SweepRecord]:
        """Return every sweep, newest first."""
        with self._database.reading() as connection:
            newest = self._sweeps.select().order_by(self._sweeps.c.created.desc())
            return [self._sweep(row) for row in connection.execute(newest).mappings()]

    def jobs(self, sweep_id: str, trials: Collection[int] | None = None) -> list[JobRecord]:
        """Return a sweep's jobs in order, or those of some of its trials."""
        query = self._jobs.select().where(self._jobs.c.sweep_id == sweep_id).order_by(self._jobs.c.number)
        if trials is not None:
            query = query.where(self._jobs.c.trial.in_(trials))
        return [self._job(row) for row in self._database.rows(query)]

    def job(self, sweep_id: str, number: int) -> JobRecord:
        """Return one job of a sweep by its number."""
        here = (self._jobs.c.sweep_id == sweep_id) & (self._jobs.c.number == number)
        with self._database.reading() as connection:
            return self._job(connection.execute(self._jobs.select().where(here)).mappings().one())

    def claim(self, sweep_id: str, number: int) -> bool:
        """Take a job for this process; False where it is done, or a process that is alive has it."""
        here = (self._jobs.c.sweep_id == sweep_id) & (self._jobs.c.number == number)
        with self._database.writing() as connection:
            row = connection.execute(self._jobs.select().where(here)).mappings().one()
            mine = row["pid"] == os.getpid() and row["host"] == platform.node()
            if row["status"] in ENDED or (row["status"] == "running" and not mine and _owned(row)):
                return False
            owner = {"pid": os.getpid(), "host": platform.node(), "started": now()}
            connection.execute(self._jobs.update().where(here).values(status="running", **owner))
        return True

    def finish(self, sweep_id: str, number: int, outcome: Outcome) -> None:
        """Write down what became of a job."""
        value = outcome.value or {}
        facts = {
            "status": value.get("status", "finished") if outcome.ok else outcome.status,
            "run_id": value.get("run_id", ""),
            "path": self._database.places.kept(value.get("path", "")),
            "error": value.get("error") or outcome.error or "",
            "metrics": json.dumps(value.get("metrics", {})),
            "seconds": value.get("seconds", outcome.seconds),
            "peak_memory": outcome.peak_memory,
        }
        self._update(sweep_id, number, facts)

    def release(self, sweep_id: str) -> None:
        """Give back the jobs that this process had when it was interrupted, and the runs of workers that are gone."""
        jobs = self._jobs
        mine = (jobs.c.sweep_id == sweep_id) & (jobs.c.pid == os.getpid()) & (jobs.c.host == platform.node())
        mine &= jobs.c.status == "running"
        with self._database.writing() as connection:
            connection.execute(jobs.update().where(mine).values(status="interrupted"))
        self._runs.mark_interrupted()

    def _sweep(self, row: RowMapping) -> SweepRecord:
        texts = {name: json.loads(row[name]) for name in ("settings", "stages")}
        path = self._database.places.found(row["path"])
        return SweepRecord(row["id"], path, tuple(json.loads(row["overrides"])), **texts)

    def _job(self, row: RowMapping) -> JobRecord:
        facts: dict[str, Any] = {name: json.loads(row[name] or "{}") for name in ("config", "fingerprints", "metrics")}
        facts |= {name: row[name] or "" for name in ("status", "run_id", "error")}
        if row["status"] == "running" and not _owned(row):
            facts["status"] = "interrupted"
        facts |= {"path": self._database.places.found(row["path"] or "")}
        facts |= {"seconds": row["seconds"] or 0.0, "peak_memory": row["peak_memory"] or 0}
        return JobRecord(row["number"], row["trial"], tuple(json.loads(row["overrides"])), **facts)

    def _update(self, sweep_id: str, number: int, facts: Mapping[str, Any]) -> None:
        here = (self._jobs.c.sweep_id == sweep_id) & (self._jobs.c.number == number)
        with self._database.writing() as connection:
            connection.execute(self._jobs.update().where(here).values(**facts))


def _owned(row: RowMapping) -> bool:
    """Tell whether the process that has a job may still be at it; of other machines that cannot be known."""
    return row["host"] != platform.node() or is_alive(row["pid"])


def _defined(job: NewJob) -> dict[str, Any]:
    texts = {"overrides": job.overrides, "config": job.config, "fingerprints": job.fingerprints}
    return {"number": job.number, "trial": job.trial, **{key: json.dumps(value) for key, value in texts.items()}}
