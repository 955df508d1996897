"""The trainer of a first run: a linear model or boosted trees, by what the table needs."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Interval

from hookline import Features, Finding, SklearnModel, report_finding
from hookline.kinds.reports import CHOSEN

from .estimator import DENSE_LIMIT, EstimatorTrainer
from .linear import LogisticRegressionTrainer, RidgeTrainer
from .trees import SPLITS, HistGradientBoostingTrainer

FEW_ROWS = 500
"""Below so many training rows a linear model is the safer start: trees need some dozens of rows a leaf."""
LEAVES = 20
"""Leaves of the least size that the training rows are enough for; few rows get smaller leaves."""


class AutoTrainer(EstimatorTrainer):
    """What suits the table: boosted trees, or a linear model for few rows without missing values and for wide sparse matrices."""

    name = "auto"
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the model that is chosen."""

    def ignores_scale(self) -> str | None:
        """Say why weights of features may not reach it."""
        return f"it may choose trees, and {SPLITS}"

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Choose by the training rows, say which and why, and fit; raises DataError where no choice can take them."""
        linear, why = prefers_linear(train)
        chosen = self._linear(train) if linear else self._trees(train.shape[0])
        report_finding(
            Finding(
                subject=chosen.name,
                statistic=CHOSEN,
                value=float(train.shape[0]),
                threshold=float(FEW_ROWS),
                severity="info",
                message=f"{chosen.name} was chosen: {why}. trainer={'hist_gradient_boosting' if linear else _other(train)}"
                f"{'' if linear else ' featurizer.tabular.missing=zero'} tries the other.",
            )
        )
        return chosen.fit(train, valid)

    def _linear(self, train: Features) -> EstimatorTrainer:
        return RidgeTrainer() if _other(train) == "ridge" else LogisticRegressionTrainer(seed=self.seed)

    def _trees(self, rows: int) -> EstimatorTrainer:
        return HistGradientBoostingTrainer(min_samples_leaf=max(1, min(20, rows // LEAVES)), seed=self.seed)


def prefers_linear(train: Features) -> tuple[bool, str]:
    """Tell whether a linear model suits training rows better than trees, and why."""
    import numpy as np

    X: Any = train.X
    rows, columns = train.shape
    sparse = hasattr(X, "indptr")
    finite = bool(np.isfinite((X.data if sparse else X).sum(dtype=np.float64)))
    if sparse and rows * columns * 4 > DENSE_LIMIT:
        return True, f"{columns:,} sparse features are too many for trees"
    if not finite:
        return False, "some values are missing, which trees take as they are"
    if rows < FEW_ROWS:
        return True, f"{rows:,} training rows are few, and no value is missing"
    return False, f"{rows:,} training rows are enough for trees"


def _other(train: Features) -> str:
    """Return the linear model for the target."""
    return "ridge" if train.target is not None and train.target.task == "regression" else "logistic_regression"
