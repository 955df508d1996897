"""Each example extension, installed beside us, passes its own tests and the kit."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from kit.distributions import describe_installed
from kit.places import ROOT, at
from kit.processes import run_command, run_hookline

COMPONENTS = {"lightgbm": "lightgbm.gbm", "xgboost": "xgboost.boost"}
"""Backend, as which its plugin is called too -> the trainer of the example."""


@pytest.fixture(params=COMPONENTS)
def backend(request: pytest.FixtureRequest) -> str:
    """The library that an example is about."""
    name: str = request.param
    pytest.importorskip(name)
    return name


@pytest.fixture
def example(backend: str) -> Path:
    """The folder of an example."""
    return ROOT / "examples" / f"hookline-{backend}"


@pytest.fixture
def environ(example: Path, tmp_path: Path) -> dict[str, str]:
    """An environment in which the example is installed, as an editable install would do it: metadata and a path."""
    project = tomllib.loads((example / "pyproject.toml").read_text("utf-8"))["project"]
    entries = project["entry-points"]["hookline"]
    describe_installed(tmp_path / "site", project["name"], project["version"], entries=entries)
    paths = os.pathsep.join(map(str, (tmp_path / "site", example / "src")))
    return at(tmp_path / "home") | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def test_its_own_tests_pass(example: Path, environ: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = run_command(argv, cwd=example, env=environ)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout


def test_the_command_line_finds_and_checks_it(backend: str, environ: dict[str, str]) -> None:
    done = run_hookline("plugins", "check", backend, "--json", env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(row["name"], row["status"]) for row in json.loads(done.stdout)] == [(COMPONENTS[backend], "ok")]
