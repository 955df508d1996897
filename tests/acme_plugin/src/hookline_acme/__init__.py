"""Acme's plugin: a trainer, a transform, an alert channel, and an experiment."""

from __future__ import annotations

from pathlib import Path

from hookline import Finding, Settings, Trainer, Transform, hookimpl
from hookline.kinds.hooks import RunInfo

from .centroid import CentroidTrainer
from .winsorize import WinsorizeTransform

__all__ = ["AlertSettings", "CentroidTrainer", "WinsorizeTransform"]


class AlertSettings(Settings):
    """Where findings are announced."""

    name = "acme_alerts"
    file: str | None = None
    """The file that a line is added to for each finding; null means none."""


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainer."""
    return [CentroidTrainer]


@hookimpl
def register_transforms() -> list[type[Transform]]:
    """Return the transform."""
    return [WinsorizeTransform]


@hookimpl
def register_settings() -> list[type[Settings]]:
    """Return the alert channel's settings."""
    return [AlertSettings]


@hookimpl
def register_configs() -> list[str]:
    """Return the package that holds `experiment/acme_iris.yaml`."""
    return ["hookline_acme.conf"]


@hookimpl
def on_finding(run: RunInfo | None, finding: Finding) -> None:
    """Add a line to the alert file, which is said by the settings of a run."""
    if run is None:
        return
    settings = run.settings["acme_alerts"]
    if isinstance(settings, AlertSettings) and settings.file:
        with Path(settings.file).open("a", encoding="utf-8") as out:
            out.write(f"{run.name} {finding.severity} {finding.subject}: {finding.message}\n")
