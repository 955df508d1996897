"""The `balanced` trainer: another trainer's classifier, fitted to balanced classes, with probabilities of rows as they are."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Interval

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError

from ...models import BalancedModel
from ..estimator import CLASSIFICATION, fit_quietly, prepare, require_sklearn, scale_ignored, unfitted


class BalancedTrainer(Trainer):
    """Another trainer's classifier fitted to as many rows of each class, with probabilities corrected for what that changed.

    `resample` does the first alone: its models take rare classes for frequent. What is said here of a class is brought back to
    its share among the training rows as they are (Saerens, Latinne and Decaestecker 2002).
    """

    name = "balanced"
    extra = "sklearn"
    tasks = CLASSIFICATION
    trainer: Trainer
    """The trainer of the classifier: one that makes a scikit-learn model with probabilities."""
    method: Literal["under", "over"] = "under"
    """`under` leaves rows of frequent classes out by lot, which is quick; `over` repeats rows of rare ones."""
    ratio: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Rows of a rare class per row of the most frequent one."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of what is drawn."""

    def __post_init__(self) -> None:
        require_sklearn(self.trainer, "only a SklearnModel is balanced")
        if isinstance(self.trainer, BalancedTrainer):
            raise ValueError("trainer 'balanced' is balanced already")
        if not self.trainer.tasks & CLASSIFICATION:
            raise ValueError(f"trainer '{self.trainer.name}' learns numbers, and only classes are balanced")

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def ignores_scale(self) -> str | None:
        """Say what the trainer that it is around does."""
        return scale_ignored(self.trainer)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Draw rows and fit, with the rows' weights; raises DataError for a classifier without probabilities."""
        from sklearn.utils import get_tags

        from .estimators import BalancedClassifier

        train = train.weighing()
        estimator = unfitted(self.trainer, train, valid)
        if not hasattr(estimator, "predict_proba"):
            raise DataError(
                f"{type(estimator).__name__} gives no probabilities, and only those are corrected",
                hint="trainer.trainer=... another one, or transform=[resample]",
            )
        takes = get_tags(estimator).input_tags
        X = prepare(self.name, train, takes_nan=takes.allow_nan, takes_sparse=takes.sparse)
        around = BalancedClassifier(estimator, self.method, self.ratio, self.seed)
        return BalancedModel(fit_quietly(around, X, train.y, train.sample_weight), train.names)
