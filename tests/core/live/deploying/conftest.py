"""A model of several versions, which these tests share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hookline as hl
from hookline.workspace.workspace import Workspace, open_workspace
from kit.shops import Versions, add_version
from kit.tables import table


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that tests copy."""
    place = tmp_path_factory.mktemp("made")
    parts = {"target": "label", "trainer": "logistic_regression", "packager": ["skops"], "name": "shop", "audit": "off"}
    run = hl.run(source=table(200), **parts, home=place / "home")
    return Path(shutil.copytree(run.package(), place / "package"))


@pytest.fixture
def workspace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose catalog is a file; with `BOTH`, also one on a server."""
    if getattr(request, "param", "") == "postgresql":
        monkeypatch.setenv("HOOKLINE_CATALOG", str(request.getfixturevalue("postgresql_url")))
    return open_workspace()


@pytest.fixture
def versions(workspace: Workspace, package: Path) -> Versions:
    """Make versions of the model `shop`, each with a folder of its own."""

    def make(count: int) -> Workspace:
        for _ in range(count):
            add_version(workspace, package)
        return workspace

    return make
