"""A run made once more on exactly the rows that it saw, or the reason why that cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.versions import version_of
from hookline.errors import DataError, HooklineError, Problem, UsageError
from hookline.kinds.artifacts import ROW_ID, DataVersion
from hookline.kinds.plain import plain
from hookline.plans.config import FEATURES, resolve
from hookline.registry.registry import Registry
from hookline.workspace.catalog.datasets import SHORT, DataRecord
from hookline.workspace.workspace import Workspace

from .configs import config_of
from .keeping import FILE, kept_rows
from .trace import reopen

if TYPE_CHECKING:
    from ..execution import Execution

MOST_COLUMNS = 10
CLOSE = 1e-12
"""Difference of a metric below which it is the same."""


@dataclass(frozen=True)
class Repeat:
    """A run's config, ready to be run again."""

    run: str
    version: DataVersion
    config: Mapping[str, Any]
    where: str
    """Where the rows come from this time, in words."""


def plan_repeat(registry: Registry, workspace: Workspace, run: str) -> Repeat:
    """Return what repeats a run on the rows that it saw: from its source where that still gives them, else from the store.

    It deploys nothing.
    run: `last`, an id, or its first letters. Raises UsageError for a run that saw no data, and DataError where nobody has the
    rows any more, with what is different about those that the source gives now.
    """
    record = workspace.catalog.runs.get(run)
    seen = _seen(workspace, record.id)
    # Who is in charge is not to change for a look back.
    config: dict[str, Any] = config_of(record.id, Path(record.path)) | {"deployer": None}
    name = config["source"]["component"]
    now: DataVersion | None = None
    execution: Execution | None = None
    try:
        # A file that is gone fails as soon as the run is planned.
        execution = reopen(registry, workspace, record.id, Path(record.path))
        if execution.plan["source"].fingerprint == workspace.catalog.runs.stage_fingerprint(record.id, "source"):
            return Repeat(record.id, seen.version, config, f"source '{name}', which has not changed")
        now = version_of(execution.value("source").frame, seen.version.name, without=[ROW_ID])
    except HooklineError as error:
        told = [Problem(f"source '{name}'", str(error).splitlines()[0])]
    else:
        told = [Problem(f"source '{name}'", text) for text in _differences(seen.version, now)]
    if now is not None and now.fingerprint == seen.version.fingerprint:
        return Repeat(record.id, seen.version, config, f"source '{name}', which gives the same rows")
    folder = kept_rows(workspace.store, seen.version)
    if folder is not None:
        kept = config | _from_the_store(config, seen.version.name, execution, folder / FILE)
        resolve(registry, kept)
        return Repeat(record.id, seen.version, kept, "the store, which kept them")
    raise DataError(
        f"run {record.id} cannot be repeated: the rows of {seen.version.name} {seen.version.fingerprint[:SHORT]} are gone",
        told,
        hint="bring back the source as it was; a run with keep_data=true keeps its rows in the store",
    )


def _from_the_store(config: Mapping[str, Any], name: str, execution: Execution | None, file: Path) -> dict[str, Any]:
    """Return what a run's config says otherwise where its rows are read as they were kept.

    They are those of the whole source: without what was ignored, and with what feature sets join to them. The roles that the
    source knew itself, and the name that came of it, are said.
    name: of the rows; execution: the run as its source gives it now, None where the source is gone
    """
    sets = {name: {**one, "joins": {}} for name, one in config.get(FEATURES, {}).items() if one["definitions"]}
    said = {**config["roles"], "ignore": ()}
    return {
        "source": {"component": "file", "path": str(file)},
        "name": (config.get("name") or name) if execution is None else execution.plan.config.name,
        "roles": said if execution is None else plain(replace(execution.plan.roles, ignore=())),
        FEATURES: sets,
    }


def differing_metrics(before: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """Return the metrics that are not the same in two runs, in words."""
    return [
        f"{name} {before[name]:.6g} -> {now[name]:.6g}"
        for name in before
        if name in now and abs(before[name] - now[name]) > CLOSE * max(1.0, abs(before[name]))
    ]


def _seen(workspace: Workspace, run_id: str) -> DataRecord:
    datasets = workspace.catalog.datasets
    found = next((record for record in datasets.versions() if run_id in record.runs), None)
    if found is None:
        raise UsageError(
            f"run {run_id} saw no version of data", hint="it failed before its split was made: run it anew"
        )
    return found


def _differences(then: DataVersion, now: DataVersion) -> list[str]:
    """Say how the rows of two versions differ, as far as digests of their columns tell."""
    before, after = ({column.name: column for column in version.columns} for version in (then, now))
    said = [f"gives {now.rows:,} rows, and gave {then.rows:,}"] if now.rows != then.rows else []
    for names, what in (
        ([name for name in before if name not in after], "columns that are gone"),
        ([name for name in after if name not in before], "columns that are new"),
        ([n for n in before if n in after and before[n].dtype != after[n].dtype], "columns of another type"),
        ([n for n in before if n in after and before[n].digest != after[n].digest], "columns with other values"),
    ):
        if names and (what != "columns with other values" or now.rows == then.rows):
            more = f" and {len(names) - MOST_COLUMNS} more" if len(names) > MOST_COLUMNS else ""
            said.append(f"{what}: {', '.join(names[:MOST_COLUMNS])}{more}")
    return said or ["gives the same columns in another order"]
