"""A run's last word: the policy that it puts in force is decided on the one that is in force at that moment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hookline as hl
from hookline.workspace.workspace import open_workspace

RACING = """
import hookline as hl
from hookline import Deployer, Deployment, Package

DECIDED = []

class RacingDeployer(Deployer):
    '''Puts each version in charge; while it first decides, a person puts version 1 back.'''

    name = "racing"

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        DECIDED.append(current and current.version)
        if package.version == 3 and len(DECIDED) == 1:
            hl.promote("iris:1", reason="the second is wrong")
        return Deployment.single(package.name, package.version, self.name)

@hl.hookimpl
def register_deployers():
    return [RacingDeployer]
"""
QUICK = ("source=iris", "name=iris", "monitor=[]", "evaluator=[]", "trainer=decision_tree", "packager=[skops]")


def run(depth: int, *more: str) -> hl.Run:
    return hl.run(*QUICK, f"trainer.max_depth={depth}", *more)


def test_what_a_person_decides_while_a_run_does_is_what_the_run_decides_on(
    project_module: Callable[[str, str], str],
) -> None:
    for depth in (1, 2):
        run(depth)
    hl.promote("iris:2")
    module = project_module("racing", RACING)
    run(3, "deployer=racing")
    assert sys.modules[module].DECIDED == [2, 1]
    history = open_workspace().catalog.deployments.history("iris")
    assert [policy.version for policy in history[:3]] == [3, 1, 2]
    assert history[1].reason == "the second is wrong"


def test_a_registered_copy_that_is_damaged_is_made_again_and_nothing_is_left_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(2)
    path = Path(open_workspace().catalog.models.get("iris", 1).path)
    (path / "model.skops").write_bytes(b"damaged")
    run(2)
    assert "is made again: model.skops" in caplog.text
    assert hl.verify_package("iris:1").ok
    assert [one.name for one in path.parent.iterdir()] == [path.name]
