"""A feature set offline and online: many rows against polars by hand, and one row by its key.

    python benchmarks/features.py [--rows 10000000] [--keys 100000]

Offline, the definitions of a set are fitted and applied to a table in memory, and the same columns are written with polars by
hand; they take turns, and the best of three counts. Online, a key is looked up in the home's own store and, where there is a
`redis-server`, in a Redis of this machine, in turns; and the definitions are computed for that one row, by an ONNX package
of a model that has them, as a server asks it, model included.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import polars as pl

import hookline as hl
from hookline import Dataset, FeatureSet, Transform
from hookline.live.featuring.online.looking_up import FeatureReader
from hookline.live.featuring.online.materializing import store_known
from hookline.live.featuring.online.store import OnlineStore
from hookline.plans.keywords import FrameSource
from hookline.plans.placing.sets import known_set
from hookline.registry.registry import load_registry

ROUNDS = 3
ASKED = 2_000
DEFINITIONS = {
    "rates": {"component": "ratio", "columns": {"per_visit": ["spend", "visits"], "per_order": ["spent", "orders"]}},
    "words": {
        "component": "expressions",
        "columns": {
            "much": "CASE WHEN spend > 20 AND visits > 3 THEN 1 ELSE 0 END",
            "size": "LN(spend + 1)",
            "gap": "COALESCE(spent, 0) - spend",
        },
    },
    "ages": {"component": "bins", "columns": {"age_group": {"of": "age", "edges": [25, 40, 60]}}},
    "crossed": {"component": "cross", "columns": {"plan_age": ["plan", "age_group"]}},
}
JOIN = {
    "component": "join",
    "right": {"component": "file", "path": "nowhere.csv"},
    "on": ["customer"],
    "time": "at",
    "right_time": "ordered",
    "windows": {
        "spent": {"of": "amount", "figure": "sum", "over": "30d"},
        "orders": {"of": "amount", "figure": "count", "over": "30d"},
    },
}
NOW = dt.datetime(2026, 4, 1)


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--keys", type=int, default=100_000)
    given = options.parse_args()
    offline(given.rows)
    online(given.keys)


def table(rows: int) -> pl.DataFrame:
    """Return rows of customers: numbers, some missing, and a text."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "spend": rng.exponential(20, rows),
            "visits": rng.integers(0, 9, rows),
            "spent": rng.exponential(90, rows),
            "orders": rng.integers(0, 5, rows),
            "age": rng.integers(18, 90, rows),
            "plan": rng.choice(["basic", "plus", "pro"], rows),
        }
    )
    return frame.with_columns(pl.when(pl.col("orders") > 0).then("spent"))


def offline(rows: int) -> None:
    """Compare the definitions of a set with the same columns by hand."""
    frame = table(rows)
    definitions = known_set(load_registry(), "bench", {"definitions": DEFINITIONS}).definitions

    def ours() -> pl.DataFrame:
        return applied(definitions.values(), frame, frame)

    best = {"hookline": float("inf"), "polars by hand": float("inf")}
    for _ in range(ROUNDS):
        for name, act in (("hookline", ours), ("polars by hand", lambda: by_hand(frame))):
            best[name] = min(best[name], timed(act))
    assert ours().select(by_hand(frame.head(1)).columns).head(1000).equals(by_hand(frame.head(1000)))
    print(f"offline: {rows:,} rows, 7 columns defined")
    for name, seconds in best.items():
        print(f"  {name:16} {seconds:7.2f} s")
    print(f"  ratio            {best['hookline'] / best['polars by hand']:7.2f}")


