"""Models of common libraries, so that a plugin's trainer is a few lines."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from hookline.errors import DataError

from .artifacts import Features
from .fitted import PickledModel, Prediction

if TYPE_CHECKING:
    import numpy as np


DENSE_ROWS = 65_536
"""Rows of a sparse matrix that are made dense at a time."""
SAME_DISTANCE = 1e-5
"""Share of a distance by which two may differ and are the same: some hundred times what float32 rounds by."""


@dataclass(frozen=True)
class SklearnModel(PickledModel):
    """Any fitted estimator with scikit-learn's public interface; `estimator` stays an ordinary object.

    A subclass knows more of one estimator: where it splits, what it goes by, whether it takes gaps and sparse rows.
    """

    estimator: Any
    feature_names: tuple[str, ...] = ()
    ends: tuple[SklearnModel, SklearnModel] | None = None
    """Models of a lower and an upper quantile, where it tells more than one number of a row."""

    @classmethod
    def of(cls, estimator: Any, train: Features) -> Self:
        """Wrap an estimator fitted on `train`, remembering the feature names for importances."""
        return cls(estimator, train.names)

    @classmethod
    def fitted(cls, estimator: Any, train: Features) -> Self:
        """Fit an estimator on all that `train` says, weights included, and wrap it.

        Raises DataError where there are missing values or weights, and the estimator takes none.
        """
        _refuse_gaps(estimator, train)
        takes_weights = "sample_weight" in inspect.signature(estimator.fit).parameters
        if train.sample_weight is not None and not takes_weights:
            raise DataError(f"{type(estimator).__name__} takes no weights", hint="leave roles.weight out")
        weights = {} if train.sample_weight is None else {"sample_weight": train.sample_weight}
        X = train.X if _takes_sparse(estimator) else train.dense()
        return cls.of(estimator.fit(X, train.y, **weights), train)

    @property
    def learner(self) -> Any:
        """The estimator that the features reach, whose tags say whether it takes gaps and sparse rows."""
        return self.estimator

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest probability, or numbers."""
        classes = getattr(self.estimator, "classes_", None)
        if classes is None or not hasattr(self.estimator, "predict_proba"):
            values = _ask(self.estimator.predict, self.learner, features)
            return Prediction(values, intervals=None if self.ends is None else self._between(features, self.ends))
        probabilities = _ask(self.estimator.predict_proba, self.learner, features)
        return Prediction(classes[probabilities.argmax(axis=1)], probabilities, tuple(classes.tolist()))

    def _between(self, features: Features, ends: tuple[SklearnModel, SklearnModel]) -> np.ndarray:
        import numpy as np

        return np.column_stack([end.predict(features).values for end in ends])

    def thresholds(self) -> dict[int, np.ndarray]:
        """Return position of a feature -> where trees split it, float64 (n,); empty for other estimators."""
        import numpy as np

        found: dict[int, list[Any]] = {}
        for feature, threshold in chain(self.splits(), *(end.splits() for end in self.ends or ())):
            for place in np.unique(feature).tolist():
                found.setdefault(place, []).append(threshold[feature == place])
        whole = {place: np.unique(np.concatenate(parts)) for place, parts in found.items()}
        # A split of what is missing from all that is not has an infinite threshold.
        return {place: values[np.isfinite(values)] for place, values in whole.items() if np.isfinite(values).any()}

    def splits(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the split features, int64 (n,), and thresholds, float64 (n,), of each tree; nothing for other estimators."""
        return tree_splits(self.estimator)

    def ties(self, features: Features) -> np.ndarray:
        """Return the rows to which the last neighbor that counts is no nearer than the next one: bool (n,).

        Which of them is counted hangs on the order of a sum, in another format and in scikit-learn itself.
        """
        import numpy as np

        counted = getattr(self.learner, "n_neighbors", None)
        known = getattr(self.learner, "n_samples_fit_", 0)
        if not hasattr(self.learner, "kneighbors") or counted is None or counted >= known:
            return np.zeros(features.shape[0], dtype=bool)
        distances = _ask(lambda X: self.learner.kneighbors(X, counted + 1)[0], self.learner, features)
        last, following = distances[:, counted - 1], distances[:, counted]
        tied: np.ndarray = following - last <= SAME_DISTANCE * following
        return tied

    def importances(self) -> Mapping[str, float]:
        """Return the importances that the estimator states, or mean absolute coefficients; empty where it has neither."""
        import numpy as np

        values: np.ndarray | None = getattr(self.estimator, "feature_importances_", None)
        if values is None and hasattr(self.estimator, "coef_"):
            values = np.abs(np.atleast_2d(self.estimator.coef_)).mean(axis=0)
        if values is None:
            return {}
        return dict(zip(self.feature_names, map(float, values), strict=False))


def tree_splits(estimator: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the split features, int64 (n,), and thresholds, float64 (n,), of each tree of an estimator."""
    if hasattr(estimator, "tree_"):
        inner = estimator.tree_.feature >= 0
        yield estimator.tree_.feature[inner], estimator.tree_.threshold[inner]
    members: Any = getattr(estimator, "estimators_", ())
    for member in members.ravel() if hasattr(members, "ravel") else members:
        if hasattr(member, "tree_"):
            yield from tree_splits(member)


def _ask(method: Callable[[Any], np.ndarray], estimator: Any, features: Features) -> np.ndarray:
    """Call a method on the matrix; a sparse one is made dense, some rows at a time, for an estimator that needs that."""
    import numpy as np

    X: Any = features.X
    _refuse_gaps(estimator, features)
    if not hasattr(X, "toarray") or _takes_sparse(estimator):
        return method(X)
    parts = [method(X[start : start + DENSE_ROWS].toarray()) for start in range(0, max(1, X.shape[0]), DENSE_ROWS)]
    return np.concatenate(parts)


def _takes_sparse(estimator: Any) -> bool:
    """Tell whether an estimator says that it takes sparse input, missing values included where it takes these."""
    tags = getattr(estimator, "__sklearn_tags__", None)
    if tags is None:
        return True
    # scikit-learn's trees read missing values in dense matrices only.
    return bool(tags().input_tags.sparse and not tags().input_tags.allow_nan)


def _refuse_gaps(estimator: Any, features: Features) -> None:
    """Raise DataError naming the features that are missing, for an estimator that says it takes no missing values."""
    import numpy as np

    tags = getattr(estimator, "__sklearn_tags__", None)
    X: Any = features.X
    values = X.data if hasattr(X, "indptr") else X
    # A sum is finite unless a value is not (or values near the end of float32 add up), and needs no copy of X.
    if tags is None or tags().input_tags.allow_nan or np.isfinite(values.sum(dtype=np.float64)):
        return
    bad = features.dense() if hasattr(X, "indptr") else X
    places = np.flatnonzero(~np.isfinite(bad).all(axis=0))
    if len(places):
        shown = ", ".join(features.names[place] for place in places[:5])
        raise DataError(
            f"{type(estimator).__name__} takes no missing values, and {shown} have some",
            ailment="missing_values",
        )
