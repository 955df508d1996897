"""Table W: dedupe, split, impute, scale, encode, logistic regression, metrics and package, against a script."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from measure import HERE, HOOKLINE, Cost, best, run, show, table_w


def overrides(path: Path) -> list[str]:
    roles = ["roles.target=target", "roles.id=id", "roles.ignore=[timestamp]"]
    return [
        *("source=file", f"source.path={path}", *roles, "split.method=stratified"),
        *("transform=[dedupe,impute]", "trainer=logistic_regression", "name=w"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--alone", type=int, nargs="*", default=[], help="sizes for hookline without the script")
    parser.add_argument("--tries", type=int, default=3)
    given = parser.parse_args()
    shown = []
    for rows in [*given.rows, *given.alone]:
        path = table_w(rows)
        script: list[Cost] = []
        fresh: list[Cost] = []
        again: list[Cost] = []
        for _ in range(given.tries):
            with tempfile.TemporaryDirectory() as folder:
                if rows in given.rows:
                    script.append(run([sys.executable, str(HERE / "w_script.py"), str(path), f"{folder}/model.joblib"]))
                home = {"HOOKLINE_HOME": f"{folder}/home"}
                fresh.append(run([HOOKLINE, *overrides(path)], home))
                again.append(run([HOOKLINE, *overrides(path)], home))
                shutil.rmtree(f"{folder}/home")
        ours, twice = best(fresh), best(again)
        if script:
            theirs = best(script)
            ratios = [ours.seconds / theirs.seconds, ours.memory / theirs.memory]
            shown.append(
                [f"{rows:,}", theirs.seconds, ours.seconds, *ratios, twice.seconds, theirs.memory, ours.memory]
            )
        else:
            shown.append([f"{rows:,}", "-", ours.seconds, "-", "-", twice.seconds, "-", ours.memory])
    header = ["rows", "script s", "hookline s", "time ratio", "memory ratio", "re-run s", "script MiB", "hookline MiB"]
    show(shown, header)


if __name__ == "__main__":
    main()
