"""Print which columns Evidently's drift preset calls drifted, a pair of tables a line."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def told(before: pd.DataFrame, now: pd.DataFrame, numbers: list[str], texts: list[str]) -> list[str]:
    columns = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    both = (Dataset.from_pandas(frame, data_definition=columns) for frame in (now, before))
    found = []
    for metric in Report([DataDriftPreset()]).run(*both).dict()["metrics"]:
        config = metric["config"]
        if "column" in config:
            # What it measures is a p-value, or a distance.
            is_chance = "p_value" in config["method"]
            beyond = metric["value"] < config["threshold"] if is_chance else metric["value"] >= config["threshold"]
            found += [config["column"]] * bool(beyond)
    return found


folder = Path(sys.argv[1])
for pair in json.loads((folder / "pairs.json").read_text()):
    before, now = (pd.read_parquet(folder / pair[name]) for name in ("before", "now"))
    began = time.perf_counter()
    columns = told(before, now, pair["numbers"], pair["texts"])
    print(json.dumps({"told": columns, "seconds": time.perf_counter() - began}), flush=True)
