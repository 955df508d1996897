"""Drift as Evidently, NannyML, Alibi Detect and river tell it, beside hookline, on the same rows.

python benchmarks/quality/drift_peers.py [all | hookline evidently nannyml alibi_detect river] [--part false|power|streams]

Each tool gets an environment of its own from `benchmarks/peers/drift/<tool>/requirements.txt`, for which the network is needed
once. All are asked as their documentation has it, with the thresholds that they come with. A pair of tables, or a stream, is
drawn a seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from drift import CARDINALITIES, moved, table

PEERS = Path(__file__).resolve().parents[1] / "peers"
sys.path.append(str(PEERS))

from run import install  # noqa: E402

PARTS = ("false", "power", "streams")
TABLES = ("hookline", "evidently", "nannyml", "alibi_detect")
SIZES = {500: 30, 5_000: 20, 100_000: 10, 1_000_000: 2}
"""Rows of either table -> pairs."""
MOST_ROWS = {"nannyml": 100_000}
"""NannyML wants ten times as many rows of the reference."""
HELD, QUIET, BEFORE, AFTER = 2_000, 10_000, 300, 700
"""Labels: held out, of which nothing changes, before errors rise, and after."""


def write(folder: Path, draws: int, rows: int, by: float = 0.0) -> None:
    """Write pairs of tables; column `moved` of the second lies `by` standard deviations off."""
    known = []
    for seed in range(draws):
        made = {"before": table(rows, 2 * seed), "now": table(rows, 2 * seed + 1, by)}
        if rows <= MOST_ROWS["nannyml"]:
            made["long"] = table(10 * rows, 2 * seed)
        names = {part: f"{seed}-{part}.parquet" for part in made}
        for part, frame in made.items():
            frame.drop("y").write_parquet(folder / names[part])
        columns = made["now"].drop("y").schema
        texts = [name for name, dtype in columns.items() if dtype == pl.String]
        known.append({**names, "texts": texts, "numbers": [name for name in columns if name not in texts]})
    (folder / "pairs.json").write_text(json.dumps(known))


def judged(tool: str, folder: Path) -> list[dict[str, Any]]:
    """Return what a tool tells of each pair, or stream, and in how many seconds."""
    if tool == "hookline":
        return [_by_hookline(folder, pair) for pair in json.loads((folder / "pairs.json").read_text())]
    judge = PEERS / "drift" / tool / "judge.py"
    command = [str(install(judge.parent)), "-W", "ignore", str(judge), str(folder)]
    env = os.environ | {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "PYTHONPATH": ""}
    found = subprocess.run(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True
    ).stdout
    return [json.loads(line) for line in found.splitlines() if line.startswith("{")]


def _by_hookline(folder: Path, pair: Mapping[str, Any]) -> dict[str, Any]:
    before, now = (pl.read_parquet(folder / pair[name]) for name in ("before", "now"))
    began = time.perf_counter()
    # With what it learns of the reference, as the others.
    return {"told": sorted(moved(before, now)), "seconds": time.perf_counter() - began}


def false_alarms(tools: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield how often unchanged columns are told, by tool, rows and sort of column."""
    for rows, draws in SIZES.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, draws, rows)
            sorts = _sorts(json.loads((folder / "pairs.json").read_text())[0])
            for tool in tools:
                if rows <= MOST_ROWS.get(tool, rows):
                    found = judged(tool, folder)
                    shares = {sort: _share(found, columns) for sort, columns in sorts.items()}
                    any_ = sum(bool(one["told"]) for one in found) / draws
                    seconds = round(sum(one["seconds"] for one in found) / draws, 3)
                    yield {"tool": tool, "rows": rows, **shares, "any": any_, "seconds": seconds, "draws": draws}


def _sorts(pair: Mapping[str, Any]) -> dict[str, list[str]]:
    texts = {f"texts of {n:,}": [name for name in pair["texts"] if name.endswith(f" {n}")] for n in CARDINALITIES}
    return {"all": [*pair["numbers"], *pair["texts"]], "numbers": pair["numbers"], **texts}


def _share(found: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> float:
    return round(sum(len({*one["told"]} & {*columns}) for one in found) / len(found) / len(columns), 4)


def power(tools: Sequence[str], draws: int = 20, rows: int = 10_000, by: float = 0.1) -> Iterator[dict[str, Any]]:
    """Yield how often a column that has moved by a tenth of a standard deviation is told, and the columns told beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, draws, rows, by)
        rest = [name for name in _sorts(json.loads((folder / "pairs.json").read_text())[0])["all"] if name != "moved"]
        for tool in tools:
            found = judged(tool, folder)
            share = sum("moved" in one["told"] for one in found) / draws
            yield {"tool": tool, "shift_in_sd": by, "found": share, "false": _share(found, rest), "draws": draws}


def streams(draws: int = 20) -> Iterator[dict[str, Any]]:
    """Yield, by river's detectors as they come, alarms in labels of which nothing changes, and how soon a rise is found."""
    made = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        shares = {"quiet": [(HELD + QUIET, 0.2)], "rise": [(HELD + BEFORE, 0.2), (AFTER, 0.4)]}
        for name, parts in shares.items():
            errors = np.concatenate([rng.random(rows) < share for rows, share in parts]).astype(int)
            made.append({"name": name, "errors": errors.tolist()})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "streams.json").write_text(json.dumps(made))
        found = judged("river", Path(folder))
    for detector in dict.fromkeys(one["detector"] for one in found):
        of = {
            name: [one["found"] for one in found if (one["detector"], one["stream"]) == (detector, name)]
            for name in shares
        }
        false = [sum(place >= HELD for place in places) for places in of["quiet"]]
        start = HELD + BEFORE
        first = [next((place - start + 1 for place in places if place >= start), None) for places in of["rise"]]
        late = [one for one in first if one is not None]
        yield {
            "detector": detector, "false_in_10000": round(sum(false) / draws / QUIET * 10_000, 3),
            "labels_until_found": float(np.mean(late)) if late else None, "missed": draws - len(late), "draws": draws,
        }  # fmt: skip


def main() -> None:
    """Print one line of JSON a row."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tools", nargs="*", default=["all"], choices=("all", *TABLES, "river"))
    options.add_argument("--part", action="append", choices=PARTS, help="only this one (repeat)")
    given = options.parse_args()
    every, parts = "all" in given.tools, given.part or PARTS
    tools = [tool for tool in TABLES if every or tool in given.tools]
    if "false" in parts and tools:
        _print(false_alarms(tools))
    if "power" in parts and tools:
        _print(power(tools))
    if "streams" in parts and (every or "river" in given.tools):
        _print(streams())


def _print(rows: Iterator[dict[str, Any]]) -> None:
    for row in rows:
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
