"""The model of W as each peer holds it: the package's ONNX file in a session, asked with rows as JSON has them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any

Row = Mapping[str, Any]
Chances = list[float]
"""The probability of each class."""


class Model:
    """The file that the environment variable `MODEL` names, with one thread, as hookline's own session has."""

    def __init__(self, path: str | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(path or os.environ["MODEL"], options, providers=providers)
        self.texts = {one.name: one.type == "tensor(string)" for one in self.session.get_inputs()}

    def one(self, rows: Sequence[Row]) -> list[Chances]:
        """Answer the rows of one request."""
        import numpy as np

        feeds = {}
        for name, is_text in self.texts.items():
            values = [row[name] for row in rows]
            # A number that is missing becomes NaN by itself.
            column = np.array(
                [value or "" for value in values] if is_text else values, dtype=object if is_text else float
            )
            feeds[name] = column.reshape(-1, 1)
        found: list[Chances] = self.session.run(["probabilities"], feeds)[0].tolist()
        return found

    def many(self, requests: Sequence[Sequence[Row]]) -> list[list[Chances]]:
        """Answer the rows of several requests at once."""
        answers = iter(self.one(list(chain.from_iterable(requests))))
        return [list(islice(answers, len(rows))) for rows in requests]
