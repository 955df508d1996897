"""What watching costs: a million rows against a stored reference, and a day of answers window by window, in how much memory.

python benchmarks/watch_day.py [--rows 1000000] [--records 10000000] [--folder DIR]

Figures are CPU seconds of this process, and their ratio to reading the same rows from Parquet, since wall time is of whoever
else is at the machine. The day is a prediction log of closed segments, one an hour, that
`hookline monitor watch --once` looks at.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import hookline as hl
from hookline.live.segments import parquet
from hookline.live.segments.parquet import Timed
from hookline.live.watching.rules import WatchRules
from hookline.live.watching.watching import watch
from hookline.quality.distributions import profile
from hookline_polars import DataDriftMonitor

HOUR = timedelta(hours=1)
TRIES = 5


def table(rows: int, seed: int) -> pl.DataFrame:
    """Return 13 columns: eight of numbers, one of times, one of booleans, three of texts of 5, 50 and 1,000 values."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"normal {place}": rng.normal(size=rows) for place in range(4)}
    columns |= {"money": np.round(rng.lognormal(size=rows) * 100, 2), "wait": rng.exponential(size=rows)}
    columns |= {"count": rng.poisson(3, rows), "number": rng.integers(0, 10**6, rows), "flag": rng.random(rows) < 0.3}
    columns["when"] = pl.Series(1_767_225_600_000_000 + rng.integers(0, 30 * 86_400 * 10**6, rows)).cast(
        pl.Datetime("us")
    )
    for values in (5, 50, 1_000):
        columns[f"text {values}"] = pl.Series([f"v{place}" for place in range(values)]).gather(
            rng.integers(0, values, rows)
        )
    return pl.DataFrame(columns)


def cpu(act: Callable[[], object]) -> float:
    """Return the least CPU seconds of several tries."""
    best = float("inf")
    for _ in range(TRIES):
        begun = time.process_time()
        act()
        best = min(best, time.process_time() - begun)
    return best


def stored(rows: int, folder: Path) -> dict[str, Any]:
    """Return what `data_drift` costs beside reading."""
    before, file = table(rows, 0), folder / "now.parquet"
    known = hl.Reference(profile(before.lazy(), before.columns))
    table(rows, 1).write_parquet(file)
    now = pl.read_parquet(file)
    reads = cpu(lambda: pl.read_parquet(file))
    checks = cpu(lambda: DataDriftMonitor().check(hl.Dataset(now.lazy(), hl.Roles()), known))
    return {
        "what": "data_drift, stored reference", "rows": rows, "columns": now.width, "reading_cpu_s": round(reads, 3),
        "check_cpu_s": round(checks, 3), "ratio": round(checks / reads, 2),
    }  # fmt: skip


def shop(rows: int, seed: int) -> pl.DataFrame:
    """Return rows of a shop, and whether it was bought."""
    rng = np.random.default_rng(seed)
    size, color = rng.normal(size=rows), rng.choice(["red", "green", "blue"], rows)
    return pl.DataFrame({"size": size, "color": color, "bought": np.where(size > 0.3, "yes", "no")})


def segments(records: int, end: datetime) -> Iterator[pl.DataFrame]:
    """Yield 24 hours of closed segments; each holds the same answers at its own time, under ids of its own."""
    count, start = records // 24, end - 24 * HOUR
    asked = shop(count, 1).drop("bought").to_dicts()
    told: list[Timed] = []
    for place, row in enumerate(asked):
        at = start + HOUR * (place / count)
        record = {
            "id": f"{place:08}", "time": at.isoformat(), "model": "shop", "version": 1, "arm": "live", "row": row,
            "row_id": None, "prediction": "yes" if row["size"] > 0.3 else "no", "probabilities": None, "warnings": [],
            "latency": 0.004,
        }  # fmt: skip
        told.append(Timed(record, json.dumps(record), at))
    first = parquet.frame_of(told, "segment")
    del told, asked
    for hour in range(24):
        identity = pl.format("{}-{}", pl.lit(hour), pl.col("id"))
        yield first.with_columns(pl.col("time") + HOUR * hour, id=identity)


def day(records: int, folder: Path) -> dict[str, Any]:
    """Return what a look at a day costs, and how much memory it takes at most beyond what one hour's writing took."""
    home = folder / "home"
    hl.run(
        source=shop(20_000, 0), target="bought", name="shop", trainer="decision_tree", packager=["skops"], evaluator=[],
        deployer="local", monitor=["data_drift", "prediction_drift", "service"], home=home,
    )  # fmt: skip
    log = home / "predictions" / "shop"
    log.mkdir(parents=True)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for hour, frame in enumerate(segments(records, end)):
        parquet.write(frame, log / f"predictions-{end - (24 - hour) * HOUR:%Y-%m-%d}-v1-{hour:08x}.parquet")
    size = sum(path.stat().st_size for path in log.iterdir())
    child = _in_child(home)
    return {"what": "a day watched", "records": records, "log_mb": size >> 20, **child}


def _in_child(home: Path) -> dict[str, Any]:
    """Look in a process of its own, whose memory is that of the look."""
    import subprocess
    import sys

    asked = [sys.executable, __file__, "--look", str(home)]
    return dict(json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))


def look(home: Path) -> None:
    """Look once, and print the cost."""
    begun = time.process_time()
    looked = watch("shop", rules=WatchRules(grace=timedelta(0)), once=True, channels={}, home=home)
    rows = sum(one.rows for one in looked.windows if one.monitor == "data_drift")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    said = {
        "windows": len(looked.windows),
        "rows": rows,
        "cpu_s": round(time.process_time() - begun, 1),
        "peak_mb": peak,
    }
    print(json.dumps(said))


def main() -> None:
    """Print a line of JSON a measurement."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--records", type=int, default=10_000_000)
    options.add_argument("--folder", type=Path, help="where some gigabytes may be written for a while")
    options.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    told = options.parse_args()
    if told.look is not None:
        look(told.look)
        return
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        print(json.dumps(stored(told.rows, Path(folder))), flush=True)
        print(json.dumps(day(told.records, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
