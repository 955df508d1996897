"""A sweep of 20 settings against 20 runs, and against a script in Hydra's own launchers; and a job that does nothing."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import HERE, HOOKLINE, run, show, table_w
from w import overrides

GOAL, GOAL_NOTHING = 0.35, 0.05
"""Of a sweep against as many runs; seconds of a job that does nothing, in process."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--settings", type=int, default=20)
    given = parser.parse_args()
    path = table_w(given.rows)
    values = [f"{0.01 * 1.4**number:.5g}" for number in range(given.settings)]
    with tempfile.TemporaryDirectory() as folder:
        swept = f"trainer.C={','.join(values)}"
        plain = [HOOKLINE, *overrides(path), "deployer=null"]
        apart = sum(run([*plain, f"trainer.C={value}"], at(folder, value)).seconds for value in values)
        ours = run([HOOKLINE, "-m", *overrides(path), swept], at(folder, "ours")).seconds
        basic = ["hydra/launcher=basic", "hydra/sweeper=basic"]
        by_hydra = run([*plain, "-m", swept, *basic], at(folder, "basic")).seconds
        scripts = {name: script_swept(path, values, name, folder) for name in ("basic", "joblib")}
    shown = [
        [f"{given.settings} runs of hookline, each on its own", apart, 1.0, apart / ours],
        ["hookline's launcher", ours, ours / apart, 1.0],
        ["hookline in Hydra's basic launcher, shared store", by_hydra, by_hydra / apart, by_hydra / ours],
        *([f"the script in Hydra's {name} launcher", s, s / apart, s / ours] for name, s in scripts.items()),
    ]
    show(shown, [f"{given.rows:,} rows", "seconds", f"against runs (goal {GOAL})", "against hookline's launcher"])
    told = subprocess.run([sys.executable, str(HERE / "noop.py")], capture_output=True, text=True, check=True)
    nothing = json.loads(told.stdout)
    costs = [["in reused workers", nothing["workers"]], [f"in process (goal {GOAL_NOTHING})", nothing["here"]]]
    show(costs, ["a job that does nothing, composed and run", "seconds"])


def at(folder: str, name: str) -> dict[str, str]:
    """Return a home of its own."""
    return {"HOOKLINE_HOME": str(Path(folder) / name)}


def script_swept(path: Path, values: list[str], launcher: str, folder: str) -> float:
    """Return the seconds of the hand-written script as a Hydra application, swept by one of Hydra's launchers."""
    app = [sys.executable, str(HERE / "w_app.py"), "-m", f"path={path}", f"C={','.join(values)}"]
    plugins = [f"hydra/launcher={launcher}", "hydra/sweeper=basic", f"hydra.sweep.dir={folder}/script-{launcher}"]
    return run([*app, *plugins]).seconds


if __name__ == "__main__":
    main()
