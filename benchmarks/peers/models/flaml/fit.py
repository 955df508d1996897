"""FLAML on one table: python fit.py FOLDER SECONDS SEED prints its answers as JSON."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
from flaml import AutoML

if __name__ == "__main__":
    folder, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    task = json.loads((folder / "task.json").read_text())
    train, test = (pd.read_csv(folder / f"{part}.csv") for part in ("train", "test"))
    for column in train.select_dtypes("object").columns.drop(task["target"], errors="ignore"):
        known = pd.CategoricalDtype(sorted(train[column].dropna().unique()))
        train[column], test[column] = train[column].astype(known), test[column].astype(known)
    began = time.perf_counter()
    auto = AutoML()
    # Not its linear model by gradient descent, which took all of a short search and was far worse.
    estimators = ["lgbm", "xgboost", "xgb_limitdepth", "rf", "extra_tree"]
    kind, metric = ("regression", "r2") if task["metric"] == "r2" else ("classification", "accuracy")
    auto.fit(
        train.drop(columns=task["target"]), train[task["target"]], task=kind, metric=metric, time_budget=seconds,
        seed=seed, verbose=0, n_jobs=2, estimator_list=estimators,
    )  # fmt: skip
    took = time.perf_counter() - began
    found = auto.predict(test.drop(columns=task["target"]))
    print(json.dumps({"answers": list(found.tolist()), "seconds": took, "model": auto.best_estimator}))
