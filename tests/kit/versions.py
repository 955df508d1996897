"""A model of a few versions, made of one package, and the policies that are put in force over them."""

from __future__ import annotations

import shutil
from pathlib import Path

from hookline.kinds.deployments import LIVE, Deployment, Route
from hookline.workspace.workspace import Workspace, open_workspace

MODEL = "churn"


def registered(package: Path, home: Path, count: int = 3) -> Workspace:
    """Register a package as so many versions of its model, each in a folder of its own, and put the first in charge."""
    workspace = open_workspace(home)
    for number in range(1, count + 1):
        folder = home / "models" / MODEL / f"{number:016}"
        shutil.copytree(package, folder)
        assert workspace.catalog.models.register(MODEL, "run", str(folder), "onnx", {}, f"{number:064}") == number
    put(workspace, 1)
    return workspace


def put(workspace: Workspace, version: int, beside: int | None = None, weight: float = 0.5, **how: str) -> Deployment:
    """Put a version in charge, another beside it for a share of requests; returns the policy as the catalog has it."""
    routes = (Route(version, 1 - weight, arm=LIVE), Route(beside, weight, arm="canary")) if beside else ()
    policy = Deployment(MODEL, version, routes or (Route(version, 1.0),), "local", **how)  # type: ignore[arg-type]
    workspace.catalog.deployments.record(policy, "the test says so")
    found = workspace.catalog.deployments.current(MODEL)
    assert found is not None
    return found