def applied(definitions: object, train: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Fit transforms one after the other, and apply them to rows."""
    rows, lazy = train.lazy(), frame.lazy()
    for one in definitions:  # type: ignore[attr-defined]
        assert isinstance(one, Transform)
        fitted = one.fit(Dataset(rows))
        rows, lazy = fitted.transform(rows), fitted.transform(lazy)
    return lazy.collect()


def by_hand(frame: pl.DataFrame) -> pl.DataFrame:
    """Write the same columns as somebody who knows polars would."""
    age = pl.col("age")
    return (
        frame.lazy()
        .with_columns(
            per_visit=pl.when(pl.col("visits") != 0).then(pl.col("spend") / pl.col("visits")),
            per_order=pl.when(pl.col("orders") != 0).then(pl.col("spent") / pl.col("orders")),
            much=pl.when((pl.col("spend") > 20) & (pl.col("visits") > 3)).then(1).otherwise(0),
            size=(pl.col("spend") + 1).log(),
            gap=pl.col("spent").fill_null(0) - pl.col("spend"),
            age_group=pl.when(age < 25)
            .then(pl.lit("below 25"))
            .when(age < 40)
            .then(pl.lit("25 to 40"))
            .when(age < 60)
            .then(pl.lit("40 to 60"))
            .otherwise(pl.lit("60 or more")),
        )
        .with_columns(plan_age=pl.concat_str("plan", "age_group", separator=" x "))
        .collect()
    )


def online(keys: int) -> None:
    """Measure one row: its key looked up, its definitions computed."""
    rng = np.random.default_rng(1)
    orders = pl.DataFrame(
        {
            "customer": rng.integers(0, keys, keys * 5),
            "ordered": [NOW - dt.timedelta(minutes=int(m)) for m in rng.integers(0, 60 * 24 * 60, keys * 5)],
            "amount": rng.exponential(20, keys * 5),
        }
    )
    known = known_set(load_registry(), "bench", {"definitions": DEFINITIONS, "joins": {"lately": JOIN}})
    asked = [{"customer": int(key)} for key in rng.integers(0, keys, ASKED)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home, readers = Path(folder), dict[str, FeatureReader]()
        for name, url in (("SQLite", ""), ("Redis", stack.enter_context(redis(home)))):
            if name == "Redis" and not url:
                print("online: no redis-server here, so SQLite alone")
                continue
            os.environ["HOOKLINE_ONLINE_STORE"] = url
            with OnlineStore(home) as store:
                seconds = timed(
                    lambda store=store: store_known(load_registry(), store, known, FrameSource.of(orders), at=NOW)
                )
            print(f"online: {keys:,} keys of {orders.height:,} rows stored in {seconds:.1f} s in {name}")
            readers[name] = stack.enter_context(FeatureReader("bench", home))
        rows = table(ASKED).drop("spent", "orders").to_dicts()
        whole = [{**row, **key} for row, key in zip(rows, asked, strict=True)]
        os.environ["HOOKLINE_ONLINE_STORE"] = ""
        predictor = packaged(home)
        names = predictor.schema.names

        def answer(reader: FeatureReader, row: dict[str, object]) -> None:
            (filled,) = reader.look_up([row]).rows
            predictor.predict_rows([tuple(filled[name] for name in names)])

        for turn in range(2):
            for name, reader in readers.items():
                print(
                    f"  {name:6} a key looked up                 {each(lambda row, r=reader: r.look_up([row]), asked)}"
                )
                if turn:
                    print(
                        f"  {name:6} looked up, defined and answered {each(lambda row, r=reader: answer(r, row), whole)}"
                    )


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Start a Redis that keeps nothing on the disk, and give its URL; empty where none is installed."""
    if (server := shutil.which("redis-server")) is None:
        yield ""
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not answers(port):
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Tell whether somebody listens at a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def packaged(home: Path) -> object:
    """Return an ONNX package of a small model with the definitions of the set."""
    rows = table(2_000).with_columns(y=pl.when(pl.col("spend") > 15).then(pl.lit("yes")).otherwise(pl.lit("no")))
    run = hl.run(
        source=rows, target="y", features=FeatureSet(name="bench", definitions=DEFINITIONS), home=home / "runs",
        trainer="decision_tree", evaluator=[], packager=["onnx"], audit="off",
    )  # fmt: skip
    return hl.load(run.package("onnx")).predictor


def timed(act: Callable[[], object]) -> float:
    """Return seconds."""
    since = time.perf_counter()
    act()
    return time.perf_counter() - since


def each(act: Callable[[dict[str, object]], object], rows: list[dict[str, object]]) -> str:
    """Return the median and the 99th percentile of one call a row, in words."""
    for row in rows[:50]:
        act(row)
    spent = sorted(timed(lambda row=row: act(row)) * 1e6 for row in rows)
    return f"{statistics.median(spent):7.0f} us, 99 % within {spent[int(len(spent) * 0.99)]:.0f} us"


if __name__ == "__main__":
    main()
