"""What decides that a stage must run again because code changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline.errors import StoreError
from hookline.plans import closure
from hookline.runs.sequence import SEQUENCE

CORE = Path(closure.__file__).parents[2]
Plan = Callable[[], dict[str, dict[str, str]]]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the core, to be edited."""
    folder = tmp_path / "core"
    shutil.copytree(CORE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def hookline(copied: Path, tmp_path: Path) -> Callable[..., str]:
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(copied), os.environ.get("PYTHONPATH", "")]),
        "HOOKLINE_HOME": str(tmp_path / "home"),
    }

    def call(*argv: str) -> str:
        code = "import sys; from hookline.cli import main; sys.exit(main(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", code, *argv], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def edit(path: Path) -> None:
    path.write_text(path.read_text("utf-8") + "\nEDITED = True\n", "utf-8")


def test_an_edited_helper_deep_below_runs_the_stages_again_that_go_by_it(
    copied: Path, hookline: Callable[..., str]
) -> None:
    chosen = ("source=iris", "trainer=decision_tree", "packager=[]", "deployer=null", "monitor=[]")
    hookline(*chosen)

    def plan() -> dict[str, dict[str, str]]:
        told = json.loads(hookline("plan", "--json", *chosen))
        return {stage["stage"]: stage for stage in told}

    before = plan()
    assert {stage["status"] for stage in before.values()} <= {"cached", "unneeded"}
    edit(copied / "hookline" / "quality" / "audit" / "overlaps.py")  # Three imports away from the audit's own module.
    after = plan()
    assert after["audit"]["status"] == "run"
    assert "code changed" in after["audit"]["why"]
    assert after["split"]["status"] in ("cached", "unneeded")
    assert after["trainer"]["status"] == "cached"
    edit(copied / "hookline" / "data" / "parts.py")
    assert {plan()[key]["status"] for key in ("split", "trainer", "evaluator.standard")} == {"run"}


def test_every_module_that_a_stage_imports_is_part_of_it() -> None:
    for spec in SEQUENCE:
        files = {Path(path).relative_to(CORE).as_posix() for path in closure.closure([closure._file(spec.module)])}
        assert "hookline/runs/outputs.py" in files
        assert "hookline/kinds/artifacts.py" in files
        # What keeps the books decides nothing of what a stage makes.
        assert not [name for name in files if "/cli/" in name or "catalog" in name]


def test_what_only_type_checkers_import_decides_nothing(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from hookline.sweeps.workers.pool import Pool\n\n"
        "def act():\n    from hookline.data.parts import (\n        PARTS,  # all of them\n        assign as _assign,\n    )\n"
    )
    assert {Path(path).name for path in closure.imports(str(module))} == {"parts.py"}


def test_the_public_face_stands_for_what_it_names(tmp_path: Path) -> None:
    module = tmp_path / "plugin.py"
    module.write_text("from hookline import Trainer, SklearnModel\n")
    assert {Path(path).name for path in closure.imports(str(module))} == {"kinds.py", "sklearn_model.py"}


def test_a_module_that_is_gone_is_told(copied: Path, tmp_path: Path) -> None:
    (copied / "hookline" / "data" / "cleaning" / "cells.py").unlink()
    code = "from hookline.plans.closure import core_digest; core_digest('hookline.runs.stages.cleaning')"
    env = os.environ | {"PYTHONPATH": str(copied)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert "hookline is incomplete: its module hookline.data.cleaning.cells is missing" in done.stderr
    with pytest.raises(StoreError, match=r"hookline\.no\.such is missing"):
        closure.core_digest("hookline.no.such")
