"""Models that go by single training rows or by their moments: support vectors, nearest neighbors and naive Bayes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Roles

from .estimator import BALANCES, CLASSIFICATION, REGRESSION, EstimatorTrainer, fields_of

FOLDS = 5
"""Parts of the training rows that scores come from for the probabilities of a support vector classifier, as LIBSVM has it."""


class SvmTrainer(EstimatorTrainer):
    """A support vector machine: strong on some thousand scaled rows; its time grows with their square, or worse.

    Probabilities are a sigmoid over the scores of rows that a fit has left out (Platt 1999), so that five more fits are made.
    """

    name = "svm"
    only_for = BALANCES | {"epsilon": REGRESSION}
    C: Annotated[float, Gt(0)] = 1.0
    """Inverse of the regularization strength."""
    kernel: Literal["rbf", "linear", "poly", "sigmoid"] = "rbf"
    """How alike two rows are."""
    degree: Annotated[int, Ge(1)] = 3
    """Degree of the `poly` kernel."""
    gamma: Literal["scale", "auto"] | Annotated[float, Gt(0)] = "scale"
    """How fast likeness falls with distance; `scale` is 1 / (features * variance)."""
    epsilon: Annotated[float, Ge(0)] = 0.1
    """Error that costs nothing, in units of the target; regression only."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency; classification only."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the folds that probabilities come from."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that PyTorch has no support vector machines."""
        return {"torch": "a support vector machine"}

    def estimator(self, task: str) -> Any:
        """Return a CalibratedClassifierCV of an SVC, or an SVR."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.model_selection import StratifiedKFold
        from sklearn.svm import SVC, SVR

        if task == "regression":
            return SVR(**fields_of(self, "class_weight", "seed"))
        machine = SVC(**fields_of(self, "epsilon"))
        parts = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
        options: Any = {"method": "sigmoid", "cv": parts, "ensemble": False}
        return CalibratedClassifierCV(machine, **options)


class NeighborsTrainer(EstimatorTrainer):
    """The answer of the nearest training rows: nothing to tune but their number, and the package holds every row."""

    name = "neighbors"
    n_neighbors: Annotated[int, Gt(0)] = 5
    """Rows that are asked."""
    weights: Literal["uniform", "distance"] = "uniform"
    """Whether nearer rows count more."""
    p: Annotated[float, Ge(1)] = 2.0
    """Power of the Minkowski distance: 1 adds differences up, 2 is the usual distance."""
    n_jobs: int | None = None
    """Threads; null is one, -1 is every core."""

    def estimator(self, task: str) -> Any:
        """Return a KNeighborsClassifier or KNeighborsRegressor."""
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        return (KNeighborsRegressor if task == "regression" else KNeighborsClassifier)(**fields_of(self))


class NaiveBayesTrainer(EstimatorTrainer):
    """Gaussian naive Bayes: features are taken for independent, which makes it quick, and its probabilities too sure."""

    name = "naive_bayes"
    tasks = CLASSIFICATION
    takes_sparse = False
    var_smoothing: Annotated[float, Ge(0)] = 1e-9
    """Share of the largest variance that is added to all."""

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it."""
        return "each feature is held against its own spread"

    def estimator(self, task: str) -> Any:
        """Return a GaussianNB."""
        from sklearn.naive_bayes import GaussianNB

        return GaussianNB(**fields_of(self))
