"""Evaluators beside `standard`: how well classes are ranked, and losses of numbers that are quantiles or counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Interval

from hookline import Chart, Evaluator, Finding, Report, Scored, Table
from hookline.data.target import encode
from hookline.errors import DataError
from hookline.quality.intervals import Units

from .bootstrap import MeanOf, RatioOf, Resampling, with_intervals
from .charts import curves
from .ranking import Ranking
from .standard import code_of, counted, require_rows, weights_of

if TYPE_CHECKING:
    import numpy as np

TENTHS = tuple(place / 10 for place in range(1, 11))


class _Further(Evaluator):
    """What these evaluators share."""

    n_bootstrap: Annotated[int, Ge(0)] = 200
    """Resamples of the test rows (of whole groups, with `roles.group`) behind 95 % intervals; 0 leaves intervals out."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the resampling."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return nothing beyond what hookline itself needs."""
        return ()


class RankingEvaluator(_Further):
    """How well probabilities rank: of two classes gain, lift and Kolmogorov-Smirnov, of more the accuracy of the top k.

    `gain` is the share of the positive rows among the top of all rows, `lift` how many times that of a random draw, `ks` the
    largest distance between the true and the false positive rate over all thresholds (scipy's `ks_2samp` of both classes'
    scores). `top_k_accuracy` is scikit-learn's. Rows of equal scores are taken in equal parts.
    """

    name = "ranking"
    extra = "sklearn"
    tasks = frozenset({"binary", "multiclass"})
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {
        "binary": ("gain", "lift", "ks"),
        "multiclass": ("top_k_accuracy",),
    }
    top: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of the rows, from the highest score down, that gain and lift are of."""
    k: Annotated[int, Ge(1)] = 3
    """Of many classes: how many of the likeliest may be the true one."""
    positive: str | int | float | bool | None = None
    """The positive class of a binary target; null takes the later one in sorted order."""

    def evaluate(self, scored: Scored) -> Report:
        """Judge probabilities by what was true; raises DataError where there are none."""
        truth, prediction, target = scored.truth(), scored.prediction(), scored.target
        require_rows(truth, prediction)
        weights, groups = weights_of(scored.weight(), len(truth)), scored.groups()
        groups = groups if groups is None else groups[weights > 0]
        truth, prediction, weights = counted(truth, prediction, weights)
        if prediction.probabilities is None:
            raise DataError(f"evaluator '{self.name}' judges probabilities, and the model gives none")
        y, resampling = encode(truth, target), Resampling(self.n_bootstrap, self.seed, groups)
        title = f"Ranking of '{target.name}' on {len(y):,} rows"
        if target.task == "multiclass":
            hits = hits_of(y, prediction.probabilities, self.k)
            metrics = with_intervals(lambda rows: HitsMeasure(hits[rows]), weights, resampling)
            return Report(title, metrics)
        code = 1 if self.positive is None else code_of(self.positive, target, self.name)
        own, score = y == code, prediction.probabilities[:, code]
        metrics = with_intervals(lambda rows: RankingMeasure(own[rows], score[rows], self.top), weights, resampling)
        if not metrics:
            text = "The test rows are all of one class, so there is nothing to rank."
            return Report(title, findings=(Finding("test rows", "classes", 1.0, 2.0, "warning", text),))
        ranked = Ranked.of(Ranking.of(own, score), weights)
        return Report(title, metrics, (ranked.table(),), ranked.charts())


@dataclass(frozen=True)
class Ranked:
    """Shares from the highest score down, float64 (1 + n_thresholds,): of all rows, of the positive, of the others."""

    rows: np.ndarray
    positive: np.ndarray
    others: np.ndarray

    @classmethod
    def of(cls, ranking: Ranking, weight: np.ndarray) -> Ranked:
        """Return the shares under some row weights; NaN where a class is empty."""
        import numpy as np

        false, true = ranking.cumulative(weight)
        with np.errstate(invalid="ignore"):
            return cls((false + true) / (false[-1] + true[-1]), true / true[-1], false / false[-1])

    def gain(self, top: float) -> float:
        """Return the share of the positive rows among the top."""
        import numpy as np

        return float(np.interp(top, self.rows, self.positive))

    def table(self) -> Table:
        """Return gain and lift of each tenth."""
        body = tuple((top, self.gain(top), self.gain(top) / top) for top in TENTHS)
        return Table("gain and lift", ("top share of rows", "gain", "lift"), body)

    def charts(self) -> tuple[Chart, ...]:
        """Draw the gain, and both rates, whose largest distance is the Kolmogorov-Smirnov statistic."""
        gain = {"positive": (self.rows, self.positive)}
        both = {"true positive rate": (self.rows, self.positive), "false positive rate": (self.rows, self.others)}
        return (
            curves(
                "gain",
                "Gain: positive rows found",
                ("top share of rows", "share of positive rows"),
                gain,
                diagonal=True,
            ),
            curves("ks", "Both rates from the highest score down", ("top share of rows", "share of the class"), both),
        )


