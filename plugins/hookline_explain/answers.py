"""Answers as numbers that can be explained: one a class, or the number that is predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookline import Prediction, Predictor, Target
from hookline.data.target import encode

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def outputs_of(target: Target, prediction: Prediction) -> np.ndarray:
    """Return the number, or how likely each class is (1 or 0 without probabilities), float64 (n_rows, n_outputs)."""
    import numpy as np

    if target.task == "regression":
        return np.asarray(prediction.values, dtype=np.float64)[:, None]
    if prediction.probabilities is not None:
        return np.asarray(prediction.probabilities, dtype=np.float64)
    certain: np.ndarray = np.eye(len(target.classes))[encode(prediction.values, target)]
    return certain


def answered_codes(target: Target, prediction: Prediction) -> np.ndarray:
    """Return which output each row's answer is, int64 (n_rows,)."""
    import numpy as np

    if target.task == "regression":
        return np.zeros(len(prediction.values), dtype=np.int64)
    return np.asarray(encode(prediction.values, target), dtype=np.int64)


def asking(predictor: Predictor) -> Callable[[pl.DataFrame], np.ndarray]:
    """Return what a predictor says of raw rows, float64 (n_rows, n_outputs)."""
    return lambda rows: outputs_of(predictor.target, predictor.predict(rows))


def unit_of(target: Target) -> str:
    """Return what an answer is measured in."""
    return "probability" if target.classes else target.name


def as_they_are(totals: np.ndarray) -> np.ndarray:
    """Return totals that are answers already."""
    return totals


def softmax(totals: np.ndarray) -> np.ndarray:
    """Return the probabilities that log-odds stand for, float64 (n_rows, n_classes), one column a class."""
    from scipy.special import softmax as of_rows

    probabilities: np.ndarray = of_rows(totals, axis=1)
    return probabilities


def odds(totals: np.ndarray) -> np.ndarray:
    """Return the probabilities that the log-odds of two classes stand for, each of its own, float64 (n_rows, 2)."""
    from scipy.special import expit

    probabilities: np.ndarray = expit(totals)
    return probabilities


def of_classes(
    values: Any, base: Any, classes: int, known: np.ndarray | None, whole: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return values (n_rows, n_features, n_outputs) and base (n_outputs,) with an output for each class of the target.

    Libraries say of two classes sometimes only how the later one is answered, and know nothing of a class that no training
    row had.
    classes: how many the target has, 0 of a number; known: the codes that the model has seen, None: all
    whole: what the outputs of two classes add up to, 1 of probabilities and 0 of log-odds
    """
    import numpy as np

    values, base = np.asarray(values, dtype=np.float64), np.atleast_1d(np.asarray(base, dtype=np.float64))
    if values.ndim == 2:
        values = values[:, :, None]
    if not classes or values.shape[2] == classes:
        return values, base
    if classes == 2 and values.shape[2] == 1:
        return np.concatenate([-values, values], axis=2), np.concatenate([whole - base, base])
    codes = np.arange(classes) if known is None else np.asarray(known, dtype=np.int64)
    spread, start = np.zeros((*values.shape[:2], classes)), np.zeros(classes)
    spread[:, :, codes], start[codes] = values, base
    return spread, start
