"""A run told to MLflow: found again by its tag where it is there in part, and added to until it is whole."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .logged import RUN, experiment_id, logged_model, run_of
from .packagers import FOLDER

STATUS = {"finished": "FINISHED", "gated": "FAILED", "failed": "FAILED", "interrupted": "KILLED", "pruned": "KILLED"}
LONGEST_KEY, LONGEST_PARAM, LONGEST_TAG, LONGEST_DIGEST, LONGEST_PROFILE = 250, 6000, 5000, 36, 60_000
BATCH = 100
"""Most params in one request, by MLflow's REST API."""
FILES = ("report.html", "evidence.json", "config.json", "plan.json")
TYPES = {
    "Float64": "double",
    "Float32": "float",
    "Int64": "long",
    "Int32": "integer",
    "Boolean": "boolean",
    "String": "string",
}
"""Column types of polars -> MLflow's; what is none of them is told as a datetime or a string."""


def upload(client: Any, order: Mapping[str, Any]) -> str:
    """Send what is not there yet of a run, and return MLflow's id of it; raises what MLflow raises."""
    experiment = experiment_id(client, order["experiment"])
    told, folder = order["run"], Path(order["path"])
    tags = {RUN: told["id"], "hookline.status": told["status"], "hookline.error": (told["error"] or "")[:LONGEST_TAG]}
    there = run_of(client, [experiment], told["id"])
    if there is None:
        there = client.create_run(experiment, start_time=order["time"], run_name=told["id"], tags=tags)
        known = False
    else:
        known = True
    run_id = there.info.run_id
    _log_numbers(client, order, there, tags)
    if order["data"]:
        client.log_inputs(run_id, [_dataset(order)])
    for name in FILES:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))
    if order["log_package"] and (folder / "packages").is_dir():
        _log_packages(client, folder / "packages", run_id, known=known)
        for key, fingerprint in order["packages"].items():
            if (folder / "packages" / key / FOLDER / "MLmodel").is_file():
                logged_model(
                    client, experiment, told["name"], fingerprint, folder / "packages" / key, client.get_run(run_id)
                )
    client.set_terminated(run_id, STATUS.get(told["status"], "FAILED"))
    return str(run_id)


def _log_numbers(client: Any, order: Mapping[str, Any], there: Any, tags: Mapping[str, str]) -> None:
    """Log params, metrics and tags, but those that are there: of one metric a second value would be another step."""
    from mlflow.entities import Metric, Param, RunTag

    numbers = {**order["metrics"], **{f"seconds.{key}": value for key, value in order["seconds"].items()}}
    metrics = [
        Metric(key, float(value), order["time"], 0)
        for key, value in _named(numbers).items()
        if math.isfinite(float(value)) and there.data.metrics.get(key) != float(value)
    ]
    params = [
        Param(key, str(value)[:LONGEST_PARAM])
        for key, value in _named(dict(_flat(order["config"]))).items()
        if key not in there.data.params
    ]
    for start in range(0, len(params), BATCH):
        client.log_batch(there.info.run_id, params=params[start : start + BATCH])
    client.log_batch(there.info.run_id, metrics=metrics, tags=[RunTag(key, value) for key, value in tags.items()])


def _dataset(order: Mapping[str, Any]) -> Any:
    """Return the rows that a run took, as MLflow's lineage has them: by what was read, where it came from, and its columns."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data, source = order["data"], order["config"].get("source", {})
    columns = (data.get("profile") or {}).get("columns", [])
    schema = [{"name": one["name"], "type": _type(str(one["dtype"])), "required": False} for one in columns]
    profile = {name: data[name] for name in ("rows", "columns", "target", "task", "classes") if name in data}
    facts = {
        "hookline.fingerprint": data.get("fingerprint"),
        "hookline.version": data.get("version"),
        **dict(_flat(source)),
    }
    made = Dataset(
        name=str(data["name"]),
        digest=str(data.get("version") or data.get("fingerprint"))[:LONGEST_DIGEST],
        source_type="code",
        source=json.dumps({"tags": facts}, default=str),
        schema=json.dumps({"mlflow_colspec": schema})[:LONGEST_PROFILE],
        profile=json.dumps(profile, default=str)[:LONGEST_PROFILE],
    )
    return DatasetInput(made, [InputTag("mlflow.data.context", "training")])


def _type(dtype: str) -> str:
    return "datetime" if dtype.startswith(("Date", "Time")) else TYPES.get(dtype, "string")


def _log_packages(client: Any, folder: Path, run_id: str, *, known: bool) -> None:
    """Upload packages file by file, but what is there in its size: a package's files never change."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        place = f"packages/{path.parent.relative_to(folder)}".removesuffix("/.")
        there = {one.path: one.file_size for one in client.list_artifacts(run_id, place)} if known else {}
        if there.get(f"{place}/{path.name}") != path.stat().st_size:
            client.log_artifact(run_id, str(path), place)


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by names that MLflow takes: letters, digits, and `_-. /`."""
    return {re.sub(r"[^\w\-. /]", "_", key)[:LONGEST_KEY]: value for key, value in values.items()}


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
