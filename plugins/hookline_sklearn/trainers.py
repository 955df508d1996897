"""Trees, forests, boosting and linear models of scikit-learn, and any other estimator by its class name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval, Le

from hookline import Features, SklearnModel, Trainer
from hookline.errors import ConfigError, DataError, Problem, closest

CLASSIFICATION = frozenset({"binary", "multiclass"})
REGRESSION = frozenset({"regression"})
DENSE_LIMIT = 2 * 1024**3
"""Bytes of a dense matrix above which a sparse one is not silently made dense."""


class EstimatorTrainer(Trainer):
    """What every scikit-learn trainer shares: the checks before a fit, and weights."""

    extra = "sklearn"
    takes_nan: ClassVar[bool] = False
    takes_sparse: ClassVar[bool] = True

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def estimator(self, task: str) -> Any:
        """Return an unfitted estimator for a task."""
        raise NotImplementedError

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit on the training rows, with their weights; raises DataError for missing values that the model cannot take."""
        task = train.target.task if train.target else "binary"
        estimator = self.estimator(task)
        X = prepare(self.name, train, takes_nan=self.takes_nan, takes_sparse=self.takes_sparse)
        fitted = fit_quietly(estimator, X, train.y, train.sample_weight)
        return SklearnModel.of(fitted, train)


class LogisticRegressionTrainer(EstimatorTrainer):
    """Logistic regression with an L2 or L1 penalty: the first model to try on a classification."""

    name = "logistic_regression"
    tasks = CLASSIFICATION
    C: Annotated[float, Gt(0)] = 1.0
    """Inverse of the regularization strength."""
    l1_ratio: Annotated[float, Interval(ge=0, le=1)] = 0.0
    """0 is the L2 penalty, 1 is L1 (saga solver), between is elastic net."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency."""
    max_iter: Annotated[int, Gt(0)] = 1000
    """Most iterations of the solver."""
    tol: Annotated[float, Gt(0)] = 1e-4
    """Tolerance of the stopping criterion."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the saga solver's shuffling."""

    def estimator(self, task: str) -> Any:
        """Return a LogisticRegression."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(
            C=self.C,
            l1_ratio=self.l1_ratio,
            solver="saga" if self.l1_ratio else "lbfgs",
            class_weight=self.class_weight,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.seed,
        )


class LinearRegressionTrainer(EstimatorTrainer):
    """Ordinary least squares."""

    name = "linear_regression"
    tasks = REGRESSION
    fit_intercept: bool = True
    """Whether to fit a constant term."""
    positive: bool = False
    """Whether coefficients must not be negative."""

    def estimator(self, task: str) -> Any:
        """Return a LinearRegression."""
        from sklearn.linear_model import LinearRegression

        return LinearRegression(fit_intercept=self.fit_intercept, positive=self.positive)


class RidgeTrainer(EstimatorTrainer):
    """Least squares with an L2 penalty."""

    name = "ridge"
    tasks = REGRESSION
    alpha: Annotated[float, Ge(0)] = 1.0
    """Strength of the penalty."""
    fit_intercept: bool = True
    """Whether to fit a constant term."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of stochastic solvers."""

    def estimator(self, task: str) -> Any:
        """Return a Ridge."""
        from sklearn.linear_model import Ridge

        return Ridge(alpha=self.alpha, fit_intercept=self.fit_intercept, random_state=self.seed)


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
        task = train.target.task if train.target else "binary"
        X = prepare(self.name, train, takes_nan=True, takes_sparse=False)
        X_val = prepare(self.name, valid, takes_nan=True, takes_sparse=False)
        held = {"X_val": X_val, "y_val": valid.y, "sample_weight_val": valid.sample_weight}
        fitted = self.estimator(task).fit(X, train.y, train.sample_weight, **held)
        return SklearnModel.of(fitted, train)


MODULES = (
    "discriminant_analysis",
    "dummy",
    "ensemble",
    "gaussian_process",
    "linear_model",
    "naive_bayes",
    "neighbors",
    "neural_network",
    "svm",
    "tree",
)
"""scikit-learn modules whose estimators `sklearn` may build."""


