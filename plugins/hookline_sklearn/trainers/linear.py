"""Linear models that are fitted at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from .estimator import CLASSIFICATION, REGRESSION, EstimatorTrainer, fields_of

UNPENALIZED = "without a penalty a coefficient makes up for its column's scale"
"""Why a linear model may go by no weights of features."""


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

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it."""
        return UNPENALIZED

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

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it, where nothing is penalized."""
        return None if self.alpha else UNPENALIZED

    def estimator(self, task: str) -> Any:
        """Return a Ridge."""
        from sklearn.linear_model import Ridge

        return Ridge(alpha=self.alpha, fit_intercept=self.fit_intercept, random_state=self.seed)


class LassoTrainer(EstimatorTrainer):
    """Least squares with an L1 penalty, which leaves features out: their coefficients are 0."""

    name = "lasso"
    tasks = REGRESSION
    alpha: Annotated[float, Gt(0)] = 1.0
    """Strength of the penalty."""
    fit_intercept: bool = True
    """Whether to fit a constant term."""
    positive: bool = False
    """Whether coefficients must not be negative."""
    max_iter: Annotated[int, Gt(0)] = 1000
    """Most passes over the features."""
    tol: Annotated[float, Gt(0)] = 1e-4
    """Tolerance of the stopping criterion."""

    def estimator(self, task: str) -> Any:
        """Return a Lasso."""
        from sklearn.linear_model import Lasso

        return Lasso(**fields_of(self))


class ElasticNetTrainer(EstimatorTrainer):
    """Least squares with an L1 and an L2 penalty: between lasso and ridge, and steadier than lasso among like features."""

    name = "elastic_net"
    tasks = REGRESSION
    alpha: Annotated[float, Gt(0)] = 1.0
    """Strength of both penalties together."""
    l1_ratio: Annotated[float, Interval(gt=0, le=1)] = 0.5
    """Share of the L1 penalty; 1 is lasso."""
    fit_intercept: bool = True
    """Whether to fit a constant term."""
    positive: bool = False
    """Whether coefficients must not be negative."""
    max_iter: Annotated[int, Gt(0)] = 1000
    """Most passes over the features."""
    tol: Annotated[float, Gt(0)] = 1e-4
    """Tolerance of the stopping criterion."""

    def estimator(self, task: str) -> Any:
        """Return an ElasticNet."""
        from sklearn.linear_model import ElasticNet

        return ElasticNet(**fields_of(self))


class QuantileRegressionTrainer(EstimatorTrainer):
    """A linear model of a quantile of the target, the median unless told otherwise: outliers hardly move it.

    The pinball loss is minimized by linear programming (Koenker and Bassett 1978), for tables of some thousand rows.
    """

    name = "quantile_regression"
    tasks = REGRESSION
    quantile: Annotated[float, Interval(gt=0, lt=1)] = 0.5
    """Share of the rows that lie below what is predicted."""
    alpha: Annotated[float, Ge(0)] = 0.0
    """Strength of an L1 penalty."""
    fit_intercept: bool = True
    """Whether to fit a constant term."""

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it, where nothing is penalized."""
        return None if self.alpha else UNPENALIZED

    def estimator(self, task: str) -> Any:
        """Return a QuantileRegressor."""
        from sklearn.linear_model import QuantileRegressor

        return QuantileRegressor(**fields_of(self))
