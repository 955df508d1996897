"""A service whose requests are put together by adaptive batching, whose bounds are those that the API comes with."""

from __future__ import annotations

from typing import Any

import bentoml
from model import Model


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Predict:
    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api(batchable=True)
    def predict(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        return self.model.one(rows)
