"""What trainers ask of the rows that they learn from, at first and when they go on, and the scale that they bring truth to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.artifacts import Features

if TYPE_CHECKING:
    import numpy as np

SHOWN = 5
"""Names in a message; more help nobody."""


def truth_of(trainer: str, features: Features) -> np.ndarray:
    """Return what is true of the rows, (n_rows,); raises DataError for rows without truth."""
    if features.y is None:
        raise DataError(f"trainer '{trainer}' learns from labeled rows only", hint="join labels first")
    return features.y


def require_finite(trainer: str, features: Features) -> None:
    """Raise DataError naming features that are missing, or not finite, in some rows."""
    import numpy as np

    X: Any = features.X
    sparse = hasattr(X, "indptr")
    values: np.ndarray = X.data if sparse else X
    # A sum is finite unless a value is not (or values near the end of float32 add up), and needs no copy of X.
    if np.isfinite(values.sum(dtype=np.float64)) or np.isfinite(values).all():
        return
    gaps = ~np.isfinite(values)
    columns = np.unique(X.indices[gaps]) if sparse else np.flatnonzero(gaps.any(axis=0))
    bad = ", ".join(features.names[column] for column in columns[:SHOWN])
    raise DataError(f"trainer '{trainer}' takes no missing values, and {bad} have some", ailment="missing_values")


def require_like(batch: Features, names: tuple[str, ...], known: Collection[int]) -> None:
    """Raise DataError for a batch of other features than a model was fitted on, or with classes that it never saw.

    known: the codes of its classes; empty of numbers
    """
    import numpy as np

    if batch.names != names:
        raise DataError(
            f"the batch has {_differing(batch.names, names)}, which the model was not fitted on",
            hint="make the batch with the model's own pipeline: `pipeline.examples(rows)`",
        )
    if not known or batch.y is None:
        return
    unknown = np.setdiff1d(batch.y, [*known]).tolist()
    if unknown:
        labels = batch.target.classes if batch.target else ()
        named = ", ".join(str(labels[code]) if code < len(labels) else str(code) for code in unknown[:SHOWN])
        raise DataError(f"the batch has classes that the model never saw: {named}", hint="fit a new model on all rows")


def relative_weights(trainer: str, weight: np.ndarray | None) -> np.ndarray | None:
    """Return weights of mean 1, float64 (n_rows,): a step's size must not depend on the unit that weights are in.

    Raises DataError where one is missing or negative, or all are 0.
    """
    if weight is None or not len(weight):
        return None
    if not (weight >= 0).all() or not weight.sum() > 0:
        raise DataError(f"trainer '{trainer}' takes weights that are present, none negative, and not all zero")
    shares: np.ndarray = weight / weight.mean()
    return shares


def standard_of(train: Features) -> tuple[float, float]:
    """Return weighted mean and standard deviation of numbers to predict; 0 and 1 of labels, which stay as they are."""
    import numpy as np

    if train.target is None or train.target.task != "regression":
        return 0.0, 1.0
    y: Any = train.y
    weight = train.sample_weight
    if weight is None or not weight.any():
        return float(np.mean(y)), float(np.std(y)) or 1.0
    center = float(np.average(y, weights=weight))
    return center, float(np.sqrt(np.average((y - center) ** 2, weights=weight))) or 1.0


def _differing(found: Sequence[str], wanted: Sequence[str]) -> str:
    strange = [name for name in found if name not in wanted] or [name for name in wanted if name not in found]
    if not strange:
        return "its features in another order"
    return f"other features, such as {', '.join(strange[:3])}"
