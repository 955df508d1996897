"""How well a pipeline and a coarser package of it do, on the same rows whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.data.target import encode, true_values
from hookline.errors import DataError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction, Predictor

from ..pipeline import Pipeline, apply_transforms
from .certificate import Quality

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def qualities(pipeline: Pipeline[Any], packaged: Predictor, rows: pl.DataFrame) -> tuple[Quality, ...]:
    """Return accuracy and Brier score of classes, or the RMSE of numbers, of both; nothing where the rows hold no truth.

    rows: raw, with the target; each counts alike
    """
    target = pipeline.target
    try:
        truth = encode(true_values(apply_transforms(pipeline.transforms, rows.lazy()), target), target)
    except DataError:
        return ()
    native, package = (_figures(one.predict(rows), truth, target) for one in (pipeline, packaged))
    return tuple(Quality(name, native[name], package[name]) for name in native if name in package)


def _figures(said: Prediction, truth: np.ndarray, target: Target) -> dict[str, float]:
    """Return what is measured of one prediction. truth: class codes int64, or numbers float64, (n_rows,)"""
    import numpy as np

    if target.task == "regression":
        return {"rmse": float(np.sqrt(np.mean((said.values - truth) ** 2)))}
    found = {"accuracy": float(np.mean(encode(said.values, target) == truth))}
    if said.probabilities is not None:
        # Brier 1950: the squared distance of the probabilities from the class that came; of two classes, of one of them.
        off = said.probabilities - np.eye(len(target.classes))[truth]
        found["brier"] = float(np.mean((off**2).sum(axis=1)) / (2 if len(target.classes) == 2 else 1))
    return found
