"""What trainers of scikit-learn's estimators share: the checks before a fit, and the fit itself."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from hookline import Features, Finding, SklearnModel, Trainer, report_finding
from hookline.errors import DataError
from hookline.kinds.features.weights import IgnoresScale
from hookline.registry.ports import ports, type_text

from ..models import model_of

CLASSIFICATION = frozenset({"binary", "multiclass"})
REGRESSION = frozenset({"regression"})
BALANCES: dict[str, frozenset[str]] = {"class_weight": CLASSIFICATION}
"""What only classes have; see `hookline.kinds.capabilities.NarrowsTasks`."""
DENSE_LIMIT = 2 * 1024**3
"""Bytes of a dense matrix above which a sparse one is not silently made dense."""


class EstimatorTrainer(Trainer):
    """What every scikit-learn trainer shares: the checks before a fit, and weights."""

    extra = "sklearn"
    takes_nan: ClassVar[bool] = False
    takes_sparse: ClassVar[bool] = True
    only_for: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Field -> the tasks that it is for, where these are not all."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    @classmethod
    def imports_beside(cls) -> tuple[str, ...]:
        """Return what all estimators need."""
        return (f"{__name__.partition('.')[0]}.beside",)

    @property
    def settled(self) -> bool:
        """Whether `estimator` is what `fit` fits: a trainer whose fit decides more says no."""
        return type(self).fit is EstimatorTrainer.fit

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


def fields_of(trainer: Trainer, *left_out: str) -> dict[str, Any]:
    """Return a trainer's fields as arguments of its estimator, where the two have the same names; `seed` is random_state."""
    fields = {f.name: getattr(trainer, f.name) for f in dataclasses.fields(trainer) if f.name not in left_out}
    return {("random_state" if name == "seed" else name): value for name, value in fields.items()}


def unfitted(trainer: Trainer, train: Features, valid: Features | None) -> Any:
    """Return the estimator that a trainer would fit; one whose fit settles more than its options say is fitted for that."""
    from sklearn.base import clone

    if isinstance(trainer, EstimatorTrainer) and trainer.settled:
        return trainer.estimator(train.target.task if train.target else "binary")
    # A fit may settle options, such as the number of passes, and the trainer of another plugin tells no other way.
    return clone(trainer.fit(train, valid).estimator)  # type: ignore[attr-defined]  # whoever asks has looked at the port


def require_sklearn(trainer: Trainer, why: str) -> None:
    """Raise ValueError for a trainer whose models are none of scikit-learn's; why: what is done with those alone."""
    makes = ports(type(trainer)).makes
    if not (isinstance(makes, type) and issubclass(makes, SklearnModel)):
        raise ValueError(f"trainer '{trainer.name}' makes {type_text(makes)}, and {why}")


def scale_ignored(*trainers: Trainer) -> str | None:
    """Say why no weight of a feature reaches any of some trainers; None where it may reach one."""
    told = [one.ignores_scale() if isinstance(one, IgnoresScale) else None for one in trainers]
    return told[0] if all(told) else None


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
    """Fit with weights where there are some, and tell of a fit that did not converge as a finding.

    Raises DataError for weights that the estimator does not take.
    """
    for one in _weighed(estimator) if weight is not None else ():
        _require_weights(one)
    with _convergence_told(), _global_seed_kept():
        return estimator.fit(X, y, **({} if weight is None else {"sample_weight": weight}))


def _weighed(estimator: Any) -> list[Any]:
    """Return the estimators that weights reach: those that one is made of, where it hands them on."""
    inner = [member for _, member in getattr(estimator, "estimators", None) or []]
    last = getattr(estimator, "final_estimator", None)
    return [*inner, *([last] if last is not None else [])] or [estimator]


def _require_weights(estimator: Any) -> None:
    from sklearn.utils.validation import has_fit_parameter

    if not has_fit_parameter(estimator, "sample_weight"):
        raise DataError(
            f"{type(estimator).__name__} takes no sample weights",
            hint="leave roles.weight out, or choose another trainer",
        )


@contextmanager
def _global_seed_kept() -> Iterator[None]:
    """Put NumPy's global random state back: support vector machines draw from it, whatever their seed."""
    import numpy as np

    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)


@contextmanager
def _convergence_told() -> Iterator[None]:
    """Make a finding of warnings that a fit stopped before it had converged; outside a run they stay warnings."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    told = False
    for one in caught:
        if issubclass(one.category, ConvergenceWarning):
            told = told or report_finding(_stopped_early(one))
        if not (told and issubclass(one.category, ConvergenceWarning)):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _stopped_early(warning: warnings.WarningMessage) -> Finding:
    first = str(warning.message).strip().splitlines()[0].rstrip(".")
    return Finding(
        subject="fit",
        statistic="converged",
        value=0.0,
        threshold=1.0,
        severity="warning",
        message=f"The fit stopped before it had converged ({first}): raise max_iter, or scale the features.",
    )