class RankingMeasure:
    """Ranks the same rows once for any row weights. own: bool, (n_rows,), of the positive class; score: float64, (n_rows,)"""

    def __init__(self, own: np.ndarray, score: np.ndarray, top: float) -> None:
        self.own, self.top = own, top
        self.ranking = Ranking.of(own, score)

    def __call__(self, weight: np.ndarray) -> dict[str, float]:
        """Return metric name -> value, NaN where undefined. weight: float64, (n_rows,)."""
        import numpy as np

        if not (weight[self.own].sum() > 0 and weight[~self.own].sum() > 0):
            return {}
        ranked = Ranked.of(self.ranking, weight)
        gain = ranked.gain(self.top)
        return {"gain": gain, "lift": gain / self.top, "ks": float(np.abs(ranked.positive - ranked.others).max())}

    def means(self, weight: np.ndarray) -> dict[str, MeanOf | RatioOf]:
        """Return nothing: all hang on the order of all rows."""
        return {}

    def scarcest(self, units: Units) -> dict[str, float]:
        """Return of how many units of the positive class the gain is a share."""
        return {"gain": units.effective(self.own)}


def hits_of(y: np.ndarray, probabilities: np.ndarray, k: int) -> np.ndarray:
    """Return whether the true class is among the k likeliest, bool (n_rows,); of equals the later, as scikit-learn has it."""
    import numpy as np

    likeliest = np.argsort(probabilities, axis=1, kind="stable")[:, ::-1][:, :k]
    return np.asarray((likeliest == y[:, None]).any(axis=1))


class HitsMeasure:
    """The share of hits under any row weights. hits: bool, (n_rows,)"""

    def __init__(self, hits: np.ndarray) -> None:
        self.hits = hits

    def __call__(self, weight: np.ndarray) -> dict[str, float]:
        """Return metric name -> value. weight: float64, (n_rows,)."""
        total = weight.sum()
        return {"top_k_accuracy": float((self.hits * weight).sum() / total)} if total > 0 else {}

    def means(self, weight: np.ndarray) -> dict[str, MeanOf | RatioOf]:
        """Return nothing: it is a share."""
        return {}

    def scarcest(self, units: Units) -> dict[str, float]:
        """Return of how many units it is a share."""
        return {"top_k_accuracy": units.effective()}


class DeviancesEvaluator(_Further):
    """Losses of numbers that are quantiles or counts: the pinball loss, and the mean Poisson deviance.

    Both are scikit-learn's. The Poisson deviance is left out where the truth is below 0 or an answer is not above 0.
    """

    name = "deviances"
    extra = "sklearn"
    tasks = frozenset({"regression"})
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {"regression": ("pinball_loss", "poisson_deviance")}
    quantile: Annotated[float, Interval(gt=0, lt=1)] = 0.5
    """The quantile that the answers are to be."""

    def evaluate(self, scored: Scored) -> Report:
        """Judge numbers by what was true, with the rows' weights where there are some."""
        import numpy as np

        truth, prediction = scored.truth(), scored.prediction()
        require_rows(truth, prediction)
        weights, groups = weights_of(scored.weight(), len(truth)), scored.groups()
        groups = groups if groups is None else groups[weights > 0]
        truth, prediction, weights = counted(truth, prediction, weights)
        y, guess = (np.asarray(values, dtype=np.float64) for values in (truth, prediction.values))
        losses = losses_of_numbers(y, guess, self.quantile)
        resampling = Resampling(self.n_bootstrap, self.seed, groups)
        metrics = with_intervals(
            lambda rows: LossesMeasure({name: loss[rows] for name, loss in losses.items()}), weights, resampling
        )
        return Report(f"Deviances of '{scored.target.name}' on {len(y):,} rows", metrics, findings=_undefined(losses))


def losses_of_numbers(y: np.ndarray, guess: np.ndarray, quantile: float) -> dict[str, np.ndarray]:
    """Return the pinball loss and, where it is defined, the Poisson deviance of each row, float64 (n_rows,)."""
    import numpy as np

    off = y - guess
    found = {"pinball_loss": np.where(off >= 0, quantile * off, (quantile - 1) * off)}
    if (y >= 0).all() and (guess > 0).all():
        logs = np.log(y / guess, out=np.zeros_like(y), where=y > 0)
        found["poisson_deviance"] = 2 * (y * logs - y + guess)
    return found


class LossesMeasure:
    """Mean losses under any row weights. losses: metric -> float64, (n_rows,)"""

    def __init__(self, losses: Mapping[str, np.ndarray]) -> None:
        self.losses = losses

    def __call__(self, weight: np.ndarray) -> dict[str, float]:
        """Return metric name -> value. weight: float64, (n_rows,)."""
        total = weight.sum()
        return {
            name: float((loss * weight).sum() / total) if total > 0 else math.nan for name, loss in self.losses.items()
        }

    def means(self, weight: np.ndarray) -> dict[str, MeanOf | RatioOf]:
        """Return all of them."""
        return {name: MeanOf.of(loss, weight, lambda mean: max(0.0, mean)) for name, loss in self.losses.items()}

    def scarcest(self, units: Units) -> dict[str, float]:
        """Return nothing: no loss is a share."""
        return {}


def _undefined(losses: Mapping[str, np.ndarray]) -> tuple[Finding, ...]:
    if "poisson_deviance" in losses:
        return ()
    text = "The Poisson deviance is undefined and left out: the truth is below 0, or an answer is not above 0, in some rows."
    return (Finding("poisson_deviance", "defined", 0.0, 1.0, "info", text),)
