"""Who answers requests for a package."""

from __future__ import annotations

from typing import Any

from hookline.errors import UsageError
from hookline.kinds.capabilities import Serves
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace


def server(info: dict[str, Any]) -> Serves:
    """Return what answers for a model: the deployer that its policy is of. Raises UsageError where that one cannot serve."""
    registry = load_registry()
    current = open_workspace().catalog.current_deployment(info["model"])
    name = current.deployer if current else "local"
    deployer = registry.build("deployer", name, {}, "deployer")
    type(deployer).check_backend()
    if not isinstance(deployer, Serves):
        raise UsageError(f"deployer '{name}' does not answer requests itself")
    return deployer
