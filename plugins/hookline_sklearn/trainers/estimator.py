"""What trainers of scikit-learn's estimators share: the checks before a fit, and the fit itself."""

from __future__ import annotations

from typing import Any, ClassVar

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError

from ..models import model_of

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
        train = train.weighing()
        task = train.target.task if train.target else "binary"
        estimator = self.estimator(task)
        X = prepare(self.name, train, takes_nan=self.takes_nan, takes_sparse=self.takes_sparse)
        fitted = fit_quietly(estimator, X, train.y, train.sample_weight)
        return model_of(fitted, train.names)


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
