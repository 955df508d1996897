"""Predicts, records, and only then answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from hookline import Prediction, Predictor, PredictsRows, Schema
from hookline.kinds.fitted import label_text

from .exchange import Item, Question, joined
from .log import PredictionLog
from .rows import Reader

if TYPE_CHECKING:
    import polars as pl

MOST_BY_ROW = 1_000
"""Rows above which a data frame is quicker than Python values."""


class Answerer:
    """A predictor with the record that it keeps."""

    def __init__(self, predictor: Predictor, log: PredictionLog | None, most_rows: int = sys.maxsize) -> None:
        self.predictor = predictor
        self.reader = Reader(predictor.schema, predictor.roles, most_rows)
        # Asked once, since a look at a protocol takes as long as a small model does.
        self._few = predictor if isinstance(predictor, PredictsRows) else None
        if self._few is not None:
            # What is made at first use is made now, so that no request waits for it.
            with suppress(Exception):  # A plugin's may have no answer for no rows, in whatever way.
                self._few.predict_rows([])
        self._log = log
        self._labels = [label_text(label) for label in predictor.target.classes]
        # The record is one file, and many rows are predicted in a thread of their own.
        self._lock = Lock()

    def answer(self, questions: Sequence[Question]) -> list[list[Item]]:
        """Predict the rows of several requests at once, one item a row; raises OSError where they cannot be recorded."""
        question = joined(questions)
        items = self._items(question, self._predict(question.values))
        if self._log is not None:
            with self._lock:
                self._log.write(question, items)
        if len(questions) == 1:
            return [items]
        left = iter(items)
        return [[*islice(left, len(one.rows))] for one in questions]

    def answer_parts(self, parts: Iterable[Question]) -> Iterator[list[Item]]:
        """Predict the rows of one request, some at a time, and record them once all are; raises OSError where they cannot be."""
        lines: list[bytes] = []
        now = datetime.now(UTC)
        for question in parts:
            items = self._items(question, self._predict(question.values))
            if self._log is not None:
                lines.append(self._log.lines(question, items, now))
            yield items
        if self._log is not None:
            with self._lock:
                self._log.append(lines, now)

    def _predict(self, values: Sequence[Sequence[Any]]) -> Prediction:
        if self._few is not None and len(values) <= MOST_BY_ROW:
            return self._few.predict_rows(values)
        return self.predictor.predict(_frame(values, self.predictor.schema))

    def _items(self, question: Question, prediction: Prediction) -> list[Item]:
        values, warnings = prediction.values.tolist(), question.warnings
        ids = new_ids(len(values))
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


def _frame(values: Sequence[Sequence[Any]], schema: Schema) -> pl.DataFrame:
    import polars as pl

    dtypes = {"number": pl.Float64(), "string": pl.String(), "boolean": pl.Boolean(), "datetime": pl.Datetime("us")}
    by_column = zip(*values, strict=True)
    return pl.DataFrame(
        [
            pl.Series(column.name, given, dtype=dtypes[column.kind], strict=False)
            for column, given in zip(schema.columns, by_column, strict=True)
        ]
    )