class SklearnTrainer(EstimatorTrainer):
    """Any other scikit-learn classifier or regressor, by its class name: `trainer.class_name=ExtraTreesClassifier`."""

    name = "sklearn"
    takes_nan = True
    class_name: str
    """The estimator's class name; one of scikit-learn's own classifiers and regressors."""
    params: Mapping[str, str | int | float | bool | None] = dataclasses.field(default_factory=dict)
    """Its parameters, as scikit-learn names them."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed, where the estimator takes a `random_state` that `params` does not set."""

    def estimator(self, task: str) -> Any:
        """Return the estimator; raises ConfigError for an unknown class or parameter, or one for the other task."""
        from sklearn.base import is_regressor

        known = allowed_estimators()
        if self.class_name not in known:
            match = closest(self.class_name, known)
            told = f"; did you mean '{match}'?" if match else f" in sklearn.{', '.join(MODULES)}"
            _refuse("trainer.class_name", f"'{self.class_name}' is no classifier or regressor{told}")
        estimator = known[self.class_name]
        parameters = estimator().get_params()
        for name in self.params:
            if name not in parameters:
                match = closest(name, parameters)
                _refuse(f"trainer.params.{name}", "unknown parameter" + (f"; did you mean '{match}'?" if match else ""))
        seed = {"random_state": self.seed} if "random_state" in parameters else {}
        made = estimator(**{**seed, **self.params})
        if is_regressor(made) != (task == "regression"):
            _refuse("trainer.class_name", f"{self.class_name} cannot learn a {task} target")
        return made


def allowed_estimators() -> dict[str, Any]:
    """Return class name -> class of scikit-learn's own classifiers and regressors that need no other estimator."""
    import importlib
    import inspect

    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    found = {}
    for name in MODULES:
        module = importlib.import_module(f"sklearn.{name}")
        # Not every module says what it makes public.
        for public in getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]:
            cls = getattr(module, public)
            plain = (
                inspect.isclass(cls)
                and issubclass(cls, BaseEstimator)
                and issubclass(cls, (ClassifierMixin, RegressorMixin))
            )
            if plain and not inspect.isabstract(cls) and not _needs_arguments(cls):
                found[public] = cls
    return found


def prepare(trainer: str, features: Features, *, takes_nan: bool, takes_sparse: bool) -> Any:
    """Return X as the estimator takes it; raises DataError naming features with missing values that it cannot take."""
    import numpy as np

    X = features.X
    if not isinstance(X, np.ndarray):
        rows, columns = features.shape
        fits = rows * columns * 4 <= DENSE_LIMIT
        # scikit-learn's trees take missing values in dense matrices only, and are quicker on them.
        if takes_sparse and not (takes_nan and fits):
            if not np.isfinite(X.data).all():
                raise _missing(trainer, features, np.unique(X.indices[~np.isfinite(X.data)]), sparse=True)
            return X
        if not fits:
            raise DataError(
                f"trainer '{trainer}' takes no sparse features, and dense ones would not fit",
                ailment="wide_matrix",
            )
        return X.toarray()
    # A sum is finite unless a value is not (or values near the end of float32 add up), and needs no copy of X.
    if np.isfinite(X.sum(dtype=np.float64)):
        return X
    if takes_nan:
        # scikit-learn's trees look for NaN through a buffer that they want to be writable; a memory-mapped one is not.
        return X if X.flags.writeable else X.copy()
    bad = np.flatnonzero(~np.isfinite(X).all(axis=0))
    if len(bad):
        raise _missing(trainer, features, bad)
    return X


def _missing(trainer: str, features: Features, columns: Any, *, sparse: bool = False) -> DataError:
    names = [features.names[i] for i in columns[:5]]
    where = " in a sparse matrix" if sparse else ""
    return DataError(
        f"trainer '{trainer}' takes no missing values{where}, and {', '.join(names)} have some",
        hint="choose hist_gradient_boosting",
        ailment="missing_values",
    )


def fit_quietly(estimator: Any, X: Any, y: Any, weight: Any) -> Any:
    """Fit with weights where there are some; raises DataError where the estimator takes none."""
    if weight is None:
        return estimator.fit(X, y)
    from sklearn.utils.validation import has_fit_parameter

    if not has_fit_parameter(estimator, "sample_weight"):
        raise DataError(
            f"{type(estimator).__name__} takes no sample weights",
            hint="leave roles.weight out, or choose another trainer",
        )
    return estimator.fit(X, y, sample_weight=weight)


def _needs_arguments(cls: Any) -> bool:
    import inspect

    parameters = inspect.signature(cls.__init__).parameters.values()
    return any(p.default is p.empty and p.name != "self" and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def _refuse(path: str, message: str) -> None:
    raise ConfigError("bad config for trainer 'sklearn'", [Problem(path, message)])
