"""Predicts, records, and only then answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from itertools import compress, islice
from typing import TYPE_CHECKING, Any

import msgspec

from hookline import Prediction, Predictor, PredictsRows, Schema
from hookline.kinds.deployments import LIVE
from hookline.kinds.fitted import label_text
from hookline.kinds.serving.fleet import FillsIn

from .exchange import Item, Question, joined
from .log import Kept, PredictionLog, Stamp
from .rows import Reader

if TYPE_CHECKING:
    import polars as pl

ASKED = "asked"
"""The arm of a version that whoever asks names, though another is in charge."""
NOBODY = Stamp("model", None, LIVE)
"""Who answers where no model is named."""
MOST_BY_ROW = 1_000
"""Rows above which a data frame is quicker than Python values."""


class Misshapen(Exception):
    """What a model answers has another shape than what it was asked."""


class Answerer:
    """A predictor with the record that it keeps."""

    def __init__(
        self,
        predictor: Predictor,
        log: PredictionLog | None,
        most_rows: int = sys.maxsize,
        stamp: Stamp = NOBODY,
        fill: FillsIn | None = None,
    ) -> None:
        self.predictor, self.stamp = predictor, stamp
        self.reader = Reader(predictor.schema, predictor.roles, most_rows, fill)
        # Asked once, since a look at a protocol takes as long as a small model does.
        self._few = predictor if isinstance(predictor, PredictsRows) else None
        if self._few is not None:
            # What is made at first use is made now, so that no request waits for it.
            with suppress(Exception):  # A plugin's may have no answer for no rows, in whatever way.
                self._few.predict_rows([])
        self._log = log
        self._labels = [label_text(label) for label in predictor.target.classes]

    def answer(self, questions: Sequence[Question]) -> tuple[list[list[Item]], Kept]:
        """Predict the rows of several requests at once, one item a row, and record them, which may take until the other is done.

        Raises OSError where they cannot be recorded.
        """
        answers = self.predict(questions)
        return answers, self.record([*zip(questions, answers, strict=True)])

    def apart(self) -> Answerer:
        """Return the same with records that say that a version was asked for by its number."""
        other = copy(self)
        other.stamp = self.stamp._replace(arm=ASKED)
        return other

    def answer_now(self, question: Question) -> list[Item]:
        """Predict rows and record them, from a thread that may wait; raises OSError as above."""
        (items,), kept = self.answer([question])
        if kept is not None:
            kept.result()
        return items

    def predict(self, questions: Sequence[Question]) -> list[list[Item]]:
        """Predict the rows of several requests at once, one item a row, and record nothing."""
        question = joined(questions)
        return _divided(self._items(question, self._predict(question.values)), questions)

    def record(self, answered: Sequence[tuple[Question, Sequence[Item]]]) -> Kept:
        """Record what is answered, all of it at once; raises OSError, after which none of it may be."""
        if self._log is None:
            return None
        now = datetime.now(UTC)
        return self._log.append([self._log.lines(self.stamp, answered, now)], now)

    def lines(self, answered: Sequence[tuple[Question, Sequence[Item]]], now: datetime) -> bytes:
        """Return the records of what is answered, to be appended once all of it is; nothing where none is kept."""
        return b"" if self._log is None else self._log.lines(self.stamp, answered, now)

    def append(self, lines: Sequence[bytes], now: datetime) -> Kept:
        """Record lines that were made before; raises OSError, as above."""
        return None if self._log is None else self._log.append(lines, now)

    def _predict(self, values: Sequence[Sequence[Any]]) -> Prediction:
        try:
            if self._few is not None and len(values) <= MOST_BY_ROW:
                return self._few.predict_rows(values)
            return self.predictor.predict(frame_of(values, self.predictor.schema))
        except Exception:
            raise
        except BaseException as error:
            # A panic of polars is no Exception, and would end whatever thread asked.
            if type(error).__name__ == "PanicException":
                raise RuntimeError(f"the model's library panicked: {error}") from None
            raise

    def _items(self, question: Question, prediction: Prediction) -> list[Item]:
        values, warnings = prediction.values.tolist(), question.warnings
        ids = new_ids(len(values))
        if len(values) != len(question.rows):
            raise Misshapen(f"the model gave {len(values)} answers for {len(question.rows)} rows")
        if prediction.intervals is not None:
            ends = prediction.intervals.tolist()
            return [
                Item(made, values[i], msgspec.UNSET, warnings.get(i, ()), lower=ends[i][0], upper=ends[i][1])
                for i, made in enumerate(ids)
            ]
        if prediction.probabilities is None:
            return [Item(made, values[i], msgspec.UNSET, warnings.get(i, ())) for i, made in enumerate(ids)]
        chances = prediction.probabilities.tolist()
        if len(chances) != len(values) or len(chances[0]) != len(self._labels):
            raise Misshapen(f"the model gave probabilities of the shape {prediction.probabilities.shape}")
        shares = [dict(zip(self._labels, row, strict=True)) for row in chances]
        if prediction.sets is None:
            return [Item(made, values[i], shares[i], warnings.get(i, ())) for i, made in enumerate(ids)]
        sets = [[*compress(prediction.classes, row)] for row in prediction.sets.tolist()]
        return [Item(made, values[i], shares[i], warnings.get(i, ()), set=sets[i]) for i, made in enumerate(ids)]


def _divided(items: list[Item], questions: Sequence[Question]) -> list[list[Item]]:
    if len(questions) == 1:
        return [items]
    left = iter(items)
    return [[*islice(left, len(one.rows))] for one in questions]


def new_ids(count: int) -> list[str]:
    """Return random UUIDs (RFC 9562, version 4), made together, which is quicker than one by one."""
    digits = os.urandom(16 * count).hex()
    return [_uuid(digits[start : start + 32]) for start in range(0, 32 * count, 32)]


def _uuid(digits: str) -> str:
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def frame_of(values: Sequence[Sequence[Any]], schema: Schema) -> pl.DataFrame:
    """Return values in the schema's order, a row each, as a data frame."""
    import polars as pl

    dtypes = {"number": pl.Float64(), "string": pl.String(), "boolean": pl.Boolean(), "datetime": pl.Datetime("us")}
    by_column = zip(*values, strict=True)
    return pl.DataFrame(
        [
            pl.Series(column.name, given, dtype=dtypes[column.kind], strict=False)
            for column, given in zip(schema.columns, by_column, strict=True)
        ]
    )
