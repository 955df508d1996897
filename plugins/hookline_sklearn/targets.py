"""An estimator that learns the logarithm of a number, and answers the number itself; imports scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone


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
        self.regressor_ = clone(self.regressor).fit(X, logs, **given)
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
