"""Answers raw rows with model.onnx beside it: pandas in, pandas out. This file travels in packages, and needs no hookline."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MISSING_TIME = -(2**63)
"""What stands in the graph's input for a datetime that is missing."""


class Answers:
    """A graph with one input a raw column, (N, 1): float64, text, or microseconds since 1970 as int64."""

    def __init__(self, folder: Path) -> None:
        # Before the import, which would otherwise report to its vendor.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        facts = json.loads((folder / "answers.json").read_text("utf-8"))
        self.columns = {column["name"]: column["kind"] for column in facts["columns"]}
        self.classes = facts["classes"]
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])

    def predict(self, frame: Any, params: Any = None) -> Any:
        """Return a row an answer: `prediction`, `probability_<class>` and `set_<class>`; a column that is absent is missing."""
        import pandas as pd

        given = frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(frame)
        feeds = {name: _feed(given, name, kind).reshape(-1, 1) for name, kind in self.columns.items()}
        answers: Any = self.session.run(None, feeds)
        if not self.classes:
            # Behind the numbers stand the bounds of their intervals, where the model tells any.
            told = dict(zip(("prediction", "lower", "upper"), answers, strict=False))
            return pd.DataFrame({name: values.astype("float64") for name, values in told.items()})
        labels = answers[0].astype(bool) if all(isinstance(one, bool) for one in self.classes) else answers[0]
        shares = {f"probability_{_text(label)}": answers[1][:, place] for place, label in enumerate(self.classes)}
        # Behind the probabilities stands which classes may be true, where the model tells any.
        sets = {
            f"set_{_text(label)}": answers[2][:, place] for place, label in enumerate(self.classes) if len(answers) > 2
        }
        return pd.DataFrame({"prediction": labels, **shares, **sets})


def _load_pyfunc(path: str) -> Answers:
    return Answers(Path(path))


def _feed(frame: Any, name: str, kind: str) -> Any:
    """Return one column as the graph takes it, (n_rows,)."""
    import numpy as np
    import pandas as pd

    column = frame[name] if name in frame.columns else pd.Series([None] * len(frame))
    if kind == "string":
        return np.array(["" if pd.isna(value) else str(value) for value in column], dtype=object)
    if kind == "datetime":
        moments = pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy("datetime64[us]")
        return np.where(np.isnat(moments), MISSING_TIME, moments.astype("int64"))
    numbers: Any = pd.to_numeric(column)
    return numbers.astype("float64").to_numpy(na_value=np.nan)


def _text(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)
