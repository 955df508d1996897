"""The README's own code does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_plugin_of_the_readme_runs_as_it_is_written(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "my_components.py").write_text(next(block for block in blocks if "hookimpl" in block))
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["my_components"]\n')
    command = [str(Path(sys.executable).with_name("hookline")), "trainer=nearest", "trainer.neighbors=7"]
    env = {name: value for name, value in os.environ.items() if name != "HOOKLINE_HOME"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "champion -> breast_cancer v1" in done.stderr
