"""Putting a version in charge by hand."""

from __future__ import annotations

from dataclasses import replace

import hookline as hl
from hookline.workspace.workspace import open_workspace


def test_a_promotion_keeps_the_deployer_with_its_fields() -> None:
    for depth in (1, 2):
        hl.run("source=iris", "trainer=decision_tree", f"trainer.max_depth={depth}", "packager=[skops]", "name=flowers")
    catalog = open_workspace().catalog
    rollout = replace(hl.Deployment.single("flowers", 1, "canary"), fields={"steps": [0.1, 0.5]})
    catalog.deployments.record(rollout, "a rollout of somebody's own deployer")
    hl.promote("flowers:2")
    current = catalog.deployments.current("flowers")
    assert current is not None
    assert (current.version, current.deployer, current.fields) == (2, "canary", {"steps": [0.1, 0.5]})
