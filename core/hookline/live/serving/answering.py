"""One process that answers: with a model as its policy says, or with one package alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.errors import ConfigError, UnknownName, UsageError
from hookline.kinds.deployments import Beside, Deployment
from hookline.kinds.serving.fleet import Serves
from hookline.packages.loading import LoadedPackage, load_package
from hookline.registry.ports import assignable
from hookline.registry.registry import Registry
from hookline.telling.secrets import logger
from hookline.workspace.workspace import Workspace, open_workspace

from ..control import controlling, deployer_of
from ..fleet import DeployedModel, SinglePackage
from .beginning import begin
from .work import Work

if TYPE_CHECKING:
    import subprocess

log = logger("hookline.live")

FALLBACK = "local"
"""The deployer whose server answers where no policy names another."""


def answer(work: Work, registry: Registry) -> None:
    """Answer until interrupted or terminated; raises what loading a package raises, and what a server does."""
    workspace = workspace_of(work)
    server_of(registry, work, workspace).serve(_fleet_of(work, registry, workspace), work.options)


def workspace_of(work: Work) -> Workspace | None:
    """Return the workspace of what a catalog knows; a package's folder needs none, nor what a database takes to import."""
    return None if work.model is None else open_workspace(work.home)


def rollouts(work: Work, registry: Registry) -> AbstractContextManager[None]:
    """Carry the rollouts of a model on for the time of a block, where its policy says who answers."""
    workspace = workspace_of(work) if work.whole else None
    if workspace is None or work.model is None:
        return nullcontext()
    return controlling(workspace, registry, work.model)


def server_of(registry: Registry, work: Work, workspace: Workspace | None) -> Serves:
    """Return the deployer that the policy in force is of; raises UsageError where that one cannot serve."""
    current = _current(work, workspace) or Deployment.single("", 0, FALLBACK)
    try:
        deployer = deployer_of(registry, current)
    except (ConfigError, UnknownName) as error:
        # A plugin that was updated or taken away since: who answers is known all the same.
        told = "the policy's deployer '%s' cannot be asked what comes next, and requests are answered: %s"
        log.error(told, current.deployer, error)
        deployer = deployer_of(registry, Deployment.single("", 0, FALLBACK))
    if not isinstance(deployer, Serves):
        raise UsageError(f"deployer '{deployer.name}' does not answer requests itself", hint=_servers(registry))
    return deployer


def _current(work: Work, workspace: Workspace | None) -> Deployment | None:
    return None if workspace is None or work.model is None else workspace.catalog.deployments.current(work.model)


def _servers(registry: Registry) -> str | None:
    found = [cls.name for cls in registry.classes("deployer") if assignable(cls, Serves)]
    return f"choose {' or '.join(f'deployer={name}' for name in found)}" if found else None


def _fleet_of(work: Work, registry: Registry, workspace: Workspace | None) -> DeployedModel | SinglePackage:
    contract = None if work.contract is None else Path(work.contract)

    def load(folder: Path) -> LoadedPackage:
        return load_package(folder, registry, work.trust, contract, few=True)

    log = None if work.log is None else Path(work.log)
    if workspace is not None and work.model is not None and work.whole:

        def spawn(beside: Beside) -> subprocess.Popen[bytes]:
            own = replace(work, options=replace(work.options, workers=1, share=None, beside=beside))
            return begin(own, (beside.asked_on, beside.told_on))

        return DeployedModel(workspace, work.model, load, log, spawn)
    return SinglePackage(load(Path(work.folder)), work.version, log)
