"""MLflow: logs each run to a tracking server when switched on, and never stands in a run's way."""

from __future__ import annotations

from hookline import Settings, hookimpl
from hookline.kinds.hooks import RunInfo

from .settings import MlflowSettings

__all__ = ["MlflowSettings"]


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
