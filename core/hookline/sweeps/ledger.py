"""What is known of each job of a sweep, kept in the catalog, so that a sweep can be gone on with after anything."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from hookline.errors import UnknownName, UsageError
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sql.database import next_in
from hookline.workspace.catalog.sql.values import now
from hookline.workspace.processes.owners import Owner, Watch

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select

    from hookline.workspace.catalog.leases import Look

    from .workers.interfaces import Outcome


ENDED = ("finished", "pruned")
"""What a job is called that went as it should, and is never run again."""


WAITING = ("pending", "interrupted")
"""What a job is called that has come to nothing yet."""


STANDING = ("number", "trial", "status", "owner", "host", "beat", "heard")
"""Columns that tell how far a job is, and who has it."""


@dataclass(frozen=True)
class Holder:
    """Who has a job."""

    owner: str
    host: str
    """What people call the machine."""


@dataclass(frozen=True)
class JobState:
    """How far a job is."""

    number: int
    trial: int
    status: str


Hold: TypeAlias = tuple[str, int]
"""An owner, and the number of a job that it has."""


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
    owner: str = ""
    """Who had it last."""


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
        self.leases = catalog.leases
        self._sweeps = catalog.database.tables["sweeps"]
        self._jobs = catalog.database.tables["jobs"]
        self._standing = [self._jobs.c[name] for name in STANDING]

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
                values: dict[str, Any] = {key: json.dumps(value) for key, value in words.items()}
                values |= {"id": sweep.id, "path": path, "begun": next_in(self._sweeps.c.begun), "created": now()}
                connection.execute(self._sweeps.insert().values(**values))
            else:
                stages = json.dumps({**json.loads(known["stages"]), **sweep.stages})
                connection.execute(self._sweeps.update().where(self._sweeps.c.id == sweep.id).values(stages=stages))
            for job in jobs:
                connection.execute(self._jobs.insert().values(sweep_id=sweep.id, status="pending", **_defined(job)))

    def sweep(self, name: str) -> SweepRecord:
        """Return a sweep by `last`, its id, or the id's first letters; raises UnknownName, or UsageError where several fit."""
        with self._database.reading() as connection:
            found = connection.execute(self._sweeps.select().order_by(self._sweeps.c.begun.desc())).mappings().all()
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
            newest = self._sweeps.select().order_by(self._sweeps.c.begun.desc())
            return [self._sweep(row) for row in connection.execute(newest).mappings()]

    def jobs(
        self, sweep_id: str, trials: Collection[int] | None = None, numbers: Collection[int] | None = None
    ) -> list[JobRecord]:
        """Return a sweep's jobs in order, or those of some of its trials, or some by their numbers."""
        query, look = self._of(sweep_id), self.leases.look()
        if trials is not None:
            query = query.where(self._jobs.c.trial.in_(trials))
        if numbers is not None:
            # No list of them: a database takes only so many values at once.
            query = query.where(self._jobs.c.number.between(min(numbers, default=0), max(numbers, default=-1)))
        rows = self._database.rows(query)
        return [self._job(row, look) for row in rows if numbers is None or row["number"] in numbers]

    def states(self, sweep_id: str) -> list[JobState]:
        """Return how far each job of a sweep is, in order; nothing else of them is read."""
        look = self.leases.look()
        rows = self._database.rows(self._of(sweep_id).with_only_columns(*self._standing))
        return [JobState(row["number"], row["trial"], _status(row, look)) for row in rows]

    def job(self, sweep_id: str, number: int) -> JobRecord:
        """Return one job of a sweep by its number."""
        here = (self._jobs.c.sweep_id == sweep_id) & (self._jobs.c.number == number)
        with self._database.reading() as connection:
            return self._job(connection.execute(self._jobs.select().where(here)).mappings().one(), self.leases.look())

    def claim(self, sweep_id: str, job: JobRecord, owner: Owner, over: Collection[Hold] = ()) -> bool:
        """Take a job; False where it has ended since it was read, or somebody has it who may be alive.

        over: what is taken from its owner, alive or not
        """
        here = (self._jobs.c.sweep_id == sweep_id) & (self._jobs.c.number == job.number)
        with self._database.writing() as connection:
            row = connection.execute(self._jobs.select().where(here)).mappings().one()
            free = self.leases.look().is_dead(row) or (row["owner"], job.number) in over
            if row["status"] in ENDED or not (free if row["status"] == "running" else _waits(row, job)):
                return False
            taken = {**self.leases.of(owner), "status": "running", "started": now()}
            connection.execute(self._jobs.update().where(here).values(**taken))
        return True

    def held(self, sweep_id: str, numbers: Collection[int]) -> dict[int, Holder]:
        """Return who has jobs that are not known to be lost, by their numbers."""
        look = self.leases.look()
        rows = (row for row in self._running(sweep_id) if row["number"] in numbers)
        return {row["number"]: Holder(row["owner"], row["host"]) for row in rows if not look.is_dead(row)}

    def lost(self, sweep_id: str, watch: Watch) -> set[Hold]:
        """Look once more at who has jobs of a sweep, and return what dead owners have."""
        look = self.leases.look()
        return {(row["owner"], row["number"]) for row in self._running(sweep_id) if look.has_ended(row, watch)}

    def finish(self, sweep_id: str, number: int, outcome: Outcome, owner: Owner) -> bool:
        """Write down what became of an owner's job; False where somebody else has it by now, whose word then counts."""
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
        here = (self._jobs.c.sweep_id == sweep_id) & (self._jobs.c.number == number)
        with self._database.writing() as connection:
            mine = self._jobs.update().where(here, self._jobs.c.owner == str(owner))
            return connection.execute(mine.values(**facts)).rowcount == 1

    def release(self, sweep_id: str, owner: Owner) -> None:
        """Give back the jobs that an owner had when it was interrupted, and the runs of workers that are gone."""
        jobs = self._jobs
        mine = (jobs.c.sweep_id == sweep_id) & (jobs.c.owner == str(owner)) & (jobs.c.status == "running")
        with self._database.writing() as connection:
            connection.execute(jobs.update().where(mine).values(status="interrupted"))
        self._runs.mark_interrupted()

    def _of(self, sweep_id: str) -> Select[Any]:
        return self._jobs.select().where(self._jobs.c.sweep_id == sweep_id).order_by(self._jobs.c.number)

    def _running(self, sweep_id: str) -> Sequence[RowMapping]:
        running = self._of(sweep_id).where(self._jobs.c.status == "running")
        return self._database.rows(running.with_only_columns(*self._standing))

    def _sweep(self, row: RowMapping) -> SweepRecord:
        texts = {name: json.loads(row[name]) for name in ("settings", "stages")}
        path = self._database.places.found(row["path"])
        return SweepRecord(row["id"], path, tuple(json.loads(row["overrides"])), **texts)

    def _job(self, row: RowMapping, look: Look) -> JobRecord:
        facts: dict[str, Any] = {name: json.loads(row[name] or "{}") for name in ("config", "fingerprints", "metrics")}
        facts |= {name: row[name] or "" for name in ("run_id", "error", "owner")}
        facts["status"] = _status(row, look)
        facts |= {"path": self._database.places.found(row["path"] or "")}
        facts |= {"seconds": row["seconds"] or 0.0, "peak_memory": row["peak_memory"] or 0}
        return JobRecord(row["number"], row["trial"], tuple(json.loads(row["overrides"])), **facts)


def _status(row: RowMapping, look: Look) -> str:
    """Return what a job is called for who reads it."""
    return "interrupted" if look.is_lost(row) else row["status"] or ""


def _waits(row: RowMapping, job: JobRecord) -> bool:
    """Tell whether a job that nobody has still waits to be run: nobody had it, and failed, since it was read."""
    return row["status"] in WAITING or (row["status"], row["owner"] or "") == (job.status, job.owner)


def _defined(job: NewJob) -> dict[str, Any]:
    texts = {"overrides": job.overrides, "config": job.config, "fingerprints": job.fingerprints}
    return {"number": job.number, "trial": job.trial, **{key: json.dumps(value) for key, value in texts.items()}}
