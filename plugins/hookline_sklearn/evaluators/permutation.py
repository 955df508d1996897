"""The `permutation_importance` evaluator: what the answers would be without one column, over all rows or for single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Gt, Interval

from hookline import Chart, Evaluator, Explanation, Prediction, Predictor, Report, Scored, Table, Target
from hookline.data.target import encode
from hookline.errors import DataError

from .classification import Judged, losses
from .standard import require_rows, weights_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_BARS = 30
METHOD = (
    "answer minus the mean answer with the column's value drawn from the background, "
    "one column at a time (Robnik-Sikonja and Kononenko 2008); the parts need not add up"
)


@dataclass(frozen=True)
class Effect:
    """How much the loss grows when a column is shuffled: the mean over shuffles, and where 95 % of shuffles fall."""

    column: str
    increase: float
    low: float
    high: float


class PermutationImportanceEvaluator(Evaluator):
    """How much worse the answers get when one raw column is shuffled among the held-out rows.

    The mean increase of log loss (error rate where there are no probabilities) or of the root mean squared error (Breiman
    2001; Fisher, Rudin and Dominici 2019). The interval is where 95 % of shuffles fall: of a column that tells nothing, the
    rows as they are is one shuffle more, so that it covers 0.
    """

    name = "permutation_importance"
    extra = "sklearn"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {}
    n_repeats: Annotated[int, Ge(2)] = 10
    """Shuffles of each column."""
    max_rows: Annotated[int, Gt(1)] = 5_000
    """Most held-out rows that are asked of, drawn at random."""
    n_draws: Annotated[int, Gt(0)] = 20
    """Of an explanation of single rows: values of the background that stand in for a column's own."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of rows, shuffles and draws."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return nothing beyond what hookline itself needs."""
        return ()

    # override: `pipeline` is the argument that an evaluator may name to be given the model.
    def evaluate(self, scored: Scored, pipeline: Predictor) -> Report:
        """Shuffle the columns that the pipeline takes, one at a time, with the rows' weights where there are some."""
        import numpy as np

        truth, target = scored.truth(), scored.target
        answered = scored.prediction()
        require_rows(truth, answered)
        weight = weights_of(scored.weight(), len(truth))
        rng = np.random.default_rng(self.seed)
        counted = np.flatnonzero(weight)
        kept = np.sort(rng.choice(counted, min(len(counted), self.max_rows), replace=False))
        rows = scored.rows().frame.collect()[kept]
        judge = Judge(target, truth[kept], weight[kept])
        effects = self._effects(pipeline, rows, judge, rng)
        effects.sort(key=lambda effect: -effect.increase)
        title = f"What '{target.name}' is predicted from, on {rows.height:,} rows"
        unit = judge.unit(answered)
        importances = {effect.column: effect.increase for effect in effects}
        return Report(title, (), (_table(effects, unit),), (_chart(effects, unit),), importances=importances)

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        """Return how much each column's value moves each row's answer, against values drawn from `background`.

        The answer is the probability of the answered class (1 where the model gives none), or the number. Works with any
        predictor; the parts need not add up to answer minus base. Raises DataError for an empty background.
        """
        import numpy as np

        if not background.height:
            raise DataError("there are no background rows to draw ordinary values from")
        rng = np.random.default_rng(self.seed)
        drawn = rng.choice(background.height, min(self.n_draws, background.height), replace=False)
        usual = background[np.sort(drawn)]
        columns = tuple(name for name in predictor.schema.names if name in background.columns)
        answered = predictor.predict(rows)
        answers = _toward(predictor.target, answered, answered.values)
        values = np.zeros((rows.height, len(columns)))
        for place, name in enumerate(columns):
            values[:, place] = answers - _without(predictor, rows, usual, name, answered.values)
        unit = "probability" if predictor.target.classes else predictor.target.name
        return Explanation(columns, values, _base(predictor, usual, answered.values), METHOD, unit)

    def _effects(self, pipeline: Predictor, rows: pl.DataFrame, judge: Judge, rng: np.random.Generator) -> list[Effect]:
        least = judge.loss(pipeline.predict(rows))
        found = []
        for name in pipeline.schema.names:
            if name not in rows.columns:
                continue
            shuffled = (rows[name].gather(rng.permutation(rows.height)) for _ in range(self.n_repeats))
            grown = [judge.loss(pipeline.predict(rows.with_columns(column))) - least for column in shuffled]
            found.append(_effect(name, grown))
        return found


