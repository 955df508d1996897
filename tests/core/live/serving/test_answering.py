"""Who serves a model: its policy's deployer, or the usual one where that cannot be made any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hookline.kinds.deployments import Deployment, ServeOptions
from hookline.live.serving.answering import server_of
from hookline.live.serving.work import Work
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace


@pytest.mark.parametrize(
    ("deployer", "fields", "told"),
    [
        ("canary", {"steps": [5, 50], "patience_of_old": 3}, "patience_of_old: unknown field"),
        ("gone", {}, "no deployer named 'gone'"),
    ],
)
def test_a_policy_whose_deployer_cannot_be_made_any_more_is_served_all_the_same(
    deployer: str, fields: dict[str, Any], told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = open_workspace(tmp_path)
    workspace.catalog.models.register("churn", "r", "path", "onnx", {}, "f")
    workspace.catalog.deployments.record(replace(Deployment.single("churn", 1, deployer), fields=fields), "test")
    work = Work("path", "churn", 1, True, str(tmp_path), None, None, None, ServeOptions())
    server: Any = server_of(load_registry(), work, workspace)
    assert server.name == "local"
    assert told in caplog.text
