"""How good answers are of which the truth is not known yet: confidence-based performance estimation.

A score that is calibrated on held-out rows says how often an answer is right, so the expected confusion matrix, and every metric
that is made of one, follow from the scores alone (CBPE of NannyML; Guillory and others, 2021, "Predicting with confidence on
unseen distributions"). It holds as long as a row of the same columns and score has the same truth as often as it had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Metric

from ..evaluators.classification import ClassificationMeasure, Judged

if TYPE_CHECKING:
    import numpy as np

ISOTONIC = 1_000
"""Held-out rows from which on scores are calibrated by isotonic regression, which fewer rows are too few for."""
DRAWS = 60
"""Resamples of the held-out and of the current rows behind an interval."""
CELLS = 40_000
"""Rows times classes that are looked at."""


@dataclass(frozen=True)
class Answers:
    """Answers of a classifier.

    guess: int64 class codes, (n_rows,); shares: float64, (n_rows, n_classes); truth: int64 codes, (n_rows,), or None
    weight: float64, (n_rows,); groups: int64, (n_rows,), or None
    """

    guess: np.ndarray
    shares: np.ndarray
    weight: np.ndarray
    truth: np.ndarray | None = None
    groups: np.ndarray | None = None

    def taken(self, rows: np.ndarray) -> Answers:
        """Return the rows at some positions."""
        truth, groups = (None if held is None else held[rows] for held in (self.truth, self.groups))
        return Answers(self.guess[rows], self.shares[rows], self.weight[rows], truth, groups)

    def fewer(self, seed: int) -> Answers:
        """Return as many rows as are looked at, drawn at random."""
        import numpy as np

        rows, classes = self.shares.shape
        most = max(200, CELLS // classes)
        return self if rows <= most else self.taken(np.random.default_rng(seed).choice(rows, most, replace=False))

    def redrawn(self, rng: np.random.Generator) -> np.ndarray:
        """Return how often each row is drawn in a resample of as many, by whole groups where there are any."""
        import numpy as np

        units = np.arange(len(self.guess)) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
        count = int(units.max()) + 1
        return np.asarray(np.bincount(rng.integers(0, count, count), minlength=count)[units])


def estimated(held_out: Answers, current: Answers, alike: np.ndarray | None, seed: int) -> tuple[Metric, ...]:
    """Return each metric as it is expected to be, with a 95 % interval.

    alike: float64, (n_held_out,): how much each held-out row is like current ones, where those are not drawn as it was
    """
    from threadpoolctl import threadpool_limits

    # Threads that wait for each other in many small fits take longer than one.
    with threadpool_limits(1):
        return _estimated(held_out, current.fewer(seed), alike, seed)


def _estimated(held_out: Answers, current: Answers, alike: np.ndarray | None, seed: int) -> tuple[Metric, ...]:
    import numpy as np

    rng = np.random.default_rng(seed)
    weight = held_out.weight if alike is None else held_out.weight * alike
    positive = 1 if held_out.shares.shape[1] == 2 else None
    values = _measured(current, _calibrated(held_out, weight, current.shares), current.weight, positive)
    found: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(DRAWS):
        shares = _calibrated(held_out, weight * held_out.redrawn(rng), current.shares)
        # What comes true is drawn too, as the metric of these very rows varies with it.
        truth = (shares.cumsum(axis=1) < rng.random((len(shares), 1))).sum(axis=1).clip(max=shares.shape[1] - 1)
        drawn = np.zeros_like(shares)
        drawn[np.arange(len(shares)), truth] = 1.0
        for name, value in _measured(current, drawn, current.weight * current.redrawn(rng), positive).items():
            found.setdefault(name, []).append(value)
    return tuple(_metric(name, value, found[name]) for name, value in values.items() if np.isfinite(value))


def _metric(name: str, value: float, draws: list[float]) -> Metric:
    import numpy as np

    from ..evaluators.bootstrap import LOWER_IS_BETTER

    defined = [draw for draw in draws if np.isfinite(draw)]
    reach = 1.96 * float(np.std(defined)) if len(defined) > 1 else 0.0
    return Metric(name, value, value - reach, value + reach, name not in LOWER_IS_BETTER)


def _measured(current: Answers, shares: np.ndarray, weight: np.ndarray, positive: int | None) -> Mapping[str, float]:
    """Measure each row once for each class that may be true, weighted by how often it is."""
    import numpy as np

    rows, classes = shares.shape
    y, place = np.tile(np.arange(classes), rows), np.repeat(np.arange(rows), classes)
    judged = Judged(y, current.guess[place], current.shares[place], classes, positive)
    return ClassificationMeasure(judged)((shares * weight[:, None]).ravel())


def _calibrated(held_out: Answers, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return how often each class is true at some scores, (n_rows, n_classes), as it was on held-out rows.

    Of more than two classes each is calibrated against the rest, and their sum made 1 (Zadrozny and Elkan, 2002).
    """
    import numpy as np

    assert held_out.truth is not None
    known = weight > 0
    codes = range(1, 2) if shares.shape[1] == 2 else range(shares.shape[1])
    columns = []
    for code in codes:
        hit = (held_out.truth[known] == code).astype(float)
        columns.append(_one(held_out.shares[known, code], hit, weight[known], shares[:, code]))
    if len(columns) == 1:
        return np.column_stack([1 - columns[0], columns[0]])
    found = np.column_stack(columns)
    total = found.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, found / np.where(total > 0, total, 1), shares))


def _one(scores: np.ndarray, hit: np.ndarray, weight: np.ndarray, asked: np.ndarray) -> np.ndarray:
    import numpy as np

    if hit.min() == hit.max():
        return np.full(len(asked), hit[0])
    model: Any
    if len(scores) >= ISOTONIC:
        from sklearn.isotonic import IsotonicRegression

        model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, hit, sample_weight=weight)
        return np.asarray(model.predict(asked))
    from sklearn.linear_model import LogisticRegression

    # Platt (1999), on log odds, so that scores that are calibrated stay as they are.
    model = LogisticRegression(C=100.0).fit(_odds(scores), hit, sample_weight=weight)
    return np.asarray(model.predict_proba(_odds(asked))[:, 1])


def _odds(scores: np.ndarray) -> np.ndarray:
    import numpy as np

    clipped = np.clip(scores, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped))[:, None])
