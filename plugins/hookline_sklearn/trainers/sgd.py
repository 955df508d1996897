"""Linear models that learn row by row, and go on learning from batches."""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Features, SklearnModel
from hookline.data.learnable import relative_weights, require_like, truth_of
from hookline.errors import DataError

from ..models import model_of
from .epochs import Batch, Stopping, cut, learn
from .estimator import CLASSIFICATION, REGRESSION, EstimatorTrainer, prepare


class SgdTrainer(EstimatorTrainer):
    """What the two share: epochs of `partial_fit`, so that `update` is the same act as another epoch."""

    penalty: Literal["l2", "l1", "elasticnet"] | None = "l2"
    """Penalty on the coefficients."""
    alpha: Annotated[float, Gt(0)] = 1e-4
    """Strength of the penalty; `optimal` steps depend on it too."""
    l1_ratio: Annotated[float, Interval(ge=0, le=1)] = 0.15
    """Share of L1 in `elasticnet`."""
    eta0: Annotated[float, Gt(0)] = 0.01
    """Step size of `constant`, and the first of `invscaling`."""
    average: bool = False
    """Whether the coefficients are averaged over all steps (Polyak and Juditsky 1992)."""
    max_iter: Annotated[int, Gt(0)] = 300
    """Most passes over the training rows; all of them without early stopping."""
    early_stopping: bool = True
    """Whether to stop, and take the best pass, once validation rows (`split.valid`, else some training rows) no longer gain."""
    tol: Annotated[float, Interval(ge=0, lt=1)] = 1e-3
    """Share of the smallest validation loss by which a pass must be below it to count as a gain."""
    n_iter_no_change: Annotated[int, Gt(0)] = 5
    """Passes without gain before stopping."""
    validation_fraction: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of training rows held out to stop on, where the split has no validation part."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the rows' order and of the held-out rows."""

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Learn over epochs, telling the validation loss of each; raises DataError for gaps, and where it does not converge."""
        train = train.weighing()
        task = train.target.task if train.target else "binary"
        rows, held = self._batch(train), None if valid is None else self._batch(valid)
        if self.early_stopping and held is None:
            rows, held = cut(self.name, rows, self.validation_fraction, self.seed)
        stopping = Stopping(self.max_iter, self.n_iter_no_change if self.early_stopping else None, self.tol)
        classes = len(train.target.classes) if train.target else 0
        return model_of(learn(self.name, self.estimator(task), rows, held, classes, stopping), train.names)

    def update(self, model: SklearnModel, batch: Features) -> SklearnModel:
        """Return another model after one more pass, over `batch` alone; the given one stays as it was.

        batch: labeled, of the model's own features; weights count relative to each other
        Raises DataError for other features, classes that the model never saw, gaps, and a model of another trainer.
        """
        self._require_fitting(model, batch)
        rows = self._batch(batch.weighing())
        estimator = copy.deepcopy(model.estimator)
        learn(self.name, estimator, rows, None, 0, Stopping(1, None, 0.0))
        return model_of(estimator, model.feature_names)

    def _batch(self, features: Features) -> Batch:
        y = truth_of(self.name, features)
        X = prepare(self.name, features, takes_nan=False, takes_sparse=True)
        return Batch(X, y, relative_weights(self.name, features.sample_weight))

    def _require_fitting(self, model: SklearnModel, batch: Features) -> None:
        wanted = type(self.estimator("binary" if "binary" in self.tasks else "regression"))
        if type(model.estimator) is not wanted:
            raise DataError(
                f"trainer '{self.name}' goes on from its own models, and this is a {type(model.estimator).__name__}",
                hint="update with the trainer that made the model",
            )
        require_like(batch, model.feature_names, [*getattr(model.estimator, "classes_", ())])


class SgdClassifierTrainer(SgdTrainer):
    """A linear classifier fitted by stochastic gradient descent: for many rows, sparse ones, and rows that keep coming.

    Features should be scaled (`featurizer.tabular.numeric=standard`). `update` goes on from a fitted model.
    """

    name = "sgd_classifier"
    tasks = CLASSIFICATION
    loss: Literal["log_loss", "modified_huber"] = "log_loss"
    """`log_loss` is logistic regression; `modified_huber` bears outliers. Both give probabilities."""
    learning_rate: Literal["constant", "optimal", "invscaling"] = "constant"
    """Whether steps shrink: `optimal` is 1 / (alpha * (t + t0)) (Bottou 2012), `invscaling` eta0 / t^power_t."""
    eta0: Annotated[float, Gt(0)] = 0.03
    """Step size of `constant`, and the first of `invscaling`."""
    power_t: Annotated[float, Ge(0)] = 0.5
    """Exponent of `invscaling`."""

    def estimator(self, task: str) -> Any:
        """Return an SGDClassifier."""
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(loss=self.loss, learning_rate=self.learning_rate, power_t=self.power_t, **_shared(self))


class SgdRegressorTrainer(SgdTrainer):
    """A linear regression fitted by stochastic gradient descent: for many rows, sparse ones, and rows that keep coming.

    Features should be scaled (`featurizer.tabular.numeric=standard`). `update` goes on from a fitted model.
    """

    name = "sgd_regressor"
    tasks = REGRESSION
    loss: Literal["squared_error", "huber", "epsilon_insensitive"] = "squared_error"
    """`squared_error` is least squares; the others are linear in large errors, beyond `epsilon`."""
    epsilon: Annotated[float, Gt(0)] = 0.1
    """From where on `huber` is linear, and up to where `epsilon_insensitive` is 0, in the target's unit."""
    learning_rate: Literal["optimal", "constant", "invscaling"] = "invscaling"
    """Whether steps shrink: `invscaling` is eta0 / t^power_t, `optimal` 1 / (alpha * (t + t0)) (Bottou 2012)."""
    power_t: Annotated[float, Ge(0)] = 0.25
    """Exponent of `invscaling`."""

    def estimator(self, task: str) -> Any:
        """Return an SGDRegressor."""
        from sklearn.linear_model import SGDRegressor

        more = {"epsilon": self.epsilon, "learning_rate": self.learning_rate, "power_t": self.power_t}
        return SGDRegressor(loss=self.loss, **more, **_shared(self))


def _shared(trainer: SgdTrainer) -> dict[str, Any]:
    """Return the parameters of both estimators; a pass at a time is theirs, when to stop is ours."""
    return {
        "penalty": trainer.penalty,
        "alpha": trainer.alpha,
        "l1_ratio": trainer.l1_ratio,
        "eta0": trainer.eta0,
        "average": trainer.average,
        "max_iter": trainer.max_iter,
        "tol": None,
        "random_state": trainer.seed,
    }
