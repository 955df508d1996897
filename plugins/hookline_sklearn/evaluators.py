"""Evaluators: metrics with bootstrap intervals, tables and charts for classification and regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Interval

from hookline import Dataset, Evaluator, Pipeline, Prediction, Report, Target

from .classification import classification_report
from .regression import regression_report

if TYPE_CHECKING:
    import numpy as np

CLASSIFICATION = frozenset({"binary", "multiclass"})
REGRESSION = frozenset({"regression"})


class MetricsEvaluator(Evaluator):
    """What the evaluators share: predicted against true values of the test rows."""

    extra = "sklearn"
    n_bootstrap: Annotated[int, Ge(0)] = 200
    """Resamples of the test rows behind each interval; 0 leaves intervals out."""
    confidence: Annotated[float, Interval(gt=0, lt=1)] = 0.95
    """Share of resamples that an interval holds (percentile bootstrap; Efron, 1979)."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the resampling."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def evaluate(self, pipeline: Pipeline[Any], test: Dataset) -> Report:
        """Judge the pipeline on the test rows, with their weights."""
        prediction = pipeline.predict(test.frame)
        weight = _weights(test)
        return self.evaluate_predictions(pipeline.truth(test.frame), prediction, pipeline.target, weight)

    def evaluate_predictions(
        self, truth: np.ndarray, prediction: Prediction, target: Target, weight: np.ndarray | None
    ) -> Report:
        """Judge predictions. truth: labels or numbers, (n_rows,); weight: (n_rows,) or None."""
        raise NotImplementedError


class ClassificationEvaluator(MetricsEvaluator):
    """Accuracy, precision, recall, F1, ROC and PR AUC, log loss, Brier score, confusion matrix, and their curves."""

    name = "classification"
    tasks = CLASSIFICATION
    positive: str | int | bool | None = None
    """The positive class of a binary target; null takes the later one in sorted order."""

    def evaluate_predictions(
        self, truth: np.ndarray, prediction: Prediction, target: Target, weight: np.ndarray | None
    ) -> Report:
        """Judge predicted labels and probabilities."""
        return classification_report(
            truth, prediction, target, weight, self.positive, self.n_bootstrap, self.confidence, self.seed
        )


class RegressionEvaluator(MetricsEvaluator):
    """RMSE, MAE, median absolute error, R2 and MAPE, with residual plots."""

    name = "regression"
    tasks = REGRESSION

    def evaluate_predictions(
        self, truth: np.ndarray, prediction: Prediction, target: Target, weight: np.ndarray | None
    ) -> Report:
        """Judge predicted numbers."""
        return regression_report(truth, prediction, weight, self.n_bootstrap, self.confidence, self.seed)


class StandardEvaluator(MetricsEvaluator):
    """The metrics of `classification` or `regression`, as the target calls for."""

    name = "standard"

    def evaluate_predictions(
        self, truth: np.ndarray, prediction: Prediction, target: Target, weight: np.ndarray | None
    ) -> Report:
        """Judge predictions by the target's task."""
        if target.task == "regression":
            return regression_report(truth, prediction, weight, self.n_bootstrap, self.confidence, self.seed)
        return classification_report(
            truth, prediction, target, weight, None, self.n_bootstrap, self.confidence, self.seed
        )


def _weights(test: Dataset) -> np.ndarray | None:
    import polars as pl

    name = test.roles.weight
    return None if name is None else test.frame.select(pl.col(name).cast(pl.Float64)).collect()[name].to_numpy()
