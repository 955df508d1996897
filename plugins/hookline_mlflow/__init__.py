"""MLflow: logs each run to a tracking server when switched on, and never stands in a run's way."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Settings, hookimpl
from hookline.hookspecs import RunInfo

__all__ = ["MlflowSettings"]


class MlflowSettings(Settings):
    """Where runs are logged; off unless `settings.mlflow.enabled=true`."""

    name = "mlflow"
    enabled: bool = False
    """Whether to log runs."""
    tracking_uri: str | None = None
    """Such as http://localhost:5000 or sqlite:///mlflow.db; null means MLFLOW_TRACKING_URI, else MLflow's own default."""
    experiment: str | None = None
    """The experiment's name; null means the run's name."""
    log_package: bool = True
    """Whether to upload the packages."""
    timeout: Annotated[float, Gt(0)] = 60.0
    """Seconds after which logging is given up; the run is kept as it is."""


@hookimpl
def register_settings() -> list[type[Settings]]:
    """Return the settings."""
    return [MlflowSettings]


@hookimpl
def after_run(run: RunInfo) -> None:
    """Log the run's params, metrics, report and packages, in a process of its own that is stopped at the timeout."""
    settings = run.settings.get("mlflow")
    if isinstance(settings, MlflowSettings) and settings.enabled:
        from .send import send

        send(run, settings)
