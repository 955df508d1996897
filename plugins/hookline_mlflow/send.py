"""Starts the process that logs a run, and sees to it that it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

from hookline.kinds.hooks import RunInfo
from hookline.registry.backends.quiet import quiet_environment
from hookline.telling.secrets import logger
from hookline.version import install_line

from . import MlflowSettings

log = logger("hookline.mlflow")

QUIET = {
    # MLflow's own retries would outlast any timeout.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "GIT_PYTHON_REFRESH": "quiet",
}


def send(run: RunInfo, settings: MlflowSettings) -> None:
    """Log a run; a server that is down or slow is a warning that says what to do."""
    if find_spec("mlflow") is None:
        line = install_line([("hookline", "mlflow", "mlflow")])
        log.warning("the run is not logged to MLflow, which is not installed: %s", line)
        return
    again = f"the run is whole in {run.path}"
    try:
        done = subprocess.run(  # noqa: S603  our own module, by a list of arguments
            [sys.executable, "-m", "hookline_mlflow.upload", str(run.path)],
            input=json.dumps(_order(run, settings)),
            env={**QUIET, **quiet_environment("mlflow")},
            capture_output=True,
            text=True,
            timeout=settings.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning(
            "MLflow took longer than settings.mlflow.timeout=%g s and was given up; %s", settings.timeout, again
        )
        return
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        log.warning("the run could not be logged to MLflow: %s; %s", lines[-1], again)


def _order(run: RunInfo, settings: MlflowSettings) -> dict[str, object]:
    return {
        "tracking_uri": settings.tracking_uri,
        "experiment": settings.experiment or run.name,
        "log_package": settings.log_package,
        "run": {"id": run.id, "name": run.name, "status": run.status, "error": run.error},
        "config": run.config,
        "metrics": run.metrics,
        "seconds": {stage.key: stage.seconds for stage in run.stages if stage.status == "ran"},
    }
