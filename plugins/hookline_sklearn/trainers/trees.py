"""Trees, forests and boosted trees."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, Le

from hookline import Features, SklearnModel

from ..models import model_of
from .estimator import EstimatorTrainer, prepare


class DecisionTreeTrainer(EstimatorTrainer):
    """One decision tree: readable, and easily overfitted."""

    name = "decision_tree"
    takes_nan = True
    max_depth: Annotated[int, Gt(0)] | None = None
    """Most levels; null grows until leaves are pure."""
    min_samples_leaf: Annotated[int, Gt(0)] = 1
    """Fewest training rows in a leaf."""
    min_samples_split: Annotated[int, Ge(2)] = 2
    """Fewest training rows that may be split."""
    ccp_alpha: Annotated[float, Ge(0)] = 0.0
    """Strength of minimal cost-complexity pruning."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency; classification only."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of ties between splits."""

    def estimator(self, task: str) -> Any:
        """Return a DecisionTreeClassifier or DecisionTreeRegressor."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        common = {
            "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf,
            "min_samples_split": self.min_samples_split,
            "ccp_alpha": self.ccp_alpha,
            "random_state": self.seed,
        }
        if task == "regression":
            return DecisionTreeRegressor(**common)
        return DecisionTreeClassifier(class_weight=self.class_weight, **common)


class RandomForestTrainer(EstimatorTrainer):
    """A forest of randomized trees: strong with little tuning."""

    name = "random_forest"
    takes_nan = True
    n_estimators: Annotated[int, Gt(0)] = 100
    """Number of trees."""
    max_depth: Annotated[int, Gt(0)] | None = None
    """Most levels of a tree; null grows until leaves are pure."""
    max_features: Literal["sqrt", "log2"] | Annotated[float, Gt(0), Le(1)] | None = None
    """Features tried at a split; null is sqrt for classification and all for regression."""
    min_samples_leaf: Annotated[int, Gt(0)] = 1
    """Fewest training rows in a leaf."""
    class_weight: Literal["balanced", "balanced_subsample"] | None = None
    """How classes are weighed; classification only."""
    n_jobs: int | None = None
    """Threads; null is one, -1 is every core. The forest is the same whatever the number."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the bootstrap and of the features tried."""

    def estimator(self, task: str) -> Any:
        """Return a RandomForestClassifier or RandomForestRegressor."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        common: dict[str, Any] = {
            "n_estimators": self.n_estimators,
            "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf,
            "n_jobs": self.n_jobs,
            "random_state": self.seed,
            "max_features": self.max_features or (1.0 if task == "regression" else "sqrt"),
        }
        if task == "regression":
            return RandomForestRegressor(**common)
        return RandomForestClassifier(class_weight=self.class_weight, **common)


class HistGradientBoostingTrainer(EstimatorTrainer):
    """Histogram gradient boosting: usually the strongest on tables, and at ease with missing values."""

    name = "hist_gradient_boosting"
    takes_nan = True
    takes_sparse = False
    learning_rate: Annotated[float, Gt(0)] = 0.1
    """Share of each tree's answer that is added."""
    max_iter: Annotated[int, Gt(0)] = 100
    """Most trees (for several classes: rounds of one tree a class)."""
    max_leaf_nodes: Annotated[int, Ge(2)] | None = 31
    """Most leaves of a tree."""
    max_depth: Annotated[int, Gt(0)] | None = None
    """Most levels of a tree."""
    min_samples_leaf: Annotated[int, Gt(0)] = 20
    """Fewest training rows in a leaf."""
    l2_regularization: Annotated[float, Ge(0)] = 0.0
    """Strength of the L2 penalty on leaves."""
    max_bins: Annotated[int, Interval(ge=2, le=255)] = 255
    """Most bins of a feature."""
    early_stopping: bool = False
    """Whether to stop once validation rows (`split.valid`, else a tenth of the training rows) no longer gain."""
    n_iter_no_change: Annotated[int, Gt(0)] = 10
    """Rounds without gain before stopping."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency; classification only."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of binning samples and of the early-stopping hold-out."""

    def estimator(self, task: str) -> Any:
        """Return a HistGradientBoostingClassifier or HistGradientBoostingRegressor."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        common: dict[str, Any] = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("seed", "class_weight")
        } | {"random_state": self.seed}
        if task == "regression":
            return HistGradientBoostingRegressor(**common)
        return HistGradientBoostingClassifier(class_weight=self.class_weight, **common)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit, stopping on the validation rows where there are some and early stopping is on."""
        if valid is None or not self.early_stopping:
            return super().fit(train, valid)
        train, valid = train.weighing(), valid.weighing()
        task = train.target.task if train.target else "binary"
        X = prepare(self.name, train, takes_nan=True, takes_sparse=False)
        X_val = prepare(self.name, valid, takes_nan=True, takes_sparse=False)
        held = {"X_val": X_val, "y_val": valid.y, "sample_weight_val": valid.sample_weight}
        fitted = self.estimator(task).fit(X, train.y, train.sample_weight, **held)
        return model_of(fitted, train.names)
