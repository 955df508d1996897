"""The runs of a home as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.workspace.catalog.runs import RunRecord
from hookline.workspace.workspace import open_workspace

if TYPE_CHECKING:
    import polars as pl


def runs_frame(home: str | Path | None, limit: int | None, name: str | None, status: str | None) -> pl.DataFrame:
    """Return the newest runs, one a row: id, name, status, started, seconds, path, error, and each of their metrics."""
    import polars as pl

    known = open_workspace(home).catalog.runs
    # What is not asked for is left out before the newest are counted.
    newest = known.newest(known.count() if limit is None or name or status else limit)
    found = [run for run in newest if name in (None, run.name) and status in (None, run.status)][:limit]
    types: dict[str, Any] = {"id": pl.String, "name": pl.String, "status": pl.String}
    types |= {"started": pl.Datetime("us", "UTC"), "seconds": pl.Float64, "path": pl.String, "error": pl.String}
    measured = dict.fromkeys(metric for run in found for metric in run.metrics if metric not in types)
    rows = [{**{metric: run.metrics.get(metric) for metric in measured}, **_facts(run)} for run in found]
    return pl.DataFrame(rows, schema={**types, **dict.fromkeys(measured, pl.Float64)}, strict=False)


def _facts(run: RunRecord) -> dict[str, Any]:
    seconds = (run.finished - run.started).total_seconds() if run.finished else None
    told = {"id": run.id, "name": run.name, "status": run.status, "started": run.started, "seconds": seconds}
    return {**told, "path": run.path, "error": run.error}
