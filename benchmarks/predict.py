"""`hookline predict` on a large file against onnxruntime fed from polars by hand; memory should not grow with the file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import HERE, HOOKLINE, run, show, table_w
from w import overrides


def by_hand(package: Path, data: Path, output: Path) -> None:
    import json

    import numpy as np
    import onnxruntime
    import polars as pl

    columns = json.loads((package / "pipeline.json").read_text())["schema"]["columns"]
    session = onnxruntime.InferenceSession(str(package / "model.onnx"))
    parts = []
    for batch in pl.scan_parquet(data).collect_batches(chunk_size=200_000):
        feeds = {}
        for column in columns:
            values = batch[column["name"]]
            if column["kind"] == "string":
                feeds[column["name"]] = np.array(values.fill_null("").to_list(), dtype=object).reshape(-1, 1)
            else:
                feeds[column["name"]] = values.cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(-1, 1)
        labels, chances = session.run(None, feeds)
        parts.append(pl.DataFrame({"prediction": labels, "p0": chances[:, 0], "p1": chances[:, 1]}))
    pl.concat(parts).write_parquet(output)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1_000_000, 10_000_000]
    shown = []
    with tempfile.TemporaryDirectory() as home:
        env = {"HOOKLINE_HOME": home}
        run([HOOKLINE, *overrides(table_w(10_000))], env)
        (package,) = Path(home).glob("models/w/*")
        for size in sizes:
            path = table_w(size)
            ours = run([HOOKLINE, "predict", "w", str(path), "--output", f"{home}/a.parquet"], env)
            hand = run(
                [sys.executable, str(HERE / "predict.py"), "--by-hand", str(package), str(path), f"{home}/b.parquet"]
            )
            row = [f"{size:,}", hand.seconds, ours.seconds, hand.seconds / ours.seconds, hand.memory, ours.memory]
            shown.append(row)
    show(shown, ["rows", "by hand s", "hookline s", "speed ratio", "by hand MiB", "hookline MiB"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--by-hand"]:
        by_hand(*map(Path, sys.argv[2:]))
    else:
        main()
