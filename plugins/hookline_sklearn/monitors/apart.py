"""How well a classifier tells current rows from those of the reference, cross-validated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from .samples import Pair

if TYPE_CHECKING:
    import numpy as np

FOLDS = 5


@dataclass(frozen=True)
class Apart:
    """How far two samples can be told apart.

    auc: of held-out folds, their mean: 0.5 where nothing tells them apart
    error: its standard error
    scores: float64, (n_rows,): how much each row looks like a current one, by a model that did not see it
    """

    auc: float
    error: float
    scores: np.ndarray
    fitted: Sequence[tuple[Any, np.ndarray]]
    """Each fold's model, and the rows held out from it."""

    def low(self, confidence: float) -> float:
        """Return the one-sided lower bound."""
        return self.auc - NormalDist().inv_cdf(confidence) * self.error


def told_apart(pair: Pair, seed: int) -> Apart | None:
    """Cross-validate a domain classifier, by whole groups where there are any; None where there are too few of them."""
    from threadpoolctl import threadpool_limits

    # Threads that wait for each other over so few rows take longer than one.
    with threadpool_limits(1):
        return _validated(pair, seed)


def _validated(pair: Pair, seed: int) -> Apart | None:
    import numpy as np

    if pair.groups is not None and min(len(np.unique(pair.groups[side])) for side in (pair.now, ~pair.now)) < FOLDS:
        return None
    scores, parts = np.zeros(len(pair.now)), np.zeros(len(pair.now))
    fitted, areas = [], []
    for train, test in _folds(pair, seed):
        sides = [test[pair.now[test]], test[~pair.now[test]]]
        if not all(map(len, sides)):
            return None
        model = _classifier(pair, seed).fit(pair.X[train], pair.now[train])
        scores[test] = model.predict_proba(pair.X[test])[:, 1]
        area, placed = _area(scores, sides)
        for rows, values in zip(sides, placed, strict=True):
            parts[rows] = (values - area) / len(rows) / FOLDS
        fitted.append((model, test))
        areas.append(area)
    sums = parts if pair.groups is None else np.bincount(pair.groups, parts)
    # Folds and groups that are few vary less than they would if drawn anew.
    units = len(parts) if pair.groups is None else len(np.unique(pair.groups))
    return Apart(float(np.mean(areas)), float(((sums**2).sum() * units / (units - 1)) ** 0.5), scores, fitted)


def goes_by(pair: Pair, apart: Apart, seed: int) -> list[float]:
    """Return by how much the area falls when a column's values are mixed up (Breiman, 2001), of each column."""
    import numpy as np

    rng, lost = np.random.default_rng(seed), []
    for place in range(pair.X.shape[1]):
        falls = []
        for model, test in apart.fitted:
            sides = [test[pair.now[test]], test[~pair.now[test]]]
            mixed = pair.X[test].copy()
            mixed[:, place] = rng.permutation(mixed[:, place])
            scores = np.zeros(len(pair.now))
            scores[test] = model.predict_proba(mixed)[:, 1]
            falls.append(_area(apart.scores, sides)[0] - _area(scores, sides)[0])
        lost.append(float(np.mean(falls)))
    return lost


def _folds(pair: Pair, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if pair.groups is None else StratifiedGroupKFold
    folds: Iterator[tuple[np.ndarray, np.ndarray]] = kind(FOLDS, shuffle=True, random_state=seed).split(
        pair.X, pair.now, pair.groups
    )
    return folds


def _classifier(pair: Pair, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # scikit-learn's own words for these are wider than what a type checker infers from their defaults.
    fields: dict[str, Any] = {
        "early_stopping": False,
        "categorical_features": list(pair.categorical) if any(pair.categorical) else None,
    }
    return HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=15, learning_rate=0.1, random_state=seed, **fields
    )


def _area(scores: np.ndarray, sides: Sequence[np.ndarray]) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Return the area under the curve, and what each row adds to it: its placement among those of the other side.

    The variance of the area is that of the placements (DeLong, DeLong and Clarke-Pearson, 1988), summed by group where rows
    come in groups (Obuchowski, 1997).
    """
    import numpy as np

    now, before = (scores[rows] for rows in sides)
    placed = _below(before, now), 1 - _below(now, before)
    return float(np.mean(placed[0])), placed


def _below(among: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of `among` that is smaller than each value, equal ones by half."""
    import numpy as np

    ordered = np.sort(among)
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    found: np.ndarray = (left + right) / 2 / len(among)
    return found
