"""A model of several versions, made without a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline.workspace.workspace import Workspace

Versions = Callable[[int], Workspace]
"""Makes so many versions of the model `shop`, and returns the workspace."""


BOTH = pytest.mark.parametrize("workspace", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on a catalog of either sort."""


def add_version(workspace: Workspace, package: Path, metrics: dict[str, float] | None = None) -> int:
    """Register a copy of a package, in a folder of its own, as the next version of the model `shop`."""
    models = workspace.catalog.models
    number = len(models.versions("shop")) + 1 if models.has("shop") else 1
    path = workspace.home / "models" / "shop" / f"v{number}"
    shutil.copytree(package, path)
    return models.register("shop", f"run-{number}", str(path), "skops", metrics or {}, f"fingerprint-{number}")
