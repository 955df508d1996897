"""Passes of `partial_fit` over the same rows, until held-out rows no longer gain."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import report_step
from hookline.errors import DataError

if TYPE_CHECKING:
    import numpy as np

VALID_LOSS = "valid_loss"
WORSE = 100
"""How many times the squared error of answering 0 no fit that converges comes to."""


@dataclass(frozen=True)
class Batch:
    """Rows to learn from. X: float32 (n_rows, n_features), dense or CSR; y: (n_rows,); weight: float64 (n_rows,) or None."""

    X: Any
    y: np.ndarray
    weight: np.ndarray | None

    def taken(self, rows: np.ndarray) -> Batch:
        """Return the rows at some positions."""
        return Batch(self.X[rows], self.y[rows], None if self.weight is None else self.weight[rows])


@dataclass(frozen=True)
class Stopping:
    """When to stop: after so many passes, or so many (None: never) without a loss that is lower by a share `tol`."""

    max_iter: int
    n_iter_no_change: int | None
    tol: float


def cut(trainer: str, rows: Batch, fraction: float, seed: int) -> tuple[Batch, Batch]:
    """Divide at random into rows to learn from and rows to stop on; raises DataError where there are fewer than 2."""
    import numpy as np

    counted = np.arange(len(rows.y)) if rows.weight is None else np.flatnonzero(rows.weight)
    if len(counted) < 2:
        raise DataError(
            f"trainer '{trainer}' needs at least 2 training rows", hint="trainer.early_stopping=false takes one"
        )
    order = np.random.default_rng(seed).permutation(counted)
    held = min(max(1, round(fraction * len(order))), len(order) - 1)
    return rows.taken(np.sort(order[held:])), rows.taken(np.sort(order[:held]))


def learn(trainer: str, estimator: Any, rows: Batch, held: Batch | None, classes: int, stopping: Stopping) -> Any:
    """Return the estimator after the best pass, or after the last where nothing is held out or stopped on.

    classes: how many class codes there are, for an estimator that saw none yet; 0 otherwise
    Raises DataError where the steps overflow, which scaled features or smaller steps mend.
    """
    best, least, last = estimator, math.inf, stopping.max_iter
    for epoch in range(1, stopping.max_iter + 1):
        _pass(trainer, estimator, rows, classes)
        if held is None:
            continue
        loss = _loss(estimator, held)
        report_step(epoch, loss, name=VALID_LOSS)
        if stopping.n_iter_no_change is None:
            continue
        if loss < least * (1 - stopping.tol):
            best, least, last = copy.deepcopy(estimator), loss, epoch
        elif epoch - last >= stopping.n_iter_no_change:
            break
    _require_converged(trainer, best, rows)
    # A copy that scikit-learn itself fits, as for calibration, makes as many passes.
    return best.set_params(max_iter=last)


def _pass(trainer: str, estimator: Any, rows: Batch, classes: int) -> None:
    import numpy as np

    known = {"classes": np.arange(classes)} if classes else {}
    try:
        estimator.partial_fit(rows.X, rows.y, sample_weight=rows.weight, **known)
    except ValueError as error:
        if "overflow" not in str(error):
            raise
        raise _diverged(trainer, "its coefficients overflow") from None


def _require_converged(trainer: str, estimator: Any, rows: Batch) -> None:
    """Raise DataError where numbers are answered far worse than by the 0 that training starts from.

    scikit-learn cuts steps that are too large, so that coefficients may end anywhere without an overflow.
    """
    import numpy as np

    if hasattr(estimator, "classes_"):
        return
    start = float(np.average(np.square(rows.y, dtype=np.float64), weights=rows.weight))
    if _loss(estimator, rows) > WORSE * start:
        raise _diverged(trainer, f"its errors are over {WORSE} times those of answering 0")


def _diverged(trainer: str, how: str) -> DataError:
    return DataError(
        f"trainer '{trainer}' does not converge: {how}",
        hint="scale the features (featurizer.tabular.numeric=standard), or lower trainer.eta0",
    )


def _loss(estimator: Any, held: Batch) -> float:
    """Return the log loss of held-out rows, or their mean squared error."""
    import numpy as np

    if hasattr(estimator, "classes_"):
        shares = estimator.predict_proba(held.X).astype(np.float64)
        tiny = np.finfo(np.float32).eps
        losses = -np.log(shares[np.arange(len(held.y)), held.y].clip(tiny, 1))
    else:
        losses = (estimator.predict(held.X).astype(np.float64) - held.y) ** 2
    return float(np.average(losses, weights=held.weight))
