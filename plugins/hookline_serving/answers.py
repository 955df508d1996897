"""Predicts, records, and only then answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookline import Prediction, Predictor

from .log import PredictionLog
from .rows import to_frame


@dataclass(frozen=True)
class Answer:
    """Predictions of one request, each under an id that a later label can name."""

    ids: tuple[str, ...]
    prediction: Prediction

    def items(self) -> list[dict[str, Any]]:
        """Return one mapping a row: id, prediction, probabilities by class where there are any, warnings."""
        values = self.prediction.values.tolist()
        items: list[dict[str, Any]] = [
            {"id": made, "prediction": value} for made, value in zip(self.ids, values, strict=True)
        ]
        if self.prediction.probabilities is not None:
            labels = [label_text(label) for label in self.prediction.classes]
            for item, chances in zip(items, self.prediction.probabilities.tolist(), strict=True):
                item["probabilities"] = dict(zip(labels, chances, strict=True))
        for row, item in enumerate(items):
            item["warnings"] = list(self.prediction.warnings.get(row, ()))
        return items


@dataclass(frozen=True)
class Answerer:
    """A predictor with the record that it keeps."""

    predictor: Predictor
    log: PredictionLog | None

    def answer(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        """Predict raw rows; raises BadRows, or OSError where the prediction cannot be recorded."""
        frame = to_frame(rows, self.predictor.schema, self.predictor.roles)
        prediction = self.predictor.predict(frame)
        ids = tuple(str(uuid.uuid4()) for _ in rows)
        if self.log is not None:
            self.log.write(ids, rows, prediction)
        return Answer(ids, prediction)


def label_text(label: Any) -> str:
    """Return a class label as a JSON key."""
    return str(label).lower() if isinstance(label, bool) else str(label)
