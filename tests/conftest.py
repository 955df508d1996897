"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
import sys
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real tables that stands beside the project; skipped, loudly, where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real tables are not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own HOOKLINE_HOME, and none of the caller's settings."""
    for name in [name for name in os.environ if name.startswith("HOOKLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "hookline-home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a one-module distribution with an entry point in the group `hookline`, for one test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(distribution: str, name: str, module: str, code: str) -> None:
        (site / f"{module}.py").write_text(textwrap.dedent(code))
        info = site / f"{distribution.replace('-', '_')}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[hookline]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


@pytest.fixture
def project_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Write a module of the user's own project and name it in HOOKLINE_PLUGINS; returns its unique name."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def write(stem: str, code: str) -> str:
        module = f"{stem}_{uuid.uuid4().hex[:8]}"
        (folder / f"{module}.py").write_text(textwrap.dedent(code))
        monkeypatch.setenv("HOOKLINE_PLUGINS", module)
        return module

    return write
