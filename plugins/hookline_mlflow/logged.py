"""Models as MLflow logs them: the folder of a package, once, known by the package's fingerprint, and linked with its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .packagers import FOLDER

FINGERPRINT, RUN, VERSION = "hookline.fingerprint", "hookline.run", "hookline.version"
"""Tags by which what is there already is known again."""


def experiment_id(client: Any, name: str) -> str:
    """Return an experiment's id, made if need be; of two runs that make it at once, the second takes the first's."""
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


def run_of(client: Any, experiments: list[str], run: str) -> Any:
    """Return MLflow's run of a run of ours, or None."""
    found = client.search_runs(experiments, filter_string=f"tags.`{RUN}` = '{run}'", max_results=1)
    return found[0] if found else None


def logged_model(client: Any, experiment: str, name: str, fingerprint: str, package: Path, run: Any) -> Any:
    """Return the logged model of a package, made whole where it is not. run: MLflow's, or None"""
    from mlflow.entities import LoggedModelOutput

    found = client.search_logged_models([experiment], filter_string=f"tags.`{FINGERPRINT}` = '{fingerprint}'")
    run_id = None if run is None else run.info.run_id
    made = found[0] if found else None
    if made is None:
        made = client.create_logged_model(experiment, name, run_id, tags={FINGERPRINT: fingerprint})
    if str(made.status) != "READY":
        client.log_model_artifacts(made.model_id, str(package / FOLDER))
        made = client.finalize_logged_model(made.model_id, "READY")
    linked = [] if run is None or run.outputs is None else [one.model_id for one in run.outputs.model_outputs]
    if run_id is not None and made.model_id not in linked:
        client.log_outputs(run_id, [LoggedModelOutput(made.model_id, 0)])
    return made
