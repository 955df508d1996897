"""MLflow: logs each run to a tracking server when switched on, and never stands in a run's way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hookline import Packager, Settings, hookimpl
from hookline.kinds.hooks import RunInfo
from hookline.kinds.tracking.tracker import OpenTracker, Tracker

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
def register_trackers() -> Mapping[str, OpenTracker]:
    """Return what opens the tracker."""
    return {"mlflow": _open}


@hookimpl
def before_run(run: RunInfo) -> None:
    """Put the run into the outbox, so that one that is killed is logged as well."""
    settings = run.settings.get("mlflow")
    if isinstance(settings, MlflowSettings) and settings.enabled:
        from .following import begun

        begun(run, settings)


@hookimpl
def after_run(run: RunInfo) -> None:
    """Log the run's params, metrics, data, report and packages, in a process of its own that is stopped at the timeout."""
    settings = run.settings.get("mlflow")
    if isinstance(settings, MlflowSettings) and settings.enabled:
        from .following import ended

        ended(run, settings)


def _open(settings: Mapping[str, Settings], home: Path) -> Tracker | None:
    from .tracker import open_tracker

    return open_tracker(settings, home)
