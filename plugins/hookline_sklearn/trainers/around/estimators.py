"""Estimators around others: of the logarithm of a number, and of balanced classes; imports scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone


class LogTargetRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn tells no types
    """exp(what a regressor answers of log(y + offset)) * factor_ - offset.

    regressor: any regressor of scikit-learn, unfitted; offset: added before the logarithm; smear: whether the answer is the mean,
    by the factor of Duan (1983), rather than the median
    """

    def __init__(self, regressor: Any = None, offset: float = 0.0, smear: bool = True) -> None:
        self.regressor = regressor
        self.offset = offset
        self.smear = smear

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit the regressor to the logarithms; y: float64 (n,), all above -offset."""
        logs = np.log(np.asarray(y, dtype=np.float64) + self.offset)
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        inner: Any = clone(self.regressor)
        self.regressor_ = inner.fit(X, logs, **given)
        self.n_features_in_ = X.shape[1]
        low, high = float(logs.min()), float(logs.max())
        # Beyond, a straight line of logarithms would answer numbers that nobody has seen the like of, or none at all.
        self.log_bounds_ = (low - (high - low), high + (high - low))
        self.factor_ = 1.0
        if self.smear:
            self.factor_ = float(np.average(np.exp(logs - self._logs(X)), weights=sample_weight))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the numbers, float64 (n,), in the unit of y."""
        found: np.ndarray = np.exp(self._logs(X)) * self.factor_ - self.offset
        return found

    def _logs(self, X: Any) -> np.ndarray:
        said = np.asarray(self.regressor_.predict(X), dtype=np.float64).ravel()
        return said.clip(*self.log_bounds_)


class BalancedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn tells no types
    """A classifier fitted to as many rows of each class, whose probabilities are those of the classes as they were.

    classifier: any classifier of scikit-learn with probabilities, unfitted; method: `under` leaves rows of frequent classes out,
    `over` repeats rows of rare ones; ratio: rows of a rare class per row of the most frequent one; seed: of what is drawn

    What it says of a class is multiplied by its share before and divided by its share after, and made to add up to 1: exact where
    rows were drawn by class alone (Saerens, Latinne and Decaestecker 2002, eq. 4).
    """

    def __init__(self, classifier: Any = None, method: str = "under", ratio: float = 1.0, seed: int = 0) -> None:
        self.classifier = classifier
        self.method = method
        self.ratio = ratio
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Draw the rows and fit the classifier to them; y: codes of classes, (n,)."""
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.classes_ = np.unique(y)
        rows = self._drawn(y)
        given = {} if sample_weight is None else {"sample_weight": weight[rows]}
        inner: Any = clone(self.classifier)
        self.classifier_ = inner.fit(X[rows], y[rows], **given)
        self.n_features_in_ = X.shape[1]
        before, after = (self._shares(y[some], weight[some]) for some in (slice(None), rows))
        self.corrections_ = before / after
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the chance of each class among rows as they are, float64 (n, n_classes)."""
        found = np.asarray(self.classifier_.predict_proba(X), dtype=np.float64) * self.corrections_
        chances: np.ndarray = found / found.sum(axis=1, keepdims=True)
        return chances

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row."""
        found: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found

    def _drawn(self, y: np.ndarray) -> np.ndarray:
        """Return the places of the rows to learn from, int, in order."""
        rng = np.random.default_rng(self.seed)
        of_class = [np.flatnonzero(y == label) for label in self.classes_]
        sizes = [len(places) for places in of_class]
        if self.method == "under":
            most = max(1, round(min(sizes) / self.ratio))
            return np.sort(np.concatenate([rng.permutation(places)[:most] for places in of_class]))
        least = round(max(sizes) * self.ratio)
        more = [
            np.concatenate(
                [np.tile(places, max(1, least // len(places))), rng.permutation(places)[: least % len(places)]]
            )
            if len(places) < least
            else places
            for places in of_class
        ]
        return np.sort(np.concatenate(more))

    def _shares(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        sums = np.array([weight[y == label].sum() for label in self.classes_])
        shares: np.ndarray = sums / sums.sum()
        return shares
