"""A feature set offline and online: many rows against polars by hand, and one row by its key.

    python benchmarks/features.py [--rows 10000000] [--keys 100000]

Offline, the definitions of a set are fitted and applied to a table in memory, and the same columns are written with polars by
hand; they take turns, and the best of three counts. Online, a key is looked up in the store, and the definitions are computed for
that one row, by the transforms themselves, and by an ONNX package of a model that has them, as a server asks it, model included.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable
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
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        known = known_set(load_registry(), "bench", {"definitions": DEFINITIONS, "joins": {"lately": JOIN}})
        with OnlineStore(home) as store:
            seconds = timed(lambda: store_known(load_registry(), store, known, FrameSource.of(orders), at=NOW))
        print(f"online: {keys:,} keys of {orders.height:,} rows stored in {seconds:.1f} s")
        asked = [{"customer": int(key)} for key in rng.integers(0, keys, ASKED)]
        with FeatureReader("bench", home) as reader:
            print(f"  a key looked up                {each(lambda row: reader.look_up([row]), asked)}")
            rows = table(ASKED).drop("spent", "orders").to_dicts()
            whole = [{**row, **key} for row, key in zip(rows, asked, strict=True)]
            predictor = packaged(home)
            names = predictor.schema.names

            def features(row: dict[str, object]) -> None:
                (filled,) = reader.look_up([row]).rows
                predictor.predict_rows([tuple(filled[name] for name in names)])

            print(f"  looked up, defined and answered {each(features, whole)}")


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
