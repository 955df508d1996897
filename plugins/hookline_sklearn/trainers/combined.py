"""Several models that answer as one: `voting` goes by their mean, `stacking` learns whom to believe."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge, Gt, Interval

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError

from ..models import model_of
from .estimator import fit_quietly, prepare, require_sklearn, scale_ignored, unfitted
from .linear import LogisticRegressionTrainer, RidgeTrainer


class VotingTrainer(Trainer):
    """The mean of several models: of their probabilities, or of their numbers."""

    name = "voting"
    extra = "sklearn"
    trainers: tuple[Trainer, ...]
    """The trainers of the models: such that make scikit-learn models."""
    weights: tuple[Annotated[float, Ge(0)], ...] | None = None
    """How much each counts; null is all alike."""

    def __post_init__(self) -> None:
        _require_members(self, self.trainers)
        if self.weights is not None and len(self.weights) != len(self.trainers):
            raise ValueError(f"there are {len(self.weights)} weights for {len(self.trainers)} trainers")
        if self.weights is not None and not any(self.weights):
            raise ValueError("some weight must be larger than 0")

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches any of the models."""
        return scale_ignored(*self.trainers)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit every model with the rows' weights; raises DataError for a classifier without probabilities."""
        from sklearn.ensemble import VotingClassifier, VotingRegressor

        train = train.weighing()
        members, classifies = _members(self.trainers, train, valid), _classifies(train)
        if classifies:
            _require_probabilities(self.name, members)
        more: dict[str, Any] = {"voting": "soft"} if classifies else {}
        cls: Any = VotingClassifier if classifies else VotingRegressor
        return _fitted(self.name, cls(members, weights=self.weights, **more), train)


class StackingTrainer(Trainer):
    """Several models, and one that learns from what they answer (Wolpert 1992).

    The last model is fitted to the answers for rows that the others have left out, in `folds` parts; then each of the
    others is fitted to all rows.
    """

    name = "stacking"
    extra = "sklearn"
    trainers: tuple[Trainer, ...]
    """The trainers of the first models: such that make scikit-learn models."""
    final: Trainer | None = None
    """The trainer of the last one; null is logistic regression for classes, and ridge for numbers."""
    folds: Annotated[int, Ge(2)] = 5
    """Parts of the training rows whose answers come from a fit to the others."""
    passthrough: bool = False
    """Whether the last model has the features as well."""
    n_jobs: Annotated[int, Gt(0)] | None = None
    """Processes that fit side by side; null is one."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the folds."""

    def __post_init__(self) -> None:
        _require_members(self, (*self.trainers, *([self.final] if self.final else [])))

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches any of the models that see features."""
        last = [self.final or RidgeTrainer()] if self.passthrough else []
        return scale_ignored(*self.trainers, *last)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit all models with the rows' weights; raises DataError for a class with fewer rows than folds."""
        from sklearn.ensemble import StackingClassifier, StackingRegressor
        from sklearn.model_selection import KFold, StratifiedKFold

        train = train.weighing()
        members, classifies = _members(self.trainers, train, valid), _classifies(train)
        last = unfitted(self.final or (LogisticRegressionTrainer() if classifies else RidgeTrainer()), train, valid)
        if classifies:
            _require_probabilities(self.name, [*members, ("final", last)])
            _require_rows(train, self.folds)
        parts: Any = (StratifiedKFold if classifies else KFold)(self.folds, shuffle=True, random_state=self.seed)
        more: dict[str, Any] = {"cv": parts, "passthrough": self.passthrough, "n_jobs": self.n_jobs}
        if classifies:
            more["stack_method"] = "predict_proba"
        cls: Any = StackingClassifier if classifies else StackingRegressor
        return _fitted(self.name, cls(members, last, **more), train)


def _require_members(trainer: Trainer, members: tuple[Trainer, ...]) -> None:
    """Raise ValueError for members that cannot answer as one; what the trainer can learn is what all of them can."""
    if len(members) < 2:
        raise ValueError(f"trainer '{trainer.name}' needs at least 2 trainers")
    for member in members:
        require_sklearn(member, f"trainer '{trainer.name}' takes SklearnModels")
    able = frozenset.intersection(*(member.tasks for member in members))
    if not able:
        raise ValueError(f"no task is one that all of {', '.join(member.name for member in members)} can learn")
    object.__setattr__(trainer, "tasks", able)


def _members(trainers: tuple[Trainer, ...], train: Features, valid: Features | None) -> list[tuple[str, Any]]:
    return [(f"{place}_{one.name}", unfitted(one, train, valid)) for place, one in enumerate(trainers)]


def _classifies(train: Features) -> bool:
    return train.target is None or train.target.task != "regression"


def _require_probabilities(trainer: str, members: list[tuple[str, Any]]) -> None:
    for _, member in members:
        if not hasattr(member, "predict_proba"):
            raise DataError(
                f"{type(member).__name__} gives no probabilities, by which trainer '{trainer}' goes",
                hint="put trainer 'calibrated' around it, or choose a loss with probabilities",
            )


def _require_rows(train: Features, folds: int) -> None:
    import numpy as np

    y: Any = train.y
    fewest = int(np.unique(y, return_counts=True)[1].min())
    if fewest < folds:
        raise DataError(f"a class has {fewest} training rows, too few for {folds} folds", hint="lower trainer.folds")


def _fitted(trainer: str, estimator: Any, train: Features) -> SklearnModel:
    from sklearn.utils import get_tags

    takes = get_tags(estimator).input_tags
    X = prepare(trainer, train, takes_nan=takes.allow_nan, takes_sparse=takes.sparse)
    return model_of(fit_quietly(estimator, X, train.y, train.sample_weight), train.names)
