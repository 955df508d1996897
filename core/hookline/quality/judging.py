"""Answers judged by what was true, with the report that runs get, also of models that hookline did not make."""

from __future__ import annotations

from typing import Any

from hookline.data.frames import to_polars
from hookline.errors import UsageError
from hookline.kinds.artifacts import ROW_ID, Dataset, Target
from hookline.kinds.fitted import Prediction
from hookline.kinds.reports import Metric, Report
from hookline.kinds.scored import Scored
from hookline.registry.registry import Registry

BINARY = 2


def judge(registry: Registry, scored: Scored) -> Report:
    """Return what the `standard` evaluator says of rows whose truth is known; raises DataError where it is not."""
    standard: Any = registry.build("evaluator", "standard", {}, "evaluator.standard")
    type(standard).check_backend()
    report: Report = standard.evaluate(scored)
    return report


def metrics_of_rows(registry: Registry, scored: Scored) -> tuple[Metric, ...]:
    """Return the metrics of the `standard` evaluator, without intervals; none where no plugin has it."""
    if ("evaluator", "standard") not in registry:
        return ()
    standard: Any = registry.build("evaluator", "standard", {"n_bootstrap": 0}, "evaluator.standard")
    report: Report = standard.evaluate(scored)
    return report.metrics


def numbers_of(registry: Registry, scored: Scored) -> dict[str, float]:
    """Return the metrics of the `standard` evaluator by name, without intervals; empty where no plugin has it."""
    return {metric.name: float(metric.value) for metric in metrics_of_rows(registry, scored)}


def constant_guess(y: Any, weight: Any, target: Target, rows: int) -> Prediction:
    """Return what would be said of `rows` rows by who knows no feature: the most frequent class and the shares, or the mean.

    y: what was learned from, class codes or numbers, (n,); weight: float64, (n,), or None
    """
    import numpy as np

    if target.task == "regression":
        return Prediction(np.full(rows, np.average(y, weights=weight)))
    shares = np.bincount(y, weight, len(target.classes))
    shares = shares / shares.sum()
    # As an array of one row, so that labels of different types stay what they are.
    label = np.array([target.classes[int(shares.argmax())]], dtype=None)
    return Prediction(np.repeat(label, rows), np.tile(shares, (rows, 1)), target.classes)


def answers_of_estimator(model: Any, X: Any, y: Any, task: str | None) -> Scored:
    """Return what a fitted scikit-learn estimator or pipeline answers, beside the truth; scored rows alone as they are.

    Raises UsageError for no classifier, or where rows are missing.
    X: what `model.predict` takes, (n_rows, ...); y: labels or numbers, (n_rows,)
    task: classification or regression; by default what the model is for
    """
    import numpy as np

    if isinstance(model, Scored):
        return model
    if X is None or y is None:
        raise UsageError(f"{type(model).__name__} is judged on rows", hint="hl.evaluate(model, X_test, y_test)")
    truth, name = np.asarray(y), str(getattr(y, "name", None) or "target")
    classes = getattr(model, "classes_", None)
    if task == "regression" or (task is None and classes is None):
        target = Target(name, "regression")
        prediction = Prediction(np.asarray(model.predict(X), dtype=np.float64))
    else:
        if classes is None:
            raise UsageError(f"{type(model).__name__} has no classes_, so it is not a fitted classifier")
        labels = tuple(np.asarray(classes).tolist())
        target = Target(name, "binary" if len(labels) == BINARY else "multiclass", labels)
        probabilities = model.predict_proba(X) if hasattr(model, "predict_proba") else None
        prediction = Prediction(np.asarray(model.predict(X)), probabilities, labels)
    return Scored.of(_rows_of(X, len(truth)), prediction, target, truth)


def _rows_of(X: Any, rows: int) -> Dataset:
    """Return what a model was asked as rows: a frame's columns; of an array only how many there are."""
    import polars as pl

    frame = to_polars(X).lazy() if hasattr(X, "columns") else pl.LazyFrame({ROW_ID: range(rows)})
    return Dataset(frame, name="rows")
