"""The `tabular` featurizer, fit and transform, against scikit-learn's ColumnTransformer and against polars by hand."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import HERE, best, run, show, table_w

IGNORED = ["id", "timestamp", "target"]


def by_hookline(path: Path) -> tuple[float, Any]:
    import polars as pl
    import scipy.sparse  # noqa: F401  the time of imports is nobody's

    from hookline import Dataset, Roles
    from hookline_polars import TabularFeaturizer

    frame = pl.read_parquet(path)
    started = time.perf_counter()
    train = Dataset(frame.lazy(), Roles(target="target", id="id", ignore=("timestamp",)))
    X = TabularFeaturizer(missing="zero").fit(train).transform(train.frame).X
    return time.perf_counter() - started, X


def by_sklearn(path: Path) -> tuple[float, Any]:
    import pandas as pd
    from w_parts import featurizer

    rows = pd.read_parquet(path).drop(columns=IGNORED)
    started = time.perf_counter()
    X = featurizer(rows).fit_transform(rows)
    return time.perf_counter() - started, X


def by_hand(path: Path) -> tuple[float, Any]:
    """Compute the matrix of `by_hookline` with one pass for the statistics, one for the values, and CSR written in place."""
    import numpy as np
    import polars as pl
    from scipy import sparse

    frame = pl.read_parquet(path)
    started = time.perf_counter()
    numbers = [name for name in frame.columns if name.startswith("number")]
    categories = [name for name in frame.columns if name.startswith("category")]
    stats = frame.select(
        *(pl.col(name).mean().alias(f"{name}:mean") for name in numbers),
        *(pl.col(name).std(ddof=0).alias(f"{name}:std") for name in numbers),
    ).row(0, named=True)
    exprs = [
        ((pl.col(name) - stats[f"{name}:mean"]) / stats[f"{name}:std"]).fill_null(0.0).cast(pl.Float32)
        for name in numbers
    ]
    start = len(numbers)
    starts = []
    for name in categories:
        counts = frame[name].drop_nulls().value_counts().sort(["count", name], descending=[True, False])
        kept = sorted(counts[name].head(100).to_list())
        code = pl.col(name).cast(pl.Enum(kept), strict=False).to_physical().cast(pl.Int32)
        other = len(counts) > 100
        exprs.append(pl.when(pl.col(name).is_not_null()).then(code.fill_null(len(kept))) if other else code)
        starts.append(start)
        start += len(kept) + other
    values = frame.lazy().select(exprs).collect()
    height, held = frame.height, len(numbers) + len(categories)
    data = np.ones((height, held), dtype=np.float32)
    indices = np.empty((height, held), dtype=np.int32)
    indices[:, : len(numbers)] = np.arange(len(numbers))
    for i, name in enumerate(numbers):
        data[:, i] = values[name].to_numpy()
    for i, (name, first) in enumerate(zip(categories, starts, strict=True), len(numbers)):
        indices[:, i] = values[name].fill_null(-1 - first).to_numpy() + first
    present = indices >= 0
    if present.all():
        indptr = np.arange(0, height * held + 1, held, dtype=np.int64)
        X = sparse.csr_matrix((data.ravel(), indices.ravel(), indptr), (height, start))
    else:
        indptr = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
        X = sparse.csr_matrix((data[present], indices[present], indptr), (height, start))
    return time.perf_counter() - started, X


WAYS = {"scikit-learn": by_sklearn, "polars by hand": by_hand, "hookline": by_hookline}


def measured(way: str, path: Path, tries: int) -> tuple[float, float, dict[str, Any]]:
    """Return the seconds of fit and transform, the peak memory of the process in MiB, and what the matrix is like."""
    command = [sys.executable, str(HERE / "featurize.py"), "--way", way, str(path)]
    told = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(tries)
    ]
    return min(one["seconds"] for one in told), best([run(command)]).memory, told[0]


def describe(way: str, path: Path) -> None:
    seconds, X = WAYS[way](path)
    held = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if hasattr(X, "indptr") else X.nbytes
    facts = {"shape": X.shape, "sum": float(X.sum(dtype="float64")), "MiB": held / 2**20, "form": type(X).__name__}
    print(json.dumps({"seconds": seconds, **facts}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="run one in this process")
    parser.add_argument("path", type=Path, nargs="?")
    given = parser.parse_args()
    if given.way:
        describe(given.way, given.path)
        return
    shown = []
    for rows in given.rows:
        found = {way: measured(way, table_w(rows), given.tries) for way in WAYS}
        ours = found["hookline"][0]
        for way, (seconds, memory, facts) in found.items():
            matrix = f"{facts['form']} {facts['shape'][0]:,} x {facts['shape'][1]}, sum {facts['sum']:.6g}"
            shown.append([f"{rows:,}", way, seconds, seconds / ours, memory, matrix, facts["MiB"]])
    show(shown, ["rows", "by", "fit and transform s", "to hookline", "process MiB", "matrix", "matrix MiB"])


if __name__ == "__main__":
    main()
