"""A model that is retrained, which the tests of this folder share; each goes on with a copy of its home."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kit.drifting import labeled, rows, trained


@pytest.fixture(scope="session")
def drifted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `shop`, trained from a file, with 600 answers on record whose truth follows another rule by now."""
    home = tmp_path_factory.mktemp("drifted") / "home"
    file = home.parent / "shop.parquet"
    rows(800, 0).write_parquet(file)
    trained(home, source=str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
        labeled(home, 600, 1, tilt=-1.0)
    return home


@pytest.fixture(autouse=True)
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let packages unpickle, which are all our own here."""
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")


@pytest.fixture
def drifted(drifted_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the test's own home."""
    home = tmp_path / "drifted"
    shutil.copytree(drifted_home, home)
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    return home
