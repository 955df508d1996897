"""One row after another: each is answered before it is learned, so that every row is a test (prequential evaluation)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Finding, report_finding, report_step
from hookline.errors import DataError

from .models import RiverModel, dictionaries

if TYPE_CHECKING:
    import numpy as np

PREQUENTIAL = "prequential_loss"
POINTS = 50
"""Points of the curve, each the mean loss of the rows since the one before."""
FEWEST = 20
"""Rows of a point."""
CHECKED = 5_000
"""Rows after which the size of trees is looked at."""
SURE = 1e-6
"""Smallest share of the true class that the log loss goes by."""
WORSE = 100
"""How many times the squared error of the mean no fit that converges comes to."""


@dataclass(frozen=True)
class Rows:
    """Rows in the order in which they are learned.

    X: float32 (n_rows, n_features), dense or CSR; y: float64 (n_rows,), codes, or numbers in the learner's own unit;
    weight: float64 (n_rows,), of mean 1; order: int64 (n_rows,)
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray
    order: np.ndarray


@dataclass
class Tally:
    """What rows lost that were answered before they were learned."""

    loss: float = 0.0
    right: float = 0.0
    weight: float = 0.0

    def add(self, loss: float, right: bool, weight: float) -> None:
        """Take a row in."""
        self.loss, self.right, self.weight = (
            self.loss + loss * weight,
            self.right + right * weight,
            self.weight + weight,
        )

    @property
    def mean(self) -> float:
        """The weighted mean loss."""
        return self.loss / self.weight if self.weight else 0.0


def teach(trainer: str, model: RiverModel, rows: Rows, passes: int, tell: bool) -> None:
    """Let a model learn rows, which changes its learners; the first pass tests each row before it is learned.

    tell: whether the curve and the figure of the first pass are reported, as they are of a fit
    Raises DataError where the steps overflow, which scaled features or smaller steps mend.
    """
    try:
        tally = _first(model, rows, tell)
        for _ in range(passes - 1):
            _again(model, rows)
    except OverflowError:
        raise _diverged(trainer) from None
    model.keep_small()
    if not math.isfinite(tally.loss) or (not model.classes and tally.mean > WORSE):
        raise _diverged(trainer)
    if tell:
        report_finding(_finding(trainer, model, rows, tally))


def _first(model: RiverModel, rows: Rows, tell: bool) -> Tally:
    whole, part = Tally(), Tally()
    point = max(FEWEST, len(rows.order) // POINTS)
    taken = dictionaries(rows.X, model.feature_names, rows.order)
    for count, (x, place) in enumerate(zip(taken, rows.order.tolist(), strict=True), start=1):
        y, weight = rows.y[place].item(), rows.weight[place].item()
        loss, right = _lost(model, model.answer(x), y)
        for tally in (whole, part):
            tally.add(loss, right, weight)
        _learn(model, x, y, weight, count)
        if tell and count % point == 0 and math.isfinite(part.loss):
            report_step(count, part.mean, name=PREQUENTIAL)
            part = Tally()
    return whole


def _again(model: RiverModel, rows: Rows) -> None:
    taken = dictionaries(rows.X, model.feature_names, rows.order)
    for count, (x, place) in enumerate(zip(taken, rows.order.tolist(), strict=True), start=1):
        _learn(model, x, rows.y[place].item(), rows.weight[place].item(), count)


def _learn(model: RiverModel, x: dict[str, float], y: float, weight: float, count: int) -> None:
    model.learn(x, int(y) if model.classes else y, weight)
    if count % CHECKED == 0:
        model.keep_small()


def _lost(model: RiverModel, told: list[float], y: float) -> tuple[float, bool]:
    """Return a row's log loss, or squared error in the learner's own unit, and whether its class was right."""
    if not model.classes:
        return (told[0] - y) * (told[0] - y), False
    return -math.log(max(told[int(y)], SURE)), told.index(max(told)) == int(y)


def _finding(trainer: str, model: RiverModel, rows: Rows, tally: Tally) -> Finding:
    import numpy as np

    counted = f"each of {len(rows.order):,} training rows was answered before it was learned (prequential)"
    if model.classes:
        shares = np.bincount(rows.y.astype(int), weights=rows.weight, minlength=model.classes) / rows.weight.sum()
        known = shares[shares > 0]
        constant = float(-(known * np.log(known)).sum())
        told = (
            f"log loss {tally.mean:.3g}, where the class shares lose {constant:.3g}; {tally.right / tally.weight:.1%} right, "
            f"where the commonest class is {shares.max():.1%}"
        )
    else:
        constant = float(np.average(rows.y**2, weights=rows.weight))
        told = f"R2 {1 - tally.mean / constant if constant else 0.0:.3g}"
    return Finding(
        subject=trainer,
        statistic=PREQUENTIAL,
        value=tally.mean,
        threshold=constant,
        severity="info",
        message=f"{counted}: {told}.",
    )


def _diverged(trainer: str) -> DataError:
    return DataError(
        f"trainer '{trainer}' does not converge: its errors grow beyond {WORSE} times those of a constant",
        hint="scale the features (featurizer.tabular.numeric=standard), or take smaller steps where it has learning_rate",
    )
