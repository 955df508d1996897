"""A sweep of 20 settings against 20 runs, and against Hydra's own launcher; and what a job costs that does nothing."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import HOOKLINE, Cost, run, show, table_w
from w import overrides

NOTHING = """
from hookline.sweep.pool import Limits, Pool
import time

def act(setup, payload):
    return payload

if __name__ == "__main__":
    pool = Pool("nothing:act", None, 2, Limits())
    running = pool.run([(number, number) for number in range(31)])
    next(running)
    started = time.perf_counter()
    assert len(list(running)) == 30
    print((time.perf_counter() - started) / 30)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--settings", type=int, default=20)
    given = parser.parse_args()
    path = table_w(given.rows)
    settings = [f"{0.01 * 1.4**number:.5g}" for number in range(given.settings)]
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        swept = run(
            [HOOKLINE, "-m", *overrides(path), f"trainer.C={','.join(settings)}"], {"HOOKLINE_HOME": f"{folder}/a"}
        )
        basic = ["hydra/launcher=basic", "hydra/sweeper=basic"]
        by_hydra = run(
            [HOOKLINE, "-m", *overrides(path), "deployer=null", f"trainer.C={','.join(settings)}", *basic],
            {"HOOKLINE_HOME": f"{folder}/b"},
        )
        apart: list[Cost] = []
        for number, value in enumerate(settings):
            home = {"HOOKLINE_HOME": f"{folder}/c{number}"}
            apart.append(run([HOOKLINE, *overrides(path), "deployer=null", f"trainer.C={value}"], home))
        total = sum(cost.seconds for cost in apart)
        shown.append([f"{given.settings} runs, each on its own", total, 1.0])
        shown.append(["Hydra's basic launcher, shared store", by_hydra.seconds, by_hydra.seconds / total])
        shown.append(["hookline's launcher", swept.seconds, swept.seconds / total])
        (Path(folder) / "nothing.py").write_text(NOTHING)
        import subprocess

        told = subprocess.run([sys.executable, "nothing.py"], cwd=folder, capture_output=True, text=True, check=True)
        shown.append(["a job that does nothing, in a worker", float(told.stdout), ""])
    show(shown, [f"{given.rows:,} rows", "seconds", "ratio"])


if __name__ == "__main__":
    main()
