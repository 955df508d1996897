"""Predicts, records, and only then answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import msgspec

from hookline import Prediction, Predictor, PredictsColumns
from hookline.contract import Refusals
from hookline.errors import RejectedRows

from .log import PredictionLog
from .rows import BadRows, Reader, RowProblem, to_frame

MOST_BY_COLUMN = 1_000
"""Rows above which a data frame is quicker than Python values."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """What is answered for one row, under an id that a later label can name."""

    id: str
    prediction: Any
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    """By class; not there for regression."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """The rows of one request, as they came and as the model takes them."""

    rows: Sequence[Mapping[str, Any]]
    checked: Sequence[Mapping[str, Any]]


class Answerer:
    """A predictor with the record that it keeps."""

    def __init__(self, predictor: Predictor, log: PredictionLog | None) -> None:
        self.predictor = predictor
        # Asked once, since a look at a protocol takes as long as a small model does.
        self._few = predictor if isinstance(predictor, PredictsColumns) else None
        self._log = log
        self._reader = Reader(predictor.schema, predictor.roles)
        self._refusals = Refusals(predictor.schema)
        self._labels = [label_text(label) for label in predictor.target.classes]
        # The record is one file, and many rows are predicted in a thread of their own.
        self._lock = Lock()

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Question:
        """Check raw rows; raises BadRows with every problem."""
        checked = self._reader.check(rows)
        if self._refusals:
            self._require(checked)
        return Question(rows, checked)

    def answer(self, questions: Sequence[Question]) -> list[list[Item]]:
        """Predict the rows of several requests at once, one item a row; raises OSError where they cannot be recorded."""
        prediction = self._predict([row for question in questions for row in question.checked])
        rows = [row for question in questions for row in question.rows]
        ids = new_ids(len(rows))
        if self._log is not None:
            with self._lock:
                self._log.write(ids, rows, prediction)
        items = iter(self._items(ids, prediction))
        return [[next(items) for _ in question.rows] for question in questions]

    def _require(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raise BadRows for what the contract rejects: in the predictor it would hold up the requests asked with it."""
        try:
            self._refusals.require(self._reader.columns(rows))
        except RejectedRows as error:
            raise BadRows([RowProblem(b.row, b.column, b.message) for b in error.breaches], error.count) from None

    def _predict(self, rows: Sequence[Mapping[str, Any]]) -> Prediction:
        columns = self._reader.columns(rows)
        if self._few is not None and len(rows) <= MOST_BY_COLUMN:
            return self._few.predict_columns(columns)
        return self.predictor.predict(to_frame(columns, self.predictor.schema))

    def _items(self, ids: Sequence[str], prediction: Prediction) -> list[Item]:
        values, warnings = prediction.values.tolist(), prediction.warnings
        if prediction.probabilities is None:
            return [Item(made, values[i], msgspec.UNSET, warnings.get(i, ())) for i, made in enumerate(ids)]
        chances = prediction.probabilities.tolist()
        return [
            Item(made, values[i], dict(zip(self._labels, chances[i], strict=True)), warnings.get(i, ()))
            for i, made in enumerate(ids)
        ]


def new_ids(count: int) -> list[str]:
    """Return random UUIDs (RFC 9562, version 4), made together, which is quicker than one by one."""
    digits = os.urandom(16 * count).hex()
    return [_uuid(digits[start : start + 32]) for start in range(0, 32 * count, 32)]


def _uuid(digits: str) -> str:
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def label_text(label: Any) -> str:
    """Return a class label as a JSON key."""
    return str(label).lower() if isinstance(label, bool) else str(label)
