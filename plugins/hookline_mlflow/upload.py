"""`python -m hookline_mlflow.upload FOLDER`: logs one run, told on stdin, to MLflow."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

STATUS = {"finished": "FINISHED", "gated": "FAILED", "failed": "FAILED", "interrupted": "KILLED", "pruned": "KILLED"}
LONGEST_KEY, LONGEST_PARAM, LONGEST_TAG = 250, 6000, 5000
BATCH = 100
"""Most params in one request, by MLflow's REST API."""
FILES = ("report.html", "evidence.json", "config.json", "plan.json")


def main() -> int:
    """Log the run; raises what MLflow raises."""
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    folder, order = Path(sys.argv[1]), json.load(sys.stdin)
    client = MlflowClient(tracking_uri=order["tracking_uri"])
    now = int(time.time() * 1000)
    tags = {"hookline.run": order["run"]["id"], "hookline.status": order["run"]["status"]}
    made = client.create_run(_experiment(client, order["experiment"]), run_name=order["run"]["id"], tags=tags)
    run_id = made.info.run_id
    numbers = {**order["metrics"], **{f"seconds.{key}": value for key, value in order["seconds"].items()}}
    metrics = [Metric(key, value, now, 0) for key, value in _named(numbers).items() if math.isfinite(value)]
    params = [Param(key, str(value)[:LONGEST_PARAM]) for key, value in _named(dict(_flat(order["config"]))).items()]
    for start in range(0, max(len(params), 1), BATCH):
        client.log_batch(run_id, params=params[start : start + BATCH])
    client.log_batch(
        run_id, metrics=metrics, tags=[RunTag("hookline.error", (order["run"]["error"] or "")[:LONGEST_TAG])]
    )
    for name in FILES:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))
    if order["log_package"] and (folder / "packages").is_dir():
        client.log_artifacts(run_id, str(folder / "packages"), "packages")
    client.set_terminated(run_id, STATUS.get(order["run"]["status"], "FAILED"))
    return 0


def _experiment(client: Any, name: str) -> str:
    """Return the experiment's id, made if need be; of two runs that make it at once, the second takes the first's."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by names that MLflow takes: letters, digits, and `_-. /`."""
    return {re.sub(r"[^\w\-. /]", "_", key)[:LONGEST_KEY]: value for key, value in values.items()}


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


if __name__ == "__main__":
    sys.exit(main())
