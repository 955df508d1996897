"""What forests say of features: what their splits gain, what shuffling costs, which go first, and what beats noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .scores import Sample

if TYPE_CHECKING:
    import numpy as np

LEAF = 5
"""Fewest rows of a leaf of the quick forests."""


def model_importance(sample: Sample, n_estimators: int, seed: int) -> np.ndarray:
    """Return each feature's share of the impurity that a forest's splits take away, float64 (p,), weights counted."""
    found: np.ndarray = _forest(sample, n_estimators, seed).fit(sample.X, sample.y, sample.weight).feature_importances_
    return found


def permutation_importance(sample: Sample, n_estimators: int, seed: int) -> np.ndarray:
    """Return how much worse a forest answers where a feature is shuffled, float64 (p,).

    By rows that it has not seen, a third of them, five times: as a share of the loss (log loss, or squared error) that a constant
    guess has there (Breiman 2001; Fisher, Rudin and Dominici 2019).
    """
    import numpy as np
    from sklearn.inspection import permutation_importance as shuffled

    rng = np.random.default_rng(seed)
    held = np.zeros(len(sample.y), dtype=bool)
    held[rng.permutation(len(held))[: max(1, len(held) // 3)]] = True
    learned = of_rows(sample, ~held)
    forest = _forest(sample, n_estimators, seed).fit(learned.X, learned.y, learned.weight)
    judged = of_rows(sample, held)
    if not sample.is_regression:  # A class that the forest never saw has no probability.
        judged = of_rows(judged, np.isin(judged.y, forest.classes_))
    if not len(judged.y):
        return np.zeros(sample.X.shape[1])

    def score(model: Any, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        return -_loss(model.predict(X) if sample.is_regression else model.predict_proba(X), y, sample_weight, model)

    made: Any = shuffled(
        forest, judged.X, judged.y, scoring=score, n_repeats=5, random_state=seed, sample_weight=judged.weight
    )
    means: np.ndarray = made.importances_mean
    guess = _guessed(learned, judged, forest)
    return means / guess if guess > 0 else means


def recursive_ranks(sample: Sample, n_estimators: int, seed: int) -> np.ndarray:
    """Return how late each feature goes, float64 (p,), the last of them 1: the weakest tenth goes, and a forest is grown anew.

    Recursive feature elimination (Guyon et al. 2002).
    """
    import numpy as np
    from sklearn.feature_selection import RFE

    step = max(1, sample.X.shape[1] // 10)
    ranks = RFE(_forest(sample, n_estimators, seed), n_features_to_select=1, step=step)
    found: np.ndarray = ranks.fit(sample.X, sample.y, sample_weight=sample.weight).ranking_
    return 1.0 / found.astype(np.float64)


def rounds_won(sample: Sample, rounds: int, n_estimators: int, seed: int) -> np.ndarray:
    """Return in how many rounds each feature gains a forest more than any shuffled copy of a feature, int (p,).

    The core of Boruta (Kursa and Rudnicki 2010).
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    width = sample.X.shape[1]
    won = np.zeros(width, dtype=np.int64)
    for turn in range(rounds):
        shadows = rng.permuted(sample.X, axis=0)
        both = replace(sample, X=np.column_stack([sample.X, shadows]))
        gained = model_importance(both, n_estimators, seed + turn)
        won += gained[:width] > gained[width:].max()
    return won


def verdicts(won: np.ndarray, rounds: int, level: float = 0.05) -> list[bool | None]:
    """Return of each feature whether it surely beats noise, surely does not, or None where that is open.

    A two-sided binomial test against one half, at a level that is divided by the number of features (Bonferroni).
    """
    from scipy.stats import binom

    least = level / (2 * len(won))
    more, fewer = binom.sf(won - 1, rounds, 0.5), binom.cdf(won, rounds, 0.5)
    return [True if high <= least else False if low <= least else None for high, low in zip(more, fewer, strict=True)]


def of_rows(sample: Sample, rows: np.ndarray) -> Sample:
    """Return just some rows. rows: bool (n,), or places."""
    return replace(sample, X=sample.X[rows], y=sample.y[rows], weight=sample.weight[rows])


def _forest(sample: Sample, n_estimators: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    cls: Any = RandomForestRegressor if sample.is_regression else RandomForestClassifier
    return cls(n_estimators, min_samples_leaf=LEAF, max_features="sqrt", random_state=seed)


def _loss(said: np.ndarray, y: np.ndarray, weight: np.ndarray | None, model: Any) -> float:
    """Return the mean log loss of probabilities, or the mean squared error of numbers."""
    import numpy as np

    if said.ndim == 1:
        return float(np.average((said - y) ** 2, weights=weight))
    chances = said[np.arange(len(y)), np.searchsorted(model.classes_, y)].clip(1e-6, 1.0)
    return float(np.average(-np.log(chances), weights=weight))


def _guessed(learned: Sample, judged: Sample, model: Any) -> float:
    """Return the loss of a constant guess: the mean, or the classes' shares."""
    import numpy as np

    if learned.is_regression:
        return _loss(
            np.full(len(judged.y), np.average(learned.y, weights=learned.weight)), judged.y, judged.weight, model
        )
    shares = np.array([learned.weight[learned.y == label].sum() for label in model.classes_]) / learned.weight.sum()
    return _loss(np.tile(shares, (len(judged.y), 1)), judged.y, judged.weight, model)
