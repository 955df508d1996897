"""What a worker does with one job of a sweep: run it in a folder of its own, unless an earlier try has ended by now."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from functools import lru_cache
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from hookline.errors import GateFailed, Pruned, UnknownName, UsageError
from hookline.kinds.fitting import judged_by
from hookline.plans.config import resolve
from hookline.registry.registry import Registry, load_registry
from hookline.runs.runner import run_config
from hookline.workspace.home import FolderTaken
from hookline.workspace.workspace import open_workspace

from .ledger import ENDED
from .workers.asking import ask

FUNCTION = f"{__name__}:run_job"
CHECK = f"{__name__}:check_machine"
"""The names by which a pool calls them in its workers."""


def run_job(setup: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Run one job in a worker; a gate that says no is a result, as is being pruned; all else that goes wrong is raised."""
    registry = _registry(tuple(map(tuple, setup["signature"])))
    sweep, number = Path(payload["folder"]), payload["number"]
    # A worker may end a job in the moment in which its sweep is killed; what is done is not done again.
    done = _done_before(setup["home"], sweep, number)
    if done is not None:
        return done
    while True:
        # Of two workers that have the same job the other may be the first in this folder.
        with suppress(FolderTaken):
            return _run_in(_folder(sweep, number), registry, setup["home"], payload)


def _run_in(folder: Path, registry: Registry, home: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    status, error = "finished", ""
    try:
        with judged_by(ask) if payload["judged"] else nullcontext():
            run_config(registry, resolve(registry, payload["config"]), home=home, folder=folder)
    except GateFailed as gate:
        status, error = "gated", gate.message
    except Pruned as pruned:
        status, error = "pruned", pruned.message
    return _result(folder, status, error)


def check_machine(setup: Mapping[str, Any]) -> None:
    """Raise where a worker, perhaps on another machine, does not see the sweep's home or has other plugins."""
    here, there, sweep = platform.node(), setup["host"], Path(setup["sweep"])
    if not sweep.is_dir():
        raise UsageError(
            f"{here} does not see {sweep}, the folder of the sweep on {there}",
            hint="set HOOKLINE_HOME to a folder that every machine of the cluster has at the same path",
        )
    if here != there and (os.environ.get("HOOKLINE_CATALOG") or "sqlite").startswith("sqlite"):
        raise UsageError(
            f"{here} and {there} cannot share a catalog that is a SQLite file",
            hint="set HOOKLINE_CATALOG to the URL of a PostgreSQL database",
        )
    _registry(tuple(map(tuple, setup["signature"])))


def _result(folder: Path, status: str, error: str) -> dict[str, Any]:
    """Return what the ledger keeps of a run that has ended."""
    from hookline.runs.names import load
    from hookline.runs.result import Run, measured_in

    run = load(folder)
    assert isinstance(run, Run)
    metrics = {one.name: [one.value, one.greater_is_better] for one in measured_in(run.evidence).values()}
    return {"run_id": run.id, "path": str(folder), "metrics": metrics, "status": status, "error": error}


def _done_before(home: str, sweep: Path, number: int) -> dict[str, Any] | None:
    """Return the result of an earlier try that ended, though nobody was there to write it down."""
    catalog = open_workspace(home).catalog
    for folder in takewhile(_begun, _tries(sweep, number)):
        # One that was killed before it could say its own name is a try that came to nothing.
        with suppress(UnknownName, ValueError):
            run_id = json.loads((folder / "run.json").read_text("utf-8"))["id"]
            record = catalog.runs.get(run_id)
            if record.id == run_id and record.finished and record.status in (*ENDED, "gated"):
                seconds = (record.finished - record.started).total_seconds()
                return _result(folder, record.status, record.error or "") | {"seconds": seconds}
    return None


@lru_cache(maxsize=1)
def _registry(signature: tuple[tuple[str, str, str], ...]) -> Registry:
    registry = load_registry()
    registry.plugins.require(signature)
    return registry


def _folder(sweep: Path, number: int) -> Path:
    """Return the job's folder; a second try gets one of its own."""
    return next(folder for folder in _tries(sweep, number) if not _begun(folder))


def _begun(folder: Path) -> bool:
    return (folder / "run.json").exists()


def _tries(sweep: Path, number: int) -> Iterator[Path]:
    """Yield the folders of a job's first try, its second, and so on."""
    yield sweep / str(number)
    for tried in count(2):
        yield sweep / f"{number}-{tried}"
