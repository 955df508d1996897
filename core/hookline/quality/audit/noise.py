"""Labels that a model which has not seen them confidently contradicts: rows to look at, before they are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.errors import MissingBackend
from hookline.kinds.artifacts import Target
from hookline.kinds.reports import Finding, Table

from .sides import Column, Sides, examples

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 20_000
"""Training rows that are looked at, drawn evenly."""
FOLDS = 5
LEAST_OF_CLASS = 20
"""Rows of each class that it takes."""
SURE = 0.9
"""Probability of another class from which on a label is contradicted."""
SHOWN = 50


def find_noise(sides: Sides, target: Target) -> tuple[list[Finding], Table | None]:
    """Return the training rows whose label is doubtful, the most doubtful first, as a finding and a table.

    Each row is judged by gradient-boosted trees that were fitted to the others (5 folds). Its label is contradicted where
    another class has a probability of 0.9 or more, and no less than that class has on average among rows that carry it
    (Northcutt, Jiang and Chuang, 2021, "Confident learning"). Where classes overlap, rare rows are contradicted as well as
    wrong ones: it says where to look, not what is wrong. Raises MissingBackend without scikit-learn.
    """
    import numpy as np

    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingBackend("audit_labels", "sklearn", "sklearn") from None
    few = sides.fewer(MOST_ROWS)
    y = few.y[0]
    known = y >= 0
    counts = np.bincount(y[known], minlength=len(target.classes)) if target.classes else np.zeros(1)
    if not target.classes or (counts[counts > 0] < LEAST_OF_CLASS).any() or (counts > 0).sum() < 2:
        return [], None
    X = np.column_stack([_numbers(column) for column in few.columns])[known]
    given, ids = y[known], few.row_ids[0][known]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    # Trees cannot be grown on a column that is missing in all rows that they are fitted to.
    held = np.all([np.isfinite(X[fitted]).any(axis=0) for fitted, _ in folds.split(X, given)], axis=0)
    if not held.any():
        return [], None
    X = X[:, held]
    options: dict[str, Any] = {"random_state": 0, "max_iter": 60, "early_stopping": False}
    model = HistGradientBoostingClassifier(**options)
    # Trees of so few rows are grown no faster by threads that wait for each other.
    with threadpool_limits(limits=1):
        probability = np.asarray(cross_val_predict(model, X, given, cv=folds, method="predict_proba"))
    classes = np.unique(given)
    places = np.searchsorted(classes, given)
    usual = np.array([probability[places == k, k].mean() for k in range(len(classes))])
    own = probability[np.arange(len(given)), places]
    other = probability.argmax(axis=1)
    sure = probability.max(axis=1)
    doubtful = np.flatnonzero((other != places) & (sure >= np.maximum(SURE, usual[other])))
    order = doubtful[np.argsort(own[doubtful], kind="stable")]
    if not len(order):
        return [], None
    share = len(order) / len(given)
    text = (
        f"{len(order):,} of {len(given):,} training rows looked at ({share:.1%}) carry a '{target.name}' that a model which has "
        "not seen them contradicts with 90 % or more: look at the first, they may be labeled wrongly."
    )
    labels = [str(target.classes[int(code)]) for code in classes]
    rows = tuple(
        (int(ids[i]), labels[int(places[i])], labels[int(other[i])], round(float(own[i]), 4), round(float(sure[i]), 4))
        for i in order[:SHOWN].tolist()
    )
    table = Table(
        "label_noise", ("training_row", "label", "instead", "probability_of_label", "probability_instead"), rows
    )
    return [Finding(target.name, "label_noise", share, 0.0, "info", text, examples(ids[order]))], table


def _numbers(column: Column) -> np.ndarray:
    """Return a training column as numbers, NaN where missing; of a text its code."""
    import numpy as np

    if column.numbers is not None:
        return np.where(np.isfinite(column.numbers[0]), column.numbers[0], np.nan)
    codes = column.codes[0].astype(np.float64)
    return np.where(codes == 0, np.nan, codes)
