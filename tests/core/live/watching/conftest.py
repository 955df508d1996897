"""A model whose log is watched, which the tests of this folder share; each writes a log of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hookline as hl
from kit.watched import rows


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `shop`, trained with a monitor of data drift that has a field of its own."""
    home = tmp_path_factory.mktemp("watched")
    hl.run(
        source=rows(2_000, 0),
        target="bought",
        name="shop",
        trainer="decision_tree",
        packager=["skops"],
        evaluator=[],
        deployer="local",
        monitor={"data_drift": {"component": "data_drift", "numeric_threshold": 0.08}},
        home=home,
    )
    return home


@pytest.fixture
def shop(shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the test's own home."""
    home = tmp_path / "shop"
    shutil.copytree(shop_home, home, ignore=shutil.ignore_patterns("store", "runs"))
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    return home
