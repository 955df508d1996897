"""A challenger that has won put in force, once, and what becomes of its rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import verify
from hookline.registry.registry import Registry
from hookline.workspace.catalog.retrainings import Retraining, Status
from hookline.workspace.processes.owners import host
from hookline.workspace.workspace import Workspace

from ..deploying.applying import propose
from ..deploying.force import Decision, in_turn
from ..deploying.policies import is_settled

OF = "retraining"
"""The figure of a policy that a retraining put in force: its number."""
NOBODY = "none"
"""Stands in the place of a deployer where a person is to say."""


def release(registry: Registry, workspace: Workspace, one: Retraining, then: str | Mapping[str, Any]) -> None:
    """Put a challenger in force by a deployer, unless that has happened, or somebody else put another in charge.

    The test that it has won stands above the metrics that both had on their own held-out rows.
    """
    if then == NOBODY or _was_released(workspace, one):
        return
    record = workspace.catalog.models.get(one.model, one.version)
    manifest = verify(Path(record.path))

    def decide(current: Deployment | None) -> Decision | None:
        if current is not None and (current.version != one.champion or one.version in current.versions):
            return None
        if current is not None and not is_settled(current):
            # Another rollout goes on, which is somebody's; this one begins behind it.
            return None
        made = propose(registry, workspace, record, manifest, then, current, force=True)
        assert made.policy is not None
        figures = {OF: one.number, **one.figures.get("trial", {})}
        return replace(made.policy, who=f"retrain@{host()}", figures=figures), reason_of(one)

    in_turn(workspace.catalog, one.model, decide)


def follow(workspace: Workspace, one: Retraining) -> tuple[Status, str]:
    """Return how the rollout of a challenger stands, and a sentence where that is news."""
    current = workspace.catalog.deployments.current(one.model)
    if current is None or one.version is None:
        return "released", ""
    if is_settled(current) and current.version == one.version:
        why = one.told if current.figures.get(OF) == one.number else current.reason
        return "promoted", f"v{one.version} is in charge: {why}"
    if _was_released(workspace, one) and one.version not in current.versions:
        return "taken back", current.reason
    if not _was_released(workspace, one) and current.version != one.champion:
        return "overtaken", f"v{current.version} was put in charge: {current.reason}"
    return "released", ""


def reason_of(one: Retraining) -> str:
    """Return why a challenger is put in force, with what opened its retraining."""
    return f"retraining {one.number}, opened by {one.opened.get('said')}; {one.told}"


def _was_released(workspace: Workspace, one: Retraining) -> bool:
    """Tell whether a policy since the retraining began names its challenger."""
    history = workspace.catalog.deployments.history(one.model)
    return any(
        one.version in policy.versions
        and policy.since is not None
        and one.began is not None
        and policy.since >= one.began
        for policy in history
    )
