"""AutoGluon on one table: python fit.py FOLDER SECONDS SEED prints its answers as JSON."""

import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor

if __name__ == "__main__":
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    task = json.loads((folder / "task.json").read_text())
    train, test = (pd.read_csv(folder / f"{part}.csv") for part in ("train", "test"))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        made = TabularPredictor(task["target"], eval_metric=task["metric"], path=scratch, verbosity=0)
        # The preset of its quick start; what bags models has none ready in so few seconds on two cores.
        made.fit(train, time_limit=seconds, presets="medium_quality", num_cpus=2)
        took = time.perf_counter() - began
        found = made.predict(test.drop(columns=task["target"]))
        print(json.dumps({"answers": list(found.tolist()), "seconds": took, "model": made.model_best}))
