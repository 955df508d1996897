"""Predicts, records, and only then answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

from hookline import Prediction, Predictor, PredictsColumns
from hookline.contract import Familiar
from hookline.errors import RejectedRows

from .log import PredictionLog
from .rows import BadRows, RowProblem, to_columns, to_frame

MOST_BY_COLUMN = 1_000
"""Rows above which a data frame is quicker than Python values."""


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
class Question:
    """The rows of one request, as they came and as the model takes them."""

    rows: Sequence[Mapping[str, Any]]
    columns: Mapping[str, list[Any]]


@dataclass(frozen=True)
class Answerer:
    """A predictor with the record that it keeps."""

    predictor: Predictor
    log: PredictionLog | None
    # The record is one file, and many rows are predicted in a thread of their own.
    lock: Lock = field(default_factory=Lock)

    @cached_property
    def familiar(self) -> Familiar:
        """The predictor's contract."""
        return Familiar(self.predictor.schema)

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Question:
        """Check raw rows; raises BadRows with every problem."""
        columns = to_columns(rows, self.predictor.schema, self.predictor.roles)
        try:
            # Here as well as in the predictor, since a request that is refused must not hold up those it would be asked with.
            self.familiar.require(columns)
        except RejectedRows as error:
            raise BadRows([RowProblem(b.row, b.column, b.message) for b in error.breaches], error.count) from None
        return Question(rows, columns)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Predict the rows of several requests at once; raises OSError where they cannot be recorded."""
        columns = questions[0].columns if len(questions) == 1 else _together([one.columns for one in questions])
        prediction = self._predict(columns)
        rows = [row for question in questions for row in question.rows]
        ids = tuple(str(uuid.uuid4()) for _ in rows)
        if self.log is not None:
            with self.lock:
                self.log.write(ids, rows, prediction)
        if len(questions) == 1:
            return [Answer(ids, prediction)]
        return list(_apart(questions, ids, prediction))

    def _predict(self, columns: Mapping[str, list[Any]]) -> Prediction:
        if isinstance(self.predictor, PredictsColumns) and len(next(iter(columns.values()))) <= MOST_BY_COLUMN:
            return self.predictor.predict_columns(columns)
        return self.predictor.predict(to_frame(columns, self.predictor.schema))


def _together(several: Sequence[Mapping[str, list[Any]]]) -> dict[str, list[Any]]:
    # Ids are left out unless every request names them.
    names = [name for name in several[0] if all(name in columns for columns in several)]
    return {name: [value for columns in several for value in columns[name]] for name in names}


def _apart(questions: Sequence[Question], ids: Sequence[str], prediction: Prediction) -> Iterator[Answer]:
    start = 0
    for question in questions:
        end = start + len(question.rows)
        part = slice(start, end)
        warnings = {row - start: texts for row, texts in prediction.warnings.items() if start <= row < end}
        chances = None if prediction.probabilities is None else prediction.probabilities[part]
        row_ids = None if prediction.row_ids is None else prediction.row_ids[part]
        yield Answer(
            tuple(ids[part]), Prediction(prediction.values[part], chances, prediction.classes, row_ids, warnings)
        )
        start = end


def label_text(label: Any) -> str:
    """Return a class label as a JSON key."""
    return str(label).lower() if isinstance(label, bool) else str(label)
