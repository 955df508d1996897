"""Answers raw rows with the program beside it. This file travels in packages; PyTorch and numpy are all that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

FACTS = "hookline.json"
"""File inside the program that says what goes in and comes out."""
PAD = 255
"""What follows a text in its bytes: no byte of UTF-8."""
MISSING_TIME = -(2**63)
"""What stands for a datetime that is missing."""
FILES = {"model.pt2": "exported", "model.pt": "scripted"}


def read(file: Path, exported: bool) -> tuple[Any, dict[str, Any]]:
    """Return what answers tensors, and what goes in and comes out; reading a file of a stranger can run anything."""
    held: dict[str, Any] = {FACTS: ""}
    program: Any
    if exported:
        program = torch.export.load(file, extra_files=held).module()
    else:
        jit: Any = torch.jit
        program = jit.load(str(file), map_location="cpu", _extra_files=held)
    return program, json.loads(held[FACTS])


def texts(values: Sequence[str | None], width: int) -> np.ndarray:
    """Return texts as UTF-8, uint8 (n, width), PAD behind each; nothing before it where one is missing.

    A text of more bytes is cut, which makes it one that the model does not know: `width` has room for all that it does.
    """
    found = np.full((len(values), width), PAD, dtype=np.uint8)
    for row, text in enumerate(values):
        cut = (text or "").encode()[:width]
        found[row, : len(cut)] = np.frombuffer(cut, np.uint8)
    return found


def tensors(columns: Mapping[str, Sequence[Any]], facts: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return what the program takes of raw columns, None for missing; datetimes in UTC, without a zone."""
    rows = len(next(iter(columns.values()), ()))
    made = {}
    for column in facts["columns"]:
        name, kind = column["name"], column["kind"]
        values = columns.get(name, [None] * rows)
        if kind == "string":
            array = texts(values, column["width"])
        elif kind == "datetime":
            moments = np.array(values, dtype="datetime64[us]")
            array = np.where(np.isnat(moments), MISSING_TIME, moments.astype(np.int64))
        else:
            array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        made[name] = torch.from_numpy(array)
    return made


class Answers:
    """The program in a folder, asked with raw rows."""

    def __init__(self, folder: Path) -> None:
        name = next(name for name in FILES if (folder / name).exists())
        self.program, self.facts = read(folder / name, FILES[name] == "exported")

    def answer(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return `prediction`, with `probability_<class>` and, where there are sets, `set_<class>`, or `lower` and `upper`."""
        with torch.inference_mode():
            answers: dict[str, Any] = self.program(tensors(columns, self.facts))
        classes = self.facts["classes"]
        if not classes:
            named = {name if name != "value" else "prediction": found for name, found in answers.items()}
            return {name: found.double().tolist() for name, found in named.items()}
        chances = answers["probabilities"].double().numpy()
        shares = {f"probability_{_text(label)}": chances[:, place].tolist() for place, label in enumerate(classes)}
        if "set" in answers:
            shares |= {f"set_{_text(label)}": answers["set"][:, place].tolist() for place, label in enumerate(classes)}
        return {"prediction": [classes[place] for place in answers["label"].tolist()], **shares}

    def predict(self, frame: Any, params: Any = None) -> Any:
        """Return a pandas frame of answers for one of raw rows; a column that is absent is missing."""
        import pandas as pd

        given = frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(frame)
        kinds = {column["name"]: column["kind"] for column in self.facts["columns"]}
        columns = {name: _plain(given[name], kind) for name, kind in kinds.items() if name in given.columns}
        return pd.DataFrame(self.answer(columns or {name: [None] * len(given) for name in kinds}))


def _load_pyfunc(path: str) -> Answers:
    return Answers(Path(path))


def _plain(column: Any, kind: str) -> list[Any]:
    """Return a pandas column as plain values, None for missing."""
    import pandas as pd

    if kind == "datetime":
        return list(pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy("datetime64[us]"))
    if kind == "string":
        return [None if pd.isna(value) else str(value) for value in column]
    numbers: Any = pd.to_numeric(column)
    return [None if pd.isna(value) else float(value) for value in numbers]


def _text(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)
