"""Answers raw rows under TorchServe: {"rows": [{...}, ...]} in, an answer a row out. This file travels in archives, alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

FACTS = "handler.json"
"""File beside this one that names the module which answers."""


class Handler:
    """What TorchServe makes one of in each worker, and asks with a batch of requests."""

    def initialize(self, context: Any) -> None:
        """Read the model; context: TorchServe's, which says where the archive was unpacked."""
        folder = Path(context.system_properties["model_dir"])
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        self.answers: Any = import_module(facts["module"]).Answers(folder)

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[Any]:
        """Return for each request of a batch its answers, one a row; of one that cannot be answered, status 400 and why."""
        return [self._reply(request, context, place) for place, request in enumerate(data)]

    def _reply(self, request: Mapping[str, Any], context: Any, place: int) -> Any:
        try:
            return self._answered(_rows(request.get("body", request.get("data"))))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            context.set_response_status(400, "rows that do not fit", place)
            return {"error": f"{error}"[:500]}

    def _answered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not rows:
            return []
        if hasattr(self.answers, "answer"):
            # Of raw columns, without pandas.
            names = dict.fromkeys(name for row in rows for name in row)
            told = self.answers.answer(
                {name: [row.get(name) for row in rows] for name in names} or {"": [None] * len(rows)}
            )
            return [dict(zip(told, values, strict=True)) for values in zip(*told.values(), strict=True)]
        import pandas as pd

        found: list[dict[str, Any]] = self.answers.predict(pd.DataFrame(rows)).to_dict(orient="records")
        return found


def _rows(body: Any) -> list[dict[str, Any]]:
    """Return the rows of a request; raises ValueError where it holds none."""
    if isinstance(body, (bytes, bytearray, str)):
        body = json.loads(body)
    rows = body.get("rows") if isinstance(body, Mapping) else body
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError('a request is {"rows": [{"column": value, ...}, ...]}')
    return [dict(row) for row in rows]
