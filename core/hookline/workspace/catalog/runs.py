"""What the catalog knows of runs and their stages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName, UsageError

from ..home import RUN_ID
from ..processes.owners import Owner
from .leases import Leases, Look
from .sql.database import SEVERAL, Database, begins, next_in
from .sql.values import data_of, now, text_of, utc

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import RowMapping, Select

JOB = re.compile(RUN_ID.pattern + r"-\d+")
"""The id of a sweep's job; its second try is called `<id>-2`."""
TRIES: Mapping[str, int] = {"finished": 0, "gated": 0, "pruned": 0, "failed": 1}
"""Which of a job's tries counts: the lowest, and else any."""

SHOWN = (
    *("id", "name", "status", "started", "finished", "path", "metrics", "error"),
    *("owner", "beat", "heard"),
)
"""Columns that tell of a run without its config and plan, which are long."""


@dataclass(frozen=True)
class RunRecord:
    """A run as the catalog knows it."""

    id: str
    name: str
    status: str
    started: datetime
    finished: datetime | None
    path: str
    metrics: Mapping[str, float]
    error: str | None


@dataclass(frozen=True)
class StageRecord:
    """A stage of a past run."""

    run_id: str
    key: str
    component: str
    fingerprint: str
    parts: Mapping[str, Any]
    """What its fingerprint was made of."""


