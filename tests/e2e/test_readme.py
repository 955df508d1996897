"""The README's own code does what it says."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from kit.places import ROOT
from kit.processes import run_hookline

README = ROOT / "README.md"


def with_the_plugin(folder: Path, *arguments: str) -> Any:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    (folder / "my_components.py").write_text(next(block for block in blocks if "hookimpl" in block))
    (folder / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["my_components"]\n')
    env = {name: value for name, value in os.environ.items() if name != "HOOKLINE_HOME"}
    return run_hookline(*arguments, cwd=folder, env=env)


def test_the_plugin_of_the_readme_runs_as_it_is_written(tmp_path: Path) -> None:
    done = with_the_plugin(tmp_path, "trainer=nearest", "trainer.neighbors=7")
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "champion -> breast_cancer v1" in done.stderr


def test_the_plugin_of_the_readme_passes_every_check(tmp_path: Path) -> None:
    done = with_the_plugin(tmp_path, "plugins", "check", "my_components")
    assert done.returncode == 0, done.stdout
