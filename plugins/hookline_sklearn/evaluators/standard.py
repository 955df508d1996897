"""Evaluators: metrics with bootstrap intervals, tables and charts for classification and regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Interval

from hookline import Evaluator, Prediction, Report, Scored, Target
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.artifacts import Label

from .bootstrap import Resampling
from .classification import classification_report
from .regression import regression_report

if TYPE_CHECKING:
    import numpy as np


SHARES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
AVERAGES = tuple(f"{rate}_{average}" for rate in ("precision", "recall", "f1") for average in ("macro", "weighted"))
OF_CLASSES = (*SHARES[:2], *AVERAGES, "log_loss", "brier", "roc_auc", "pr_auc")
MEASURED = {
    "binary": (*OF_CLASSES, *SHARES[2:]),
    "multiclass": OF_CLASSES,
    "regression": ("rmse", "mae", "median_absolute_error", "r2", "mape"),
}
"""Task -> the metrics that are measured where they are defined."""


class MetricsEvaluator(Evaluator):
    """What the evaluators share: predicted against true values of the test rows."""

    n_bootstrap: Annotated[int, Ge(0)] = 200
    """Resamples of the test rows (of whole groups, with `roles.group`) behind 95 % intervals; 0 leaves intervals out."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the resampling."""

    def evaluate(self, scored: Scored) -> Report:
        """Judge answers by what was true, with the rows' weights where there are some."""
        truth, prediction, target, weight = scored.truth(), scored.prediction(), scored.target, scored.weight()
        if target.task not in self.tasks:
            raise DataError(
                f"evaluator '{self.name}' cannot judge a {target.task} target", hint="choose evaluator=[standard]"
            )
        require_rows(truth, prediction)
        weights, groups = weights_of(weight, len(truth)), scored.groups()
        groups = groups if groups is None else groups[weights > 0]
        truth, prediction, weights = counted(truth, prediction, weights)
        resampling = Resampling(self.n_bootstrap, self.seed, groups)
        positive = self.positive_code(target)
        if target.task == "regression":
            return regression_report(truth, prediction, target, weights, resampling)
        return classification_report(truth, prediction, target, weights, positive, resampling)

    def positive_code(self, target: Target) -> int | None:
        """Return the code of the positive class: of two classes the later, unless a field says otherwise."""
        return 1 if target.task == "binary" else None


class _WithPositive(MetricsEvaluator):
    positive: str | int | float | bool | None = None
    """The positive class of a binary target; null takes the later one in sorted order."""

    def positive_code(self, target: Target) -> int | None:
        """Return the code of the positive class; raises ConfigError where the target has no such class."""
        return super().positive_code(target) if self.positive is None else code_of(self.positive, target, self.name)


class ClassificationEvaluator(_WithPositive):
    """Accuracy, precision, recall, F1, ROC and PR AUC, log loss, Brier score, confusion matrix, and their curves.

    `precision`, `recall` and `f1` are the positive class' (binary targets only); `_macro` and `_weighted` average the classes.
    `roc_auc` and `pr_auc` (average precision) of several classes are the mean of each class against the rest.
    """

    name = "classification"
    tasks = frozenset({"binary", "multiclass"})
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {
        task: MEASURED[task] for task in ("binary", "multiclass")
    }


class RegressionEvaluator(MetricsEvaluator):
    """RMSE, MAE, median absolute error, R2 and MAPE, with residual plots."""

    name = "regression"
    tasks = frozenset({"regression"})
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {"regression": MEASURED["regression"]}


class StandardEvaluator(_WithPositive):
    """The metrics of `classification` or of `regression`, as the target calls for."""

    name = "standard"
    measures = MEASURED


def code_of(positive: Label, target: Target, evaluator: str) -> int:
    """Return the code of the positive class that an evaluator's config names; raises ConfigError where there is none such."""
    labels = [str(label).lower() for label in target.classes]
    if target.task == "binary" and str(positive).lower() in labels:
        return labels.index(str(positive).lower())
    known = " and ".join(f"'{label}'" for label in target.classes)
    told = f"'{positive}' is not a class of '{target.name}', which has {known}"
    if target.task != "binary":
        told = f"only a binary target has a positive class, and '{target.name}' is {target.task}"
    raise ConfigError(f"bad config for evaluator '{evaluator}'", [Problem(f"evaluator.{evaluator}.positive", told)])


def require_rows(truth: np.ndarray, prediction: Prediction) -> None:
    """Raise DataError where there is nothing to judge, or not a prediction for each truth."""
    if not len(truth):
        raise DataError("there are no rows to evaluate on")
    if len(truth) != len(prediction.values):
        raise DataError(f"there are {len(truth)} true values, but {len(prediction.values)} predictions")


def weights_of(weight: np.ndarray | None, rows: int) -> np.ndarray:
    """Return how much each row counts, float64 (rows,); raises DataError where a weight is missing or negative, or all are 0."""
    import numpy as np

    weights = np.ones(rows) if weight is None else np.asarray(weight, dtype=np.float64)
    # NaN, which a missing weight has become, is not at least 0 either.
    if not (weights >= 0).all() or not weights.sum() > 0:
        raise DataError("the weights of the test rows must be present, none negative, and not all zero")
    return weights


def counted(
    truth: np.ndarray, prediction: Prediction, weights: np.ndarray
) -> tuple[np.ndarray, Prediction, np.ndarray]:
    """Return the rows that weigh: one of weight 0 is as good as absent, also to a quantile or a count."""
    kept = weights > 0
    if kept.all():
        return truth, prediction, weights
    scores = prediction.probabilities
    held = replace(prediction, values=prediction.values[kept], probabilities=None if scores is None else scores[kept])
    return truth[kept], held, weights[kept]