@dataclass(frozen=True)
class Judge:
    """Measures answers for the same rows. truth: labels or numbers, (n,); weight: float64, (n,)."""

    target: Target
    truth: np.ndarray
    weight: np.ndarray

    def loss(self, prediction: Prediction) -> float:
        """Return the weighted root mean squared error, log loss, or error rate."""
        import numpy as np

        if self.target.task == "regression":
            errors = np.asarray(prediction.values, dtype=np.float64) - np.asarray(self.truth, dtype=np.float64)
            return float(np.sqrt(np.average(errors**2, weights=self.weight)))
        y, guess = encode(self.truth, self.target), encode(prediction.values, self.target)
        if prediction.probabilities is None:
            return float(np.average(y != guess, weights=self.weight))
        judged = Judged(y, guess, prediction.probabilities, len(self.target.classes), None)
        return float(np.average(losses(judged, prediction.probabilities)["log_loss"], weights=self.weight))

    def unit(self, prediction: Prediction) -> str:
        """Return the loss, in words."""
        if self.target.task == "regression":
            return "root mean squared error"
        return "error rate" if prediction.probabilities is None else "log loss"


def _effect(column: str, grown: Sequence[float]) -> Effect:
    """Return mean and 95 % prediction interval of one shuffle more (Student's t; Whitmore 1986)."""
    import numpy as np
    from scipy.stats import t

    mean, size = float(np.mean(grown)), len(grown)
    reach = float(t.ppf(0.975, size - 1) * np.std(grown, ddof=1) * np.sqrt(1 + 1 / size))
    return Effect(column, mean, mean - reach, mean + reach)


def _without(
    predictor: Predictor, rows: pl.DataFrame, usual: pl.DataFrame, name: str, labels: np.ndarray
) -> np.ndarray:
    """Return each row's mean answer with a column's value from each usual row, float64 (n_rows,)."""
    import numpy as np

    which, values = np.divmod(np.arange(rows.height * usual.height), usual.height)
    replaced = rows[which].with_columns(usual[name].gather(values))
    moved = _toward(predictor.target, predictor.predict(replaced), labels[which])
    mean: np.ndarray = moved.reshape(rows.height, usual.height).mean(axis=1)
    return mean


def _base(predictor: Predictor, usual: pl.DataFrame, labels: np.ndarray) -> np.ndarray:
    """Return the mean answer of usual rows, toward each row's own answered class, float64 (n_rows,)."""
    import numpy as np

    target, found = predictor.target, predictor.predict(usual)
    if target.task == "regression":
        return np.full(len(labels), np.mean(_toward(target, found, labels)))
    means = {label: _toward(target, found, np.full(usual.height, label)).mean() for label in target.classes}
    return np.array([means[label] for label in labels.tolist()], dtype=np.float64)


def _toward(target: Target, prediction: Prediction, labels: np.ndarray) -> np.ndarray:
    """Return the numbers, or how likely each row's own label is (1 or 0 without probabilities), float64 (n_rows,)."""
    import numpy as np

    if target.task == "regression":
        return np.asarray(prediction.values, dtype=np.float64)
    if prediction.probabilities is None:
        return np.asarray(prediction.values == labels, dtype=np.float64)
    found: np.ndarray = prediction.probabilities[np.arange(len(labels)), encode(labels, target)]
    return found


def _table(effects: Sequence[Effect], unit: str) -> Table:
    rows = tuple((effect.column, effect.increase, effect.low, effect.high) for effect in effects)
    return Table("permutation_importance", ("column", f"increase of {unit}", "low", "high"), rows)


def _chart(effects: Sequence[Effect], unit: str) -> Chart:
    """Draw the largest increases as bars, each with its interval."""
    values = [
        {"column": e.column, "increase": _number(e.increase), "low": _number(e.low), "high": _number(e.high)}
        for e in effects[:MOST_BARS]
    ]
    y = {"field": "column", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}}
    title = f"increase of {unit}"
    bars = {"mark": "bar", "encoding": {"x": {"field": "increase", "type": "quantitative", "title": title}}}
    reach = {
        "mark": {"type": "rule", "opacity": 0.7},
        "encoding": {"x": {"field": "low", "type": "quantitative", "title": title}, "x2": {"field": "high"}},
    }
    spec = {"data": {"values": values}, "encoding": {"y": y}, "layer": [bars, reach], "height": {"step": 18}}
    return Chart("permutation_importance", "What the answers lose when a column is shuffled", spec)


def _number(value: float) -> float:
    return float(f"{value:.5g}")
