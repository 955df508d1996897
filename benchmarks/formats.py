"""What each format takes to answer raw rows, against its own runtime on a matrix that is ready; and to write, load and keep.

    python benchmarks/formats.py --rows 20000

Ratios are of the same run, the median of pairs asked one after the other. Says, as JSON: by format, seconds for one row and for
1,000, with the ratio to the runtime alone; seconds to package (certificate included) and to load; and bytes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import hookline as hl
from hookline import PredictsRows

PAIRS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = {name: measured(table(given.rows), trainer, name, Path(home)) for trainer, name in PAIRED}
    print(json.dumps(found, indent=2))


FOREST = {"component": "random_forest", "n_estimators": 100, "max_depth": 10}
NETWORK = {"component": "mlp", "max_epochs": 3}
PAIRED: tuple[tuple[dict[str, Any], str], ...] = (
    (FOREST, "onnx"),
    (FOREST, "skops"),
    (FOREST, "pickle"),
    (NETWORK, "onnx_quantized"),
)


def table(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 8))
    label = np.where(numbers[:, 0] + numbers[:, 1] ** 2 + rng.normal(0, 0.5, rows) > 1, "yes", "no")
    texts = {f"s{place}": rng.choice(["a", "b", "c", "d"], rows) for place in range(2)}
    return pl.DataFrame({**{f"n{place}": numbers[:, place] for place in range(8)}, **texts, "y": label})


def measured(rows: pl.DataFrame, trainer: dict[str, Any], packager: str, home: Path) -> dict[str, Any]:
    run = hl.run(source=rows, target="y", trainer=trainer, packager=[packager], evaluator=[], monitor=[], home=home)
    folder, trust = run.package(packager), hl.Trust(pickle=True)
    written = next(stage["seconds"] for stage in run.evidence["plan"] if stage["key"] == f"packager.{packager}")
    began = time.perf_counter()
    loaded = hl.load(folder, trust=trust)
    found: dict[str, Any] = {"package_s": written, "load_s": time.perf_counter() - began}
    found["bytes"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    for count in (1, 1_000):
        asked = rows.drop("y").head(count)
        alone = runtime(run.predictor, folder, asked)
        found[f"rows_{count}"] = compared(lambda asked=asked: loaded.predict(asked), alone)
    values, alone = rows.drop("y").rows()[:1], runtime(run.predictor, folder, rows.drop("y").head(1))
    if isinstance(loaded.predictor, PredictsRows):
        found["row_as_served"] = compared(lambda: loaded.predictor.predict_rows(values), alone)
    return found


def runtime(pipeline: Any, folder: Path, asked: pl.DataFrame) -> Callable[[], Any]:
    """Return what asks the format's own runtime, given the rows as it takes them."""
    if (folder / "model.onnx").exists():
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        kinds = {"tensor(string)": object, "tensor(double)": np.float64}
        feeds = {
            one.name: asked[one.name].to_numpy().astype(kinds[one.type]).reshape(-1, 1) for one in session.get_inputs()
        }
        return lambda: session.run(None, feeds)
    matrix = pipeline.features(asked.lazy()).dense()
    return lambda: pipeline.model.estimator.predict_proba(matrix)


def compared(ours: Callable[[], Any], alone: Callable[[], Any]) -> dict[str, float]:
    """Return the median seconds of both, and the median of the ratios of pairs."""
    ours(), alone()
    pairs = [(seconds(ours), seconds(alone)) for _ in range(PAIRS)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {"s": mine, "runtime_s": theirs, "ratio": statistics.median(one / other for one, other in pairs)}


def seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
