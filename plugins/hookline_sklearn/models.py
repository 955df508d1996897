"""Fitted estimators of which more is known than scikit-learn's public interface tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import SklearnModel

if TYPE_CHECKING:
    import numpy as np


def model_of(estimator: Any, feature_names: tuple[str, ...]) -> SklearnModel:
    """Wrap a fitted estimator in the model that knows most of it."""
    if hasattr(estimator, "calibrated_classifiers_"):
        return CalibratedModel(estimator, feature_names)
    if type(estimator).__module__ in ("sklearn.ensemble._voting", "sklearn.ensemble._stacking"):
        return CombinedModel(estimator, feature_names)
    if hasattr(estimator, "log_bounds_"):
        return LogTargetModel(estimator, feature_names)
    if hasattr(estimator, "corrections_"):
        return BalancedModel(estimator, feature_names)
    if hasattr(estimator, "_predictors"):
        return HistModel(estimator, feature_names)
    return SklearnModel(estimator, feature_names)


@dataclass(frozen=True)
class HistModel(SklearnModel):
    """Histogram gradient boosting, whose trees scikit-learn keeps to itself."""

    def splits(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the split features, int64 (n,), and thresholds, float64 (n,), of each tree."""
        import numpy as np

        for nodes in self._trees():
            inner = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)]
            yield inner["feature_idx"].astype(np.int64), inner["num_threshold"]

    def importances(self) -> Mapping[str, float]:
        """Return each feature's share of what all splits gained."""
        import numpy as np

        gains = np.zeros(len(self.feature_names))
        for nodes in self._trees():
            inner = nodes[nodes["is_leaf"] == 0]
            np.add.at(gains, inner["feature_idx"], inner["gain"])
        shares = gains / gains.sum() if gains.any() else gains
        return dict(zip(self.feature_names, map(float, shares), strict=True))

    def _trees(self) -> Iterator[np.ndarray]:
        for stage in self.estimator._predictors:  # noqa: SLF001  scikit-learn has no public way to the trees
            for tree in stage:
                yield tree.nodes


@dataclass(frozen=True)
class CombinedModel(SklearnModel):
    """Several models that answer as one; it splits where they do."""

    def splits(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the splits of the members' trees; the last model of a stack sees their answers, and no features."""
        for member in self.estimator.estimators_:
            yield from model_of(member, self.feature_names).splits()


@dataclass(frozen=True)
class AroundModel(SklearnModel):
    """A model around another; it splits where that does, and goes by what that goes by."""

    def splits(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the splits of the inner model's trees."""
        return self._inner().splits()

    def importances(self) -> Mapping[str, float]:
        """Return the inner model's importances."""
        return self._inner().importances()

    def _inner(self) -> SklearnModel:
        return model_of(self.learner, self.feature_names)


@dataclass(frozen=True)
class CalibratedModel(AroundModel):
    """A classifier whose scores are calibrated."""

    @property
    def learner(self) -> Any:
        """The classifier whose scores are calibrated."""
        return self.estimator.calibrated_classifiers_[0].estimator


@dataclass(frozen=True)
class LogTargetModel(AroundModel):
    """A regression of logarithms that answers numbers."""

    @property
    def learner(self) -> Any:
        """The regression."""
        return self.estimator.regressor_


@dataclass(frozen=True)
class BalancedModel(AroundModel):
    """A classifier fitted to balanced classes, whose probabilities are corrected."""

    @property
    def learner(self) -> Any:
        """The classifier."""
        return self.estimator.classifier_
