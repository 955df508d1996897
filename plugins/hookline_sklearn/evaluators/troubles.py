"""Evaluators of what goes wrong: the rows that cost most, and what becomes of the answers where columns are spoilt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Interval

from hookline import Evaluator, Predictor, Report, Scored, Table
from hookline.data.target import encode
from hookline.errors import DataError
from hookline.kinds.fitted import label_text

from ..monitors.searching import columns_of, losses_of
from .classification import Judged, losses
from .permutation import Judge

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_LETTERS = 200
"""Letters of a note."""
MOST_COLUMNS = 12
"""Raw columns that are shown of a row."""


class WorstRowsEvaluator(Evaluator):
    """The held-out rows whose answers are furthest from the truth, with their raw values, to be looked at.

    By log loss where there are probabilities, by the absolute error for numbers; with weights, by what the row adds to the mean.
    The report then holds values of these rows.
    """

    name = "worst_rows"
    extra = "sklearn"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {}
    n_rows: Annotated[int, Interval(ge=1, le=1000)] = 20
    """How many rows."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return nothing beyond what hookline itself needs."""
        return ()

    def evaluate(self, scored: Scored) -> Report:
        """Rank the rows that count by their loss."""
        import numpy as np

        rows = scored.weighing()
        weight, loss = rows.weight(), _loss_of(rows)
        order = np.argsort(-(loss if weight is None else loss * weight), kind="stable")[: self.n_rows]
        frame = rows.rows().frame.select(columns_of(rows)).collect()
        frame = frame.select(frame.columns[:MOST_COLUMNS])[order]
        said, truth, ids = rows.prediction().values, rows.truth(), _ids(rows)
        head = ("row", "truth", "answer", "loss", *frame.columns)
        body = tuple(
            (ids[place], _plain(truth[place]), _plain(said[place]), float(loss[place]), *map(_plain, values))
            for place, values in zip(order.tolist(), frame.rows(), strict=True)
        )
        return Report("The rows that cost most", tables=(Table("worst rows", head, body),))


def _loss_of(rows: Scored) -> np.ndarray:
    """Return the log loss of each row where there are probabilities, else what `losses_of` says."""
    prediction = rows.prediction()
    if prediction.probabilities is None:
        return losses_of(rows)
    y, guess = encode(rows.truth(), rows.target), encode(prediction.values, rows.target)
    judged = Judged(y, guess, prediction.probabilities, len(rows.target.classes), None)
    return losses(judged, prediction.probabilities)["log_loss"]


def _ids(rows: Scored) -> list[Any]:
    from hookline.packages.pipeline import row_ids

    return [_plain(one) for one in row_ids(rows.rows().frame.collect(), rows.roles).tolist()]


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value if value is None or isinstance(value, (str, int, float)) else label_text(value)


class RobustnessEvaluator(Evaluator):
    """How much worse the answers get where one raw column is missing, shifted or noisy, as a broken pipe makes it.

    The increase of log loss (error rate where there are no probabilities) or of the root mean squared error on held-out rows:
    with the column missing in all of them, and of numbers with `size` standard deviations added, or as much noise. What the input
    contract rejects has no answer, and is told as such.
    """

    name = "robustness"
    extra = "sklearn"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {}
    size: Annotated[float, Gt(0)] = 1.0
    """Standard deviations that numbers are shifted by, and that noise has."""
    max_rows: Annotated[int, Gt(1)] = 5_000
    """Most held-out rows that are asked of, drawn at random."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of rows and noise."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return nothing beyond what hookline itself needs."""
        return ()

    # override: `pipeline` is the argument that an evaluator may name to be given the model.
    def evaluate(self, scored: Scored, pipeline: Predictor) -> Report:
        """Spoil the columns that the pipeline takes, one at a time."""
        import numpy as np

        rng = np.random.default_rng(self.seed)
        rows = scored.weighing()
        truth, weight = rows.truth(), rows.weight()
        kept = np.sort(rng.choice(len(truth), min(len(truth), self.max_rows), replace=False))
        frame = rows.rows().frame.collect()[kept]
        judge = Judge(rows.target, truth[kept], np.ones(len(kept)) if weight is None else weight[kept])
        answered = pipeline.predict(frame)
        least = judge.loss(answered)
        found = [
            (name, how, *_grown(partial(_loss, judge, pipeline, spoilt), least))
            for name in pipeline.schema.names
            if name in frame.columns
            for how, spoilt in self._spoilt(frame, name, rng)
        ]
        # What has no answer at all comes first.
        ranked = sorted(found, key=lambda row: math.inf if row[2] is None else row[2], reverse=True)
        head = ("column", "what", f"increase of {judge.unit(answered)}", "note")
        return Report("Robustness", tables=(Table("robustness", head, tuple(ranked)),))

    def _spoilt(self, frame: pl.DataFrame, name: str, rng: np.random.Generator) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield rows whose column is spoilt in each way."""
        import polars as pl

        yield "missing", frame.with_columns(pl.lit(None, frame.schema[name]).alias(name))
        if not frame.schema[name].is_numeric():
            return
        values = frame[name].cast(pl.Float64)
        spread = values.fill_nan(None).std()
        if not isinstance(spread, float) or not spread > 0:
            return
        yield f"shifted by {self.size:g} sd", frame.with_columns((values + self.size * spread).alias(name))
        noise = pl.Series(rng.normal(scale=self.size * spread, size=frame.height))
        yield f"noise of {self.size:g} sd", frame.with_columns((values + noise).alias(name))


def _loss(judge: Judge, pipeline: Predictor, rows: pl.DataFrame) -> float:
    return judge.loss(pipeline.predict(rows))


def _grown(measure: Callable[[], float], least: float) -> tuple[float | None, str]:
    """Return an increase over the least and no note, or none and why there is no answer."""
    try:
        return measure() - least, ""
    except Exception as error:  # noqa: BLE001  a model may raise anything of rows unlike any that it has seen, and that is the answer
        told = error.message if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
        return None, told.splitlines()[0][:MOST_LETTERS]
