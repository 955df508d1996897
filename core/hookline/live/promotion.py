"""A version put in charge, or called by an alias, by a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import verify
from hookline.runs.names import split_model_name
from hookline.workspace.workspace import open_workspace


def promote(
    version: str, *, alias: str = "champion", reason: str = "promoted by hand", home: str | Path | None = None
) -> Deployment | None:
    """Put a model's version (`"churn:3"`) in charge and return the new policy; with another alias only name it so.

    Raises UsageError where no version is said, UnknownName where there is none, StoreError where its package is damaged.
    """
    catalog = open_workspace(home).catalog
    name, number, _ = split_model_name(version)
    if number is None:
        raise UsageError(f"say which version to promote, such as {name}:3", hint=f"hookline models list {name}")
    verify(Path(catalog.models.get(name, number).path))
    if alias != "champion":
        catalog.models.set_alias(name, alias, number)
        return None
    current = catalog.deployments.current(name)
    policy = Deployment.single(name, number, current.deployer if current else "local")
    if current:
        policy = replace(policy, fields=current.fields)
    catalog.deployments.record(policy, reason)
    return policy
