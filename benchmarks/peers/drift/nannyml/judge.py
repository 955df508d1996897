"""Print which columns NannyML's univariate calculator alerts on, a pair of tables a line.

Its thresholds come of chunks of the reference, of which it wants ten or so: it gets ten times as many rows of it as others.
"""

import json
import sys
import time
from pathlib import Path

import nannyml
import pandas as pd

folder = Path(sys.argv[1])
for pair in json.loads((folder / "pairs.json").read_text()):
    before, now = (pd.read_parquet(folder / pair[name]) for name in ("long", "now"))
    began = time.perf_counter()
    columns = pair["numbers"] + pair["texts"]
    calculator = nannyml.UnivariateDriftCalculator(columns, treat_as_categorical=pair["texts"], chunk_size=len(now))
    found = calculator.fit(before).calculate(now).filter(period="analysis").to_df()
    told = [name for name in columns if found[name]["jensen_shannon"]["alert"].any()]
    print(json.dumps({"told": told, "seconds": time.perf_counter() - began}), flush=True)
