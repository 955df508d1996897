"""Trees, forests and boosted trees."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, Le

from hookline import Features, SklearnModel

from ..models import model_of
from .estimator import BALANCES, REGRESSION, EstimatorTrainer, fields_of, prepare

SPLITS = "splits of trees do not change with scale"
"""Why trees go by no weights of features."""


class TreesTrainer(EstimatorTrainer):
    """What all of them share: a feature is split where its order says, whatever its scale."""

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it."""
        return SPLITS


class DecisionTreeTrainer(TreesTrainer):
    """One decision tree: readable, and easily overfitted."""

    name = "decision_tree"
    takes_nan = True
    only_for = BALANCES
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

        if task == "regression":
            return DecisionTreeRegressor(**fields_of(self, "class_weight"))
        return DecisionTreeClassifier(**fields_of(self))


class RandomForestTrainer(TreesTrainer):
    """A forest of randomized trees: strong with little tuning."""

    name = "random_forest"
    takes_nan = True
    only_for = BALANCES
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

        return _forest(self, RandomForestRegressor if task == "regression" else RandomForestClassifier, task)


class ExtraTreesTrainer(TreesTrainer):
    """A forest that splits at random thresholds (Geurts et al. 2006): quicker than a random forest, and smoother."""

    name = "extra_trees"
    takes_nan = True
    only_for = BALANCES
    n_estimators: Annotated[int, Gt(0)] = 100
    """Number of trees."""
    max_depth: Annotated[int, Gt(0)] | None = None
    """Most levels of a tree; null grows until leaves are pure."""
    max_features: Literal["sqrt", "log2"] | Annotated[float, Gt(0), Le(1)] | None = None
    """Features tried at a split; null is sqrt for classification and all for regression."""
    min_samples_leaf: Annotated[int, Gt(0)] = 1
    """Fewest training rows in a leaf."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency; classification only."""
    n_jobs: int | None = None
    """Threads; null is one, -1 is every core. The forest is the same whatever the number."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the thresholds and of the features tried."""

    def estimator(self, task: str) -> Any:
        """Return an ExtraTreesClassifier or ExtraTreesRegressor."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        return _forest(self, ExtraTreesRegressor if task == "regression" else ExtraTreesClassifier, task)


class GradientBoostingTrainer(TreesTrainer):
    """Gradient boosting with exact splits: for small tables, where `hist_gradient_boosting` has too few rows for its bins."""

    name = "gradient_boosting"
    n_estimators: Annotated[int, Gt(0)] = 100
    """Number of rounds of one tree (for several classes: one a class)."""
    learning_rate: Annotated[float, Gt(0)] = 0.1
    """Share of each tree's answer that is added."""
    subsample: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Share of the rows that a tree is fitted to; below 1 it is stochastic gradient boosting (Friedman 2002)."""
    max_depth: Annotated[int, Gt(0)] | None = 3
    """Most levels of a tree."""
    min_samples_leaf: Annotated[int, Gt(0)] = 1
    """Fewest training rows in a leaf."""
    max_features: Literal["sqrt", "log2"] | Annotated[float, Gt(0), Le(1)] | None = None
    """Features tried at a split; null is all."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the rows and features that are drawn."""

    def estimator(self, task: str) -> Any:
        """Return a GradientBoostingClassifier or GradientBoostingRegressor."""
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        return (GradientBoostingRegressor if task == "regression" else GradientBoostingClassifier)(**fields_of(self))


class HistGradientBoostingTrainer(TreesTrainer):
    """Histogram gradient boosting: usually the strongest on tables, and at ease with missing values."""

    name = "hist_gradient_boosting"
    takes_nan = True
    takes_sparse = False
    only_for = BALANCES | {"loss": REGRESSION, "quantile": REGRESSION}
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
    max_features: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of the features that a split may choose from, drawn anew each time."""
    max_bins: Annotated[int, Interval(ge=2, le=255)] = 255
    """Most bins of a feature."""
    early_stopping: bool | Literal["auto"] = False
    """Whether to stop once validation rows (`split.valid`, else some training rows) no longer gain; `auto` stops on those of the
    split, and without them from 10,001 training rows on, which is scikit-learn's default."""
    validation_fraction: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of training rows held out to stop on, where the split has no validation part."""
    tol: Annotated[float, Ge(0)] = 1e-7
    """Loss by which a round must be below an earlier one to count as a gain."""
    n_iter_no_change: Annotated[int, Gt(0)] = 10
    """Rounds without gain before stopping."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency; classification only."""
    loss: Literal["squared_error", "absolute_error", "quantile"] = "squared_error"
    """What is kept small of numbers: squares give their mean, absolute errors their median, `quantile` that share of them."""
    quantile: Annotated[float, Interval(gt=0, lt=1)] = 0.5
    """Of loss `quantile`: the share of the rows that lie below what is predicted."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of binning samples and of the early-stopping hold-out."""

    def __post_init__(self) -> None:
        if self.quantile != 0.5 and self.loss != "quantile":
            raise ValueError(f"quantile={self.quantile:g} is of loss=quantile, and the loss is {self.loss}")

    def estimator(self, task: str) -> Any:
        """Return a HistGradientBoostingClassifier or HistGradientBoostingRegressor."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        if task == "regression":
            quantile = self.quantile if self.loss == "quantile" else None
            return HistGradientBoostingRegressor(**fields_of(self, "class_weight", "quantile"), quantile=quantile)
        return HistGradientBoostingClassifier(**fields_of(self, "loss", "quantile"))

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit, stopping on the validation rows where there are some and early stopping is on."""
        if valid is None or not self.early_stopping:
            return super().fit(train, valid)
        train, valid = train.weighing(), valid.weighing()
        task = train.target.task if train.target else "binary"
        X = prepare(self.name, train, takes_nan=True, takes_sparse=False)
        X_val = prepare(self.name, valid, takes_nan=True, takes_sparse=False)
        held = {"X_val": X_val, "y_val": valid.y, "sample_weight_val": valid.sample_weight}
        # Rows that are held out already cost nothing, however few there are.
        estimator = self.estimator(task).set_params(early_stopping=True)
        fitted = estimator.fit(X, train.y, train.sample_weight, **held)
        return model_of(fitted, train.names)


def _forest(trainer: EstimatorTrainer, cls: Any, task: str) -> Any:
    """Return a forest of a class with a trainer's fields; `max_features` null is what is usual for the task."""
    given = fields_of(trainer, *(["class_weight"] if task == "regression" else []))
    return cls(**given | {"max_features": given["max_features"] or (1.0 if task == "regression" else "sqrt")})