class Runs:
    """Runs and their stages in a catalog."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database, self._leases = database, leases
        self._runs = database.tables["runs"]
        self._stages = database.tables["stages"]

    def begin(self, run_id: str, name: str, path: str, config: Any, plan: Any, owner: Owner | None = None) -> None:
        """Record that a run has begun, by this process.

        owner: who says again and again that it goes on; without one it goes on as long as the process runs
        """
        kept = self._database.places.kept(path)
        values = {"id": run_id, "name": name, "path": kept, "config": text_of(config), "plan": text_of(plan)}
        values |= self._leases.of(owner or Owner.here())
        with self._database.writing() as connection:
            begun = next_in(self._runs.c.begun)
            connection.execute(self._runs.insert().values(**values, begun=begun, status="running", started=now()))

    def end(self, run_id: str, status: str, metrics: Mapping[str, float], error: str | None = None) -> None:
        """Record how a run ended."""
        values = {"status": status, "finished": now(), "metrics": text_of(metrics), "error": error}
        with self._database.writing() as connection:
            connection.execute(self._runs.update().where(self._runs.c.id == run_id).values(**values))

    def mark_interrupted(self) -> int:
        """Mark runs as interrupted of which it is certain that nobody is at them any more; returns how many."""
        runs = self._runs
        running = runs.c.status == "running"
        dead = self.lost()
        if dead:
            with self._database.writing() as connection:
                ended = runs.update().where(runs.c.id.in_(dead), running)
                connection.execute(ended.values(status="interrupted", finished=now()))
        return len(dead)

    def lost(self) -> set[str]:
        """Return the ids of runs of which it is certain that nobody is at them any more, and that say `running`."""
        look = self._leases.look()
        return {row["id"] for row in self._running() if look.is_dead(row)}

    def under_way(self) -> set[str]:
        """Return the ids of runs that somebody may still be at."""
        look = self._leases.look()
        return {row["id"] for row in self._running() if not look.is_dead(row)}

    def count(self) -> int:
        """Return how many runs there are."""
        from sqlalchemy import func, select

        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(self._runs)).scalar_one())

    def page(
        self, limit: int, offset: int = 0, name: str | None = None, status: str | None = None
    ) -> tuple[list[RunRecord], int]:
        """Return some runs, the newest first, and how many there are in all. name, status: of which runs alone"""
        from sqlalchemy import func, select

        columns, wanted = self._runs.c, {"name": name, "status": status}
        told = [columns[one] for one in SHOWN]
        asked = [columns[key] == value for key, value in wanted.items() if value is not None]
        query = self._newest_first().with_only_columns(*told).where(*asked)
        count = select(func.count().label("count")).select_from(self._runs).where(*asked)
        counted = self._database.first(count)
        return self._found(query.limit(limit).offset(offset)), 0 if counted is None else int(counted["count"])

    def fingerprints(self, run_ids: Collection[str]) -> set[str]:
        """Return the fingerprints of every stage that was planned in some runs."""
        plans = self._runs.select().with_only_columns(self._runs.c.id, self._runs.c.plan)
        wanted = (row for row in self._database.rows(plans) if row["id"] in run_ids)
        return {stage["fingerprint"] for row in wanted for stage in data_of(row["plan"])}

    def has(self, run_id: str) -> bool:
        """Tell whether a run has exactly this id."""
        runs = self._runs
        return self._database.first(runs.select().with_only_columns(runs.c.id).where(runs.c.id == run_id)) is not None

    def newest(self, limit: int = 50) -> list[RunRecord]:
        """Return the newest runs first."""
        return self._found(self._newest_first().limit(limit))

    def frame(self, limit: int | None, name: str | None = None, status: str | None = None) -> pl.DataFrame:
        """Return the newest runs, one a row: id, name, status, started, seconds, path, error, and each of their metrics.

        name, status: of which runs alone; limit: None for all
        """
        import polars as pl

        query = self._newest_first() if name is None else self._newest_first().where(self._runs.c.name == name)
        known = self._found(query if limit is None or status else query.limit(limit))
        found = [run for run in known if status in (None, run.status)][:limit]
        types: dict[str, Any] = {"id": pl.String, "name": pl.String, "status": pl.String}
        types |= {"started": pl.Datetime("us", "UTC"), "seconds": pl.Float64, "path": pl.String, "error": pl.String}
        measured = dict.fromkeys((metric for run in found for metric in run.metrics if metric not in types), pl.Float64)
        rows = [{metric: run.metrics.get(metric) for metric in measured} | _facts(run) for run in found]
        return pl.DataFrame(rows, schema={**types, **measured}, strict=False)

    def find(self, name: str) -> RunRecord | None:
        """Return a run by `last`, its id, or the id's first letters; None where none fits, UsageError where several do.

        A sweep's job that was tried again, each try having an id of its own, is the try that counts.
        """
        newest = self._newest_first()
        if name != "last":
            wanted = self._id(name)
            if wanted is not None and JOB.fullmatch(wanted):
                return self._best_try(wanted)
            newest = newest.where(self._runs.c.id == wanted)
        return next(iter(self._found(newest.limit(1))), None)

    def get(self, name: str) -> RunRecord:
        """Return a run as `find` does; raises UnknownName where none fits."""
        found = self.find(name)
        if found is None:
            known = self._ids(self._newest_first())
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
        made_of = {"fingerprint": fingerprint, "parts": text_of(parts)}
        with self._database.writing() as connection:
            connection.execute(self._stages.insert().values(**values, **made_of, seconds=seconds, recorded=now()))

    def last_stage(self, key: str, name: str) -> StageRecord | None:
        """Return the newest stage that was run or found under a key, in runs of this name."""
        stages, runs = self._stages, self._runs
        of_name = stages.select().join(runs, runs.c.id == stages.c.run_id).where(runs.c.name == name)
        done = of_name.where(stages.c.key == key, stages.c.status.in_(("ran", "cached")))
        row = self._database.first(done.order_by(stages.c.id.desc()))
        return None if row is None else _stage(row)

    def stage_parts(self, run_id: str, key: str) -> Mapping[str, Any] | None:
        """Return what a stage's fingerprint was made of in one run, or None where the catalog does not know it."""
        stages = self._stages
        query = stages.select().with_only_columns(stages.c.parts).where(stages.c.run_id == run_id, stages.c.key == key)
        row = self._database.first(query.order_by(stages.c.id.desc()))
        return None if row is None else data_of(row["parts"])

    def stage_fingerprint(self, run_id: str, key: str) -> str | None:
        """Return a stage's fingerprint in one run, or None where the catalog does not know it."""
        stages = self._stages
        query = stages.select().with_only_columns(stages.c.fingerprint)
        row = self._database.first(query.where(stages.c.run_id == run_id, stages.c.key == key))
        return None if row is None else row["fingerprint"]

    def seconds_of(self, fingerprint: str) -> float | None:
        """Return how long a stage took when it was last run, in whatever run, or None where the catalog does not know it."""
        stages = self._stages
        query = stages.select().with_only_columns(stages.c.seconds)
        ran = query.where(stages.c.fingerprint == fingerprint, stages.c.status == "ran")
        row = self._database.first(ran.order_by(stages.c.id.desc()))
        return None if row is None else float(row["seconds"])

    def _best_try(self, job: str) -> RunRecord:
        """Return, of a job's tries, the newest that came to a result, else that failed, else that was lost."""
        id_ = self._runs.c.id
        tries = self._found(self._newest_first().where((id_ == job) | begins(id_, f"{job}-")))
        return min(tries, key=lambda found: TRIES.get(found.status, len(TRIES)))

    def _newest_first(self) -> Select[Any]:
        return self._runs.select().order_by(self._runs.c.begun.desc())

    def _id(self, name: str) -> str | None:
        """Return the one id that is a name, or begins with its letters."""
        id_, newest = self._runs.c.id, self._newest_first()
        fitting = self._ids(newest.where(id_ == name)) or self._ids(newest.where(begins(id_, name)))
        if len(fitting) > 1:
            more = " or more" if len(fitting) == SEVERAL else ""
            raise UsageError(f"'{name}' fits {len(fitting)}{more} runs: {', '.join(fitting[:5])}")
        return fitting[0] if fitting else None

    def _found(self, query: Select[Any]) -> list[RunRecord]:
        look = self._leases.look()
        return [self._run(row, look) for row in self._database.rows(query)]

    def _run(self, row: RowMapping, look: Look) -> RunRecord:
        metrics = data_of(row["metrics"]) if row["metrics"] else {}
        finished = utc(row["finished"]) if row["finished"] else None
        path = self._database.places.found(row["path"])
        status = "interrupted" if look.is_lost(row) else row["status"]
        return RunRecord(row["id"], row["name"], status, utc(row["started"]), finished, path, metrics, row["error"])

    def _running(self) -> Sequence[RowMapping]:
        runs = self._runs
        held = (runs.c.id, runs.c.status, runs.c.owner, runs.c.beat, runs.c.heard)
        return self._database.rows(runs.select().with_only_columns(*held).where(runs.c.status == "running"))

    def _ids(self, query: Select[Any]) -> list[str]:
        return [row["id"] for row in self._database.rows(query.with_only_columns(self._runs.c.id).limit(SEVERAL))]


def _facts(run: RunRecord) -> dict[str, Any]:
    seconds = (run.finished - run.started).total_seconds() if run.finished else None
    told = {"id": run.id, "name": run.name, "status": run.status, "started": run.started, "seconds": seconds}
    return {**told, "path": run.path, "error": run.error}


def _stage(row: RowMapping) -> StageRecord:
    return StageRecord(row["run_id"], row["key"], row["component"], row["fingerprint"], data_of(row["parts"]))
