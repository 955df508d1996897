"""The README's own code does what it says."""

from __future__ import annotations

import os
import re
from pathlib import Path

from kit.places import ROOT
from kit.processes import run_hookline

README = ROOT / "README.md"


def test_the_plugin_of_the_readme_runs_as_it_is_written(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "my_components.py").write_text(next(block for block in blocks if "hookimpl" in block))
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["my_components"]\n')
    env = {name: value for name, value in os.environ.items() if name != "HOOKLINE_HOME"}
    done = run_hookline("trainer=nearest", "trainer.neighbors=7", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "champion -> breast_cancer v1" in done.stderr
