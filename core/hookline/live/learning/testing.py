"""A challenger held against the champion, row by row: what each loses, and what that proves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline.errors import UsageError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction, label_text
from hookline.packages.loading import LoadedPackage
from hookline.quality.sequential.asymptotic import Estimate, around
from hookline.quality.sequential.betting import lower_bound, upper_bound

from ..log.answered import FACTS
from .rules import Trial

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Loss = Literal["mistakes", "brier", "squared", "absolute"]
BOUNDED: tuple[Loss, ...] = ("mistakes", "brier")
"""Losses from 0 to 1, whose bounds hold at any number of rows."""
FEWEST = 100
"""Rows before bounds of other losses are any, which lean on a normal law."""
PLANNED = 1_000
"""Rows that such bounds are tightest near; far from it they are little wider."""
NAMES = {
    "mistakes": "share of mistakes",
    "brier": "Brier score",
    "squared": "mean squared error",
    "absolute": "mean error",
}


@dataclass(frozen=True)
class Tested:
    """Two versions on the same rows. gain: by how much less the challenger loses, a row"""

    rows: int
    loss: Loss
    champion: float
    challenger: float
    gain: float
    low: float
    """What the gain exceeds at every time at once, but for the risk."""
    high: float
    risk: float

    @property
    def is_better(self) -> bool:
        """Whether the challenger is better for sure."""
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether it is worse for sure."""
        return self.high < 0

    @property
    def plain(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return asdict(self)

    def said(self, champion: int, challenger: int) -> str:
        """Return the figures in a clause."""
        told = f"{NAMES[self.loss]} {self.challenger:.4g} of v{challenger} and {self.champion:.4g} of v{champion}"
        between = f"{self.low:.3g} to {self.high:.3g} less at {1 - self.risk:.4g}"
        return f"{told} on {self.rows:,} rows ({between}, however often one looks)"


def loss_of(trial: Trial, target: Target) -> Loss:
    """Return what is compared for a target; raises UsageError for a loss of another task."""
    fitting = ("squared", "absolute") if target.task == "regression" else BOUNDED
    if trial.loss != "auto" and trial.loss not in fitting:
        raise UsageError(
            f"retrain.trial.loss: '{trial.loss}' is no loss of {target.task}", hint=f"choose {' or '.join(fitting)}"
        )
    return fitting[0] if trial.loss == "auto" else trial.loss


def compared(
    rows: pl.DataFrame, champion: LoadedPackage, challenger: LoadedPackage, loss: Loss, risk: float
) -> Tested | None:
    """Have two versions answer the same rows, and compare what they lose; None of too few rows.

    rows: as `told_rows`
    """
    if len(rows) < (2 if loss in BOUNDED else FEWEST):
        return None
    old, new = (losses(rows, package, loss) for package in (champion, challenger))
    gains = old - new
    if loss in BOUNDED:
        low, high = lower_bound(gains, risk, -1, 1), upper_bound(gains, risk, -1, 1)
    else:
        interval = around(Estimate(len(gains), len(gains), gains.mean(), gains.var(ddof=1)), risk, PLANNED)
        low, high = interval.low, interval.high
    told = (float(old.mean()), float(new.mean()), float(gains.mean()), float(low), float(high))
    return Tested(len(gains), loss, *told, risk)


def losses(rows: pl.DataFrame, package: LoadedPackage, loss: Loss) -> np.ndarray:
    """Return what a version loses on each row, float64 (n_rows,)."""
    target = package.target
    answers = package.predict(rows.drop(FACTS, target.name))
    truth = rows[target.name].to_list()
    return _brier(answers, truth, target) if loss == "brier" else _plain(answers, truth, loss)


def _plain(answers: Prediction, truth: list[Any], loss: Loss) -> np.ndarray:
    import numpy as np

    values = answers.values.tolist()
    if loss == "mistakes":
        wrong = [label_text(said) != label_text(true) for said, true in zip(values, truth, strict=True)]
        return np.array(wrong, dtype=np.float64)
    off = np.abs(np.array(values, dtype=np.float64) - np.array(truth, dtype=np.float64))
    return off**2 if loss == "squared" else off


def _brier(answers: Prediction, truth: list[Any], target: Target) -> np.ndarray:
    """Return half the squared distance of probabilities from what was true (Brier 1950), from 0 to 1."""
    import numpy as np

    if answers.probabilities is None:
        raise UsageError(
            "retrain.trial.loss: 'brier' needs probabilities, which a version does not give", hint="choose mistakes"
        )
    names = [label_text(label) for label in target.classes]
    true = np.array([[label_text(label) == name for name in names] for label in truth], dtype=np.float64)
    found: np.ndarray = ((answers.probabilities - true) ** 2).sum(axis=1) / 2
    return found
