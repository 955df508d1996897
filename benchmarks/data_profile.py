"""A profile of every column of table W against pandas, and against the same statistics by polars."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import HERE, best, run, show, table_w

BINS = 256
MOST = 1_000
Facts = dict[str, dict[str, Any]]
"""Column -> its statistics, as far as all ways tell them; to compare."""


def by_hookline(path: Path) -> Facts:
    import polars as pl

    from hookline.quality.distributions import profile

    frame = pl.scan_parquet(path)
    found = profile(frame, frame.collect_schema().names(), bins=BINS)
    return {
        column.name: {"missing": column.missing, "distinct": column.distinct, "mean": column.mean}
        | ({"edges": len(column.bins.edges)} if column.bins else {"top": len(column.top)})
        for column in found.columns
    }


def by_pandas(path: Path) -> Facts:
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(path)
    facts: Facts = {}
    described = frame.describe(include="all")
    distinct = frame.nunique()
    missing = frame.isna().sum()
    for name in frame:
        facts[name] = {"missing": int(missing[name]), "distinct": int(distinct[name])}
        if frame[name].dtype.kind in "iufM":
            edges = frame[name].quantile(np.linspace(0, 1, BINS + 1)).drop_duplicates()
            counts = np.histogram(frame[name].dropna().astype("int64" if edges.dtype.kind == "M" else float), 10)[0]
            mean = described[name]["mean"]
            facts[name] |= {"mean": mean if isinstance(mean, float) else mean.timestamp(), "edges": len(edges)}
            facts[name] |= {"rows": int(counts.sum())}
        else:
            facts[name] |= {"mean": None, "top": len(frame[name].value_counts().head(MOST))}
    return facts


def by_hand(path: Path) -> Facts:
    """Sort each number once: its quantiles, extremes, distinct values and bins all lie there."""
    import numpy as np
    import polars as pl

    frame = pl.scan_parquet(path)
    facts: Facts = {}
    for name, dtype in frame.collect_schema().items():
        column = frame.select(name).collect()[name]
        if dtype.is_numeric() or dtype.is_temporal():
            number = column.dt.epoch("us") / 1e6 if dtype.is_temporal() else column.cast(pl.Float64)
            values = np.sort(number.fill_nan(None).drop_nulls().to_numpy())
            edges = np.unique(values[np.linspace(0, len(values) - 1, BINS + 1).round().astype(np.int64)])
            ends = np.searchsorted(values, edges, side="right")
            facts[name] = {
                "missing": len(column) - len(values),
                "distinct": 1 + int(np.count_nonzero(values[1:] != values[:-1])),
                "mean": float(values.mean()),
                "std": float(values.std(ddof=1)),
                "edges": len(edges),
                "counts": np.diff(ends).tolist(),
            }
        else:
            counts = column.drop_nulls().value_counts(sort=True)
            facts[name] = {
                "missing": column.null_count(),
                "distinct": len(counts),
                "mean": None,
                "top": len(counts.head(MOST).rows()),
            }
    return facts


WAYS = {"pandas": by_pandas, "polars by hand": by_hand, "hookline": by_hookline}
LIBRARIES = {
    "pandas": "pandas, pyarrow.parquet",
    "polars by hand": "polars, numpy",
    "hookline": "polars, numpy, hookline",
}


def tell(way: str, path: Path) -> None:
    exec(f"import {LIBRARIES[way]}")  # the time of imports is nobody's
    started = time.perf_counter()
    facts = WAYS[way](path)
    print(json.dumps({"seconds": time.perf_counter() - started, "facts": facts}, default=str))


def measured(way: str, path: Path, tries: int) -> tuple[float, float, Facts]:
    """Return the seconds from file to profile, the peak memory of the process in MiB, and the profile."""
    command = [sys.executable, str(HERE / "data_profile.py"), "--way", way, str(path)]
    told = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(tries)
    ]
    return min(one["seconds"] for one in told), best([run(command)]).memory, told[0]["facts"]


def differing(found: dict[str, Facts]) -> set[str]:
    """Return the columns of whose missing or distinct values the ways tell different things."""
    ours = found["hookline"]
    keys = ("missing", "distinct")
    return {name for facts in found.values() for name in ours if any(ours[name][k] != facts[name][k] for k in keys)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="run one in this process")
    parser.add_argument("path", type=Path, nargs="?")
    given = parser.parse_args()
    if given.way:
        tell(given.way, given.path)
        return
    shown = []
    for rows in given.rows:
        found = {way: measured(way, table_w(rows), given.tries) for way in WAYS}
        odd = differing({way: facts for way, (_, _, facts) in found.items()})
        if odd:
            sys.exit(f"the profiles differ in {', '.join(sorted(odd))}")
        ours = found["hookline"]
        shown += [
            [f"{rows:,}", way, seconds, seconds / ours[0], memory, memory / ours[1]]
            for way, (seconds, memory, _) in found.items()
        ]
    show(shown, ["rows", "by", "file to profile s", "to hookline", "MiB", "memory to hookline"])


if __name__ == "__main__":
    main()
