"""A rollout carried on: by one process at a time, from what all servers saw, and never over the head of a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hookline.kinds.deployments import LATENCY_BOUNDS, Deployment, Route
from hookline.live.control import Controller
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.catalog.sightings import Sighting
from hookline.workspace.workspace import Workspace, open_workspace

WALK = """
from dataclasses import replace
from hookline import Deployer, Deployment, Package, hookimpl

class Walk(Deployer):
    \"\"\"Take a step for every ten requests of the second version.\"\"\"
    name = "walk"
    every: int = 10
    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, package.version or 1, self.name)
    def follow(self, policy, seen, now):
        count = seen[2].requests if 2 in seen else 0
        if count < self.every:
            return None
        return replace(policy, step=policy.step + 1, reason=f"{count} requests", figures={"requests": count})

@hookimpl
def register_deployers():
    return [Walk]
"""


@pytest.fixture
def registry(project_module: Callable[[str, str], str]) -> Registry:
    project_module("walking", WALK)
    return load_registry()


@pytest.fixture
def walking(registry: Registry, tmp_path: Path) -> tuple[Workspace, str]:
    """A home whose model `churn` has two versions and a policy of the deployer above; and what that one is called."""
    workspace = open_workspace(tmp_path / "home")
    for number in (1, 2):
        workspace.catalog.models.register("churn", "r", f"path/{number}", "onnx", {}, f"f{number}")
    name = next(cls.name for cls in registry.classes("deployer") if cls.name.endswith("walk"))
    policy = Deployment("churn", 1, (Route(1, 0.9), Route(2, 0.1, arm="canary")), name, fields={"every": 10})
    workspace.catalog.deployments.record(policy, "begun")
    return workspace, name


def tell(workspace: Workspace, worker: str, requests: int) -> None:
    """Have a server's process say how many requests the second version had under the policy in force."""
    current = workspace.catalog.deployments.current("churn")
    assert current is not None
    latency = [requests, *[0] * len(LATENCY_BOUNDS)]
    answers = {"name": "prediction", "labels": ["no", "yes"], "counts": [requests, 0]}
    workspace.catalog.sightings.tell(
        [Sighting("churn", current.number or 0, 2, "canary", worker, requests, 0, latency, latency, answers)]
    )


def test_a_deployer_is_asked_with_what_all_processes_saw(walking: tuple[Workspace, str], registry: Registry) -> None:
    workspace, _ = walking
    controller = Controller(workspace, registry, "churn")
    assert controller.look() is None
    tell(workspace, "a", 3)
    tell(workspace, "a", 6)
    assert controller.look() is None
    tell(workspace, "b", 4)
    made = controller.look()
    assert made is not None
    current = workspace.catalog.deployments.current("churn")
    assert current is not None
    assert (current.step, current.reason, current.figures) == (1, "10 requests", {"requests": 10})
    assert current.who.startswith("controller@")
    assert current.fields == {"every": 10}
    # What was seen under the policy before does not count for this one.
    assert controller.look() is None


def test_one_controls_at_a_time_and_another_takes_over_when_it_leaves(
    walking: tuple[Workspace, str], registry: Registry
) -> None:
    workspace, _ = walking
    first, second = (Controller(workspace, registry, "churn") for _ in range(2))
    assert first.look() is None
    tell(workspace, "a", 10)
    assert second.look() is None
    assert first.look() is not None
    first.leave()
    tell(workspace, "a", 10)
    assert second.look() is not None


def test_what_a_person_decided_meanwhile_stands(walking: tuple[Workspace, str], registry: Registry) -> None:
    workspace, name = walking
    tell(workspace, "a", 10)
    deployments = workspace.catalog.deployments
    before = deployments.current("churn")
    assert before is not None
    deployments.record(replace(Deployment.single("churn", 1, name), fields={"every": 10}), "put back by hand")
    assert not deployments.follow(replace(before, step=1), "too late", before)
    current = deployments.current("churn")
    assert current is not None
    assert current.reason == "put back by hand"


def test_a_clock_that_was_set_back_keeps_nobody_from_going_on(
    walking: tuple[Workspace, str], registry: Registry
) -> None:
    workspace, _ = walking
    controller = Controller(workspace, registry, "churn")
    tell(workspace, "a", 10)
    assert controller.look(datetime(2001, 1, 1, tzinfo=UTC)) is not None
