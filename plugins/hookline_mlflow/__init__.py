"""MLflow: logs each run to a tracking server when switched on, and never stands in a run's way."""

from __future__ import annotations

from hookline import Packager, Settings, hookimpl
from hookline.kinds.hooks import RunInfo

from .packagers import MlflowPackager
from .settings import MlflowSettings

__all__ = ["MlflowPackager", "MlflowSettings"]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packager."""
    return [MlflowPackager]


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
