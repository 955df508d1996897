"""A registered version put in force as its deployer says, held against the version in charge first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hookline.errors import GateFailed, HooklineError, UnknownName
from hookline.kinds.deployments import Deployment, Package
from hookline.kinds.kinds import Deployer
from hookline.kinds.plain import plain
from hookline.packages.manifest import verify
from hookline.registry.registry import Registry, load_registry
from hookline.runs.gates.standing import Standing
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace, open_workspace

from .choosing import Choice, chosen
from .force import Decision, in_turn
from .naming import version_named
from .weighing import weigh

BY_HAND = "deployed by hand"
MOST_OBJECTIONS = 3


@dataclass(frozen=True)
class Proposal:
    """What a deployer makes of a version. policy: None where it does not take it"""

    record: ModelRecord
    champion: ModelRecord | None
    deployer: Deployer
    standing: Standing
    policy: Deployment | None


def deploy(
    version: str,
    deployer: Choice = None,
    *,
    reason: str = "",
    force: bool = False,
    home: str | Path | None = None,
) -> Deployment:
    """Put a model's version (`"churn:3"`) in force as a deployer says, and return the policy in force.

    deployer: a name, a mapping with `component` and its fields, or a deployer; None: as it is now
    force: also where something speaks against it that the deployer heeds
    Raises UsageError where no version is said, ConfigError for fields, StoreError for a damaged package, and GateFailed
    where the deployer does not take it.
    """
    registry, workspace = load_registry(), open_workspace(home)
    record = version_named(workspace.catalog, version, "apply")
    manifest = verify(Path(record.path))

    def decide(current: Deployment | None) -> Decision | None:
        made = propose(registry, workspace, record, manifest, deployer, current, force=force)
        if made.policy is None:
            raise _refusal(made)
        if made.policy.is_same_policy(current):
            return None
        return replace(made.policy, figures=_figures(made)), _reason(made, reason)

    in_force = in_turn(workspace.catalog, record.name, decide)
    assert in_force is not None
    return in_force


def propose(
    registry: Registry,
    workspace: Workspace,
    record: ModelRecord,
    manifest: Mapping[str, Any],
    choice: Choice,
    current: Deployment | None,
    *,
    force: bool = False,
) -> Proposal:
    """Ask a deployer what is to be in force once it has a version; records nothing."""
    deployer = chosen(registry, choice, current)
    champion = None if current is None else _champion(workspace.catalog, current)
    standing = weigh(workspace, record, manifest, champion)
    heeded = Standing() if force else standing
    package = Package(Path(record.path), record.format, record.name, record.version, heeded.objections, heeded.unfit)
    try:
        if not force and not deployer.accepts(package):
            return Proposal(record, champion, deployer, standing, None)
        decided = deployer.deploy(package, current)
    except Exception as error:  # a plugin's, which goes on as it is
        if not isinstance(error, HooklineError):
            error.add_note(f"in deployer '{deployer.name}'")
        raise
    clean: dict[str, Any] = {"since": None, "who": "", "figures": {}, "number": None}
    return Proposal(record, champion, deployer, standing, replace(decided, fields=plain(deployer), **clean))


def in_short(standing: Standing) -> str:
    """Return what speaks against a version in one clause."""
    more = len(standing.objections) - MOST_OBJECTIONS
    return "; ".join([*standing.objections[:MOST_OBJECTIONS], *([f"and {more} more"] if more > 0 else [])])


def _champion(catalog: Catalog, current: Deployment) -> ModelRecord | None:
    try:
        return catalog.models.get(current.model, current.version)
    except UnknownName:
        return None


def _refusal(made: Proposal) -> GateFailed:
    named = f"{made.record.name}:{made.record.version}"
    why = in_short(made.standing) or "it does not say why"
    return GateFailed(
        f"deployer '{made.deployer.name}' does not take {named}: {why}",
        hint=f"to put it in force all the same: hookline deploy apply {named} --force",
    )


def _reason(made: Proposal, said: str) -> str:
    why = f"although {in_short(made.standing)}" if made.standing.objections else made.standing.merit
    return ": ".join(filter(None, [BY_HAND, said, why]))


def _figures(made: Proposal) -> dict[str, Any]:
    """Return what the versions were measured at when they were made, by version and metric."""
    records = [made.record, *([made.champion] if made.champion is not None else [])]
    return {f"v{one.version}": dict(one.metrics) for one in records if one.metrics}
