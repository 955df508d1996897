"""The example extension, installed beside us, passes its own tests and the kit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("lightgbm")

EXAMPLE = Path(__file__).parents[2] / "examples" / "hookline-lightgbm"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which the example is installed, as an editable install would do it: metadata and a path."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    info = tmp_path / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(f"{key} = {value}\n" for key, value in project["entry-points"]["hookline"].items())
    (info / "entry_points.txt").write_text(f"[hookline]\n{entries}")
    paths = os.pathsep.join(map(str, (tmp_path / "site", EXAMPLE / "src")))
    return os.environ | {"PYTHONPATH": paths, "HOOKLINE_HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"}


def test_its_own_tests_pass(environ: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(argv, cwd=EXAMPLE, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout


def test_the_command_line_finds_and_checks_it(environ: dict[str, str]) -> None:
    hookline = str(Path(sys.executable).with_name("hookline"))
    argv = [hookline, "plugins", "check", "lightgbm", "--json"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(row["name"], row["status"]) for row in json.loads(done.stdout)] == [("lightgbm.gbm", "ok")]
