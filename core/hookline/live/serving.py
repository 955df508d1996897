"""Answering requests: for a model as its policy says, or for one package alone."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from hookline.errors import StoreError, UsageError
from hookline.kinds.capabilities import Serves
from hookline.kinds.deployments import ServeOptions, Trust
from hookline.kinds.given.references import settle
from hookline.packages.loading import load_package
from hookline.registry.ports import assignable
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import Found, find
from hookline.workspace.workspace import Workspace, open_workspace

from .control import controlling
from .fleet import DeployedModel, SinglePackage
from .log.predictions import FOLDER


def serve(
    what: str | Path,
    options: ServeOptions | None = None,
    *,
    log: str | Path | bool = True,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> None:
    """Answer predictions over HTTP until interrupted.

    what: a model, which is answered for as its policy says (`name`), one of its versions (`name:3`, `name@alias`), a run
        or a package folder
    log: folder of the prediction log; True: `predictions/MODEL` in the home; False: answers are not recorded
    contract: a contract file whose word stands above the package's own
    Raises UnknownName, UsageError, DataError, StoreError or UntrustedPackage where it cannot begin.
    """
    registry, found = load_registry(), find(what, home)
    workspace = _workspace(home, needed=log is True or found.model is not None)
    fleet = fleet_of(registry, workspace, found, trust, None if contract is None else Path(contract))
    policy = fleet.policy()
    if log is True and workspace is not None:
        fleet.log_folder = workspace.home / FOLDER / policy.model
    elif not isinstance(log, bool):
        fleet.log_folder = Path(log)
    server = server_of(registry, workspace, policy.model)
    rollouts = (
        controlling(fleet.workspace, registry, fleet.model) if isinstance(fleet, DeployedModel) else nullcontext()
    )
    with rollouts:
        server.serve(fleet, options or ServeOptions())


def _workspace(home: str | Path | None, *, needed: bool) -> Workspace | None:
    """Return the workspace of a home; None where it cannot be opened, and a package's folder needs nothing of it."""
    try:
        return open_workspace(home)
    except StoreError:
        if needed:
            raise
        return None


def fleet_of(
    registry: Registry, workspace: Workspace | None, found: Found, trust: Trust | None, contract: Path | None
) -> DeployedModel | SinglePackage:
    """Return what a server answers with for what a name means."""
    if workspace is not None and found.model is not None and found.whole:
        return DeployedModel(workspace, found.model, lambda folder: load_package(folder, registry, trust, contract))
    return SinglePackage(load_package(found.package(), registry, trust, contract), found.version)


def server_of(registry: Registry, workspace: Workspace | None, model: str) -> Serves:
    """Return the deployer that a model's policy is of; raises UsageError where that one cannot serve."""
    current = None if workspace is None else workspace.catalog.deployments.current(model)
    name, fields = (current.deployer, current.fields) if current else ("local", {})
    whole, _ = settle(fields, "deployer")
    deployer = registry.build("deployer", name, whole, "deployer")
    type(deployer).check_backend()
    if not isinstance(deployer, Serves):
        raise UsageError(f"deployer '{name}' does not answer requests itself", hint=_servers(registry))
    return deployer


def _servers(registry: Registry) -> str | None:
    found = [cls.name for cls in registry.classes("deployer") if assignable(cls, Serves)]
    return f"choose {' or '.join(f'deployer={name}' for name in found)}" if found else None
