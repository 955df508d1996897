"""A home with two versions of one model, copied for each test that changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hookline as hl

QUICK = ("source=iris", "name=iris", "monitor=[]")
KEY = "the secret that this home is signed with"


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 is a tree in ONNX, and version 2 logistic regression in skops, which is in charge."""
    home = tmp_path_factory.mktemp("two") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_STORE_KEY", KEY)
        hl.run(*QUICK, "trainer=decision_tree", home=home)
        hl.run(*QUICK, "trainer=logistic_regression", "packager=[skops]", "deployer.promote=always", home=home)
    return home


@pytest.fixture
def home(two_versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, which is the test's own."""
    place = tmp_path / "copied"
    shutil.copytree(two_versions, place)
    monkeypatch.setenv("HOOKLINE_HOME", str(place))
    monkeypatch.setenv("HOOKLINE_STORE_KEY", KEY)
    return place
