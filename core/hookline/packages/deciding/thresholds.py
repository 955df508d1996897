"""The threshold of two classes, chosen on rows that the model did not learn from, and what each would have meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hookline.errors import DataError
from hookline.kinds.answering.rules import DecisionRule

if TYPE_CHECKING:
    import numpy as np


WITHIN = 0.381966
"""Where a threshold lies between two scores: not halfway, where another row of a forest's round probabilities may lie."""
LEAST = 30
"""Rows of either class that a threshold is chosen anew on."""


@dataclass(frozen=True)
class Thresholds:
    """Every threshold that tells rows apart, from the one that nothing reaches down to the one that all rows reach.

    thresholds, true, false: float64, (n_thresholds,); the weight of rows of the positive class, and of the other, that
        reach the threshold; positives, negatives: the weight of all of them
    """

    thresholds: np.ndarray
    true: np.ndarray
    false: np.ndarray
    positives: float
    negatives: float

    @classmethod
    def of(cls, truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> Thresholds:
        """Sort rows once. truth: bool, (n_rows,), of the positive class; score, weight: float64, (n_rows,)"""
        import numpy as np

        order = np.argsort(-score, kind="stable")
        ranked, heavy = score[order], weight[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        hits = np.cumsum(heavy * truth[order])[ends]
        found = np.cumsum(heavy)[ends] - hits
        true, false = np.append(0.0, hits), np.append(0.0, found)
        return cls(_between(ranked[ends]), true, false, float(true[-1]), float(false[-1]))

    @property
    def precision(self) -> np.ndarray:
        """The share of positive answers that are right, float64 (n_thresholds,); NaN where there are none."""
        import numpy as np

        said = self.true + self.false
        shares: np.ndarray = np.divide(self.true, said, out=np.full_like(said, np.nan), where=said > 0)
        return shares

    @property
    def recall(self) -> np.ndarray:
        """The share of rows of the positive class that are answered so, float64 (n_thresholds,); NaN without such rows."""
        import numpy as np

        return self.true / self.positives if self.positives > 0 else np.full_like(self.true, np.nan)

    @property
    def f1(self) -> np.ndarray:
        """The harmonic mean of both, float64 (n_thresholds,); NaN where there is nothing to answer so, and nothing is."""
        import numpy as np

        whole = self.true + self.false + self.positives
        found: np.ndarray = np.divide(2 * self.true, whole, out=np.full_like(whole, np.nan), where=whole > 0)
        return found

    def costs(self, rule: DecisionRule) -> np.ndarray:
        """Return what a row costs on average, float64 (n_thresholds,)."""
        own, other = rule.positive, 1 - rule.positive
        (miss, hit), (right, alarm) = (
            (rule.costs[own][other], rule.costs[own][own]),
            (rule.costs[other][other], rule.costs[other][own]),
        )
        positive = hit * self.true + miss * (self.positives - self.true)
        negative = alarm * self.false + right * (self.negatives - self.false)
        found: np.ndarray = (positive + negative) / (self.positives + self.negatives)
        return found


def _between(scores: np.ndarray) -> np.ndarray:
    """Return thresholds that lie between scores, so that rounding in another format moves no row across.

    scores: float64, (n,), each once, from the highest down; the thresholds are one more: above all of them, ..., 0
    """
    import numpy as np

    between = scores[1:] + WITHIN * (scores[:-1] - scores[1:])
    # Nothing lies between neighbors among the floats.
    between = np.where(between > scores[1:], between, scores[:-1])
    above = scores[0] + WITHIN * (1 - scores[0]) if scores[0] < 1 else np.nextafter(1, 2)
    return np.concatenate([[above], between, [0.0]])


def chosen(rule: DecisionRule, truth: np.ndarray, probabilities: np.ndarray, weight: np.ndarray | None) -> DecisionRule:
    """Return a rule with the threshold that does on some rows what is wanted.

    By costs it is the threshold of the least cost; of several the one nearest to what they say themselves, which is right
    where the probabilities are (Elkan 2001, "The foundations of cost-sensitive learning", equation 2).
    truth: int64, (n_rows,), class codes; probabilities: float64, (n_rows, 2); weight: float64, (n_rows,)
    Raises DataError where the rows are of one class, or no threshold does what is wanted.
    """
    import numpy as np

    weights = np.ones(len(truth)) if weight is None else weight
    of_class = truth == rule.positive
    table = Thresholds.of(of_class, probabilities[:, rule.positive], weights)
    if not (table.positives > 0 and table.negatives > 0):
        raise DataError(
            f"the {len(truth):,} validation rows are all of one class, so no threshold can be chosen on them",
            hint="split.method=stratified has rows of each class in every part",
        )
    place = _of_least_cost(table, rule) if rule.by == "costs" else _of_share(table, rule, len(truth))
    return replace(rule, threshold=float(table.thresholds[place]), rows=len(truth))


def chosen_again(
    rule: DecisionRule, truth: np.ndarray, probabilities: np.ndarray, weight: np.ndarray | None
) -> DecisionRule:
    """Return a rule with its threshold chosen anew on rows that the model has not learned yet.

    It stays where it was said rather than chosen, where a class has fewer than 30 of the rows, or none does what is wanted.
    """
    import numpy as np

    few = min(np.count_nonzero(truth == code) for code in (0, 1)) < LEAST
    if not rule.rows or few:
        return rule
    try:
        return chosen(rule, truth, probabilities, weight)
    except DataError:
        return rule


def _of_least_cost(table: Thresholds, rule: DecisionRule) -> int:
    import numpy as np

    costs = table.costs(rule)
    # Sums of the same numbers in another order are off by some roundings.
    best = np.flatnonzero(costs <= costs.min() + 1e-12 * np.abs(costs).max())
    return int(best[np.abs(table.thresholds[best] - _of_costs(rule)).argmin()])


def _of_costs(rule: DecisionRule) -> float:
    """Return the threshold that costs say where probabilities are right."""
    own, other = rule.positive, 1 - rule.positive
    alarm = rule.costs[other][own] - rule.costs[other][other]
    miss = rule.costs[own][other] - rule.costs[own][own]
    return alarm / (alarm + miss) if alarm + miss > 0 else 0.5


def _of_share(table: Thresholds, rule: DecisionRule, rows: int) -> int:
    """Return where the wanted precision or recall is reached, with the most of the other."""
    import numpy as np

    assert rule.wanted is not None
    precision, recall = np.nan_to_num(table.precision, nan=-1.0), table.recall
    reached, other = (precision, recall) if rule.by == "precision" else (recall, precision)
    enough = np.flatnonzero(reached >= rule.wanted - 1e-12)
    if not len(enough):
        raise DataError(
            f"no threshold reaches a {rule.by} of {rule.wanted:g} on the {rows:,} validation rows: the best is "
            f"{reached.max():.4g}",
            hint=f"decision.{rule.by}={np.floor(reached.max() * 100) / 100:g}, or another trainer",
        )
    # Of equals the first, which is the highest threshold.
    return int(enough[other[enough].argmax()])


def figures(
    rule: DecisionRule, truth: np.ndarray, codes: np.ndarray, weight: np.ndarray | None
) -> Mapping[str, float | None]:
    """Return what answers are worth: accuracy, of two classes precision and recall, and by costs what a row costs.

    truth, codes: int64, (n_rows,), true and answered class codes; what is undefined is None
    """
    import numpy as np

    weights = np.ones(len(truth)) if weight is None else weight
    found: dict[str, float | None] = {"accuracy": _share(weights, truth == codes, None)}
    if rule.threshold is not None:
        own, said = truth == rule.positive, codes == rule.positive
        found |= {"precision": _share(weights, own & said, said), "recall": _share(weights, own & said, own)}
        found["answered_positive"] = _share(weights, said, None)
    if rule.costs:
        found["cost"] = float(np.average(np.array(rule.costs)[truth, codes], weights=weights))
    return found


def _share(weight: np.ndarray, part: np.ndarray, whole: np.ndarray | None) -> float | None:
    total = weight.sum() if whole is None else weight[whole].sum()
    return float(weight[part].sum() / total) if total > 0 else None
