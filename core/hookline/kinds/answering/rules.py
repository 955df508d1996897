"""Rules by which an answer is made of what a model says: which class is answered, and what else may be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DecisionRule:
    """How the answered class follows from the probabilities, where it is not the most probable one.

    Of two classes the positive one is answered from the threshold on; of more, the one of the least expected cost.
    """

    by: Literal["threshold", "costs", "precision", "recall"]
    threshold: float | None = None
    """The least probability of the positive class that is answered with it; None of more than two classes."""
    positive: int = 1
    """Code of the positive class of two."""
    costs: tuple[tuple[float, ...], ...] = ()
    """What it costs to answer the class of a column where the class of the line is true, by class codes."""
    wanted: float | None = None
    """The least precision or recall that was wanted."""
    rows: int = 0
    """Rows that the threshold was chosen on; 0 where nothing was to be chosen."""

    def codes(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the code of each row's answer, int64 (n_rows,). probabilities: float64, (n_rows, n_classes)"""
        import numpy as np

        if self.threshold is None:
            # Of equal costs the first, as of equal probabilities.
            return np.asarray((probabilities @ np.array(self.costs)).argmin(axis=1), dtype=np.int64)
        high = probabilities[:, self.positive] >= self.threshold
        return np.where(high, self.positive, 1 - self.positive).astype(np.int64)

    def lead(self, probabilities: np.ndarray, one: int, other: int) -> float:
        """Return how far a row's probabilities, (n_classes,), are from where one answer becomes another: 0 right there.

        It is twice the distance that each of them has to move by, as where the most probable class is answered.
        """
        import numpy as np

        if self.threshold is not None:
            return float(2 * abs(probabilities[self.positive] - self.threshold))
        apart = np.array(self.costs)[:, one] - np.array(self.costs)[:, other]
        moved = np.abs(apart).sum()
        return float(2 * abs(probabilities @ apart) / moved) if moved > 0 else 0.0


@dataclass(frozen=True)
class Intervals:
    """How far on either side of an answered number the truth lies in a share of the rows."""

    coverage: float
    """The share of rows whose truth is to lie within."""
    half_width: float
    """In the unit of the target: from the answer on, or from the bounds that the model itself tells, which may be less than 0."""
    rows: int
    """Validation rows that it was measured on."""
    by: Literal["errors", "quantiles"] = "errors"
    """Whether each interval is as wide as the others, or as wide as the quantiles that the model tells of a row."""

    def around(self, values: np.ndarray, quantiles: np.ndarray | None = None) -> np.ndarray:
        """Return lower and upper bound of each number, float64 (n_rows, 2).

        An interval holds the answer, also where the quantiles of a row do not.
        values: float64, (n_rows,); quantiles: float64, (n_rows, 2), lower and upper, where it goes by them
        """
        import numpy as np

        if self.by == "errors":
            return np.column_stack([values - self.half_width, values + self.half_width])
        assert quantiles is not None, "the model that the intervals were measured with tells quantiles"
        low, high = quantiles[:, 0] - self.half_width, quantiles[:, 1] + self.half_width
        return np.column_stack([np.minimum(low, values), np.maximum(high, values)])


@dataclass(frozen=True)
class PredictionSets:
    """Which classes may be true: those that are likely enough, and the most probable one in any case.

    So none is empty, and a row whose true class is the most probable one asks for no other where the limit is measured.
    By `lac` a class belongs to the set from a probability on (Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued
    classifiers with bounded error levels"); by `aps` the most probable ones do until they add up to a share (Romano, Sesia and
    Candes 2020, "Classification with valid and adaptive coverage", without their random draw, so that a row has one answer).
    """

    coverage: float
    """The share of rows whose true class is to be in the set."""
    limit: float
    """By `lac` the least probability of a class in it, by `aps` the most that it may add up to with all more probable ones."""
    rows: int
    """Validation rows that it was measured on."""
    method: Literal["lac", "aps"] = "lac"

    def of(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which classes are in the set, bool (n_rows, n_classes). probabilities: float64, of the same shape"""

        scores = class_scores(probabilities, self.method)
        likely = scores >= self.limit if self.method == "lac" else scores <= self.limit
        found: np.ndarray = likely | (probabilities == probabilities.max(axis=1, keepdims=True, initial=0.0))
        return found

    def leads(self, probabilities: np.ndarray) -> np.ndarray:
        """Return how far probabilities are from where a class would leave the set, or come into it: 0 right there.

        None does where each probability moves by less than half of it. Both: float64, (n_rows, n_classes)
        """
        import numpy as np

        scores = class_scores(probabilities, self.method)
        if self.method == "lac":
            likely, lead = scores >= self.limit, np.abs(scores - self.limit)
        else:
            likely, lead = scores <= self.limit, _leads_of_sums(probabilities, scores, self.limit)
        most = probabilities == probabilities.max(axis=1, keepdims=True, initial=0.0)
        place = _from_the_most_probable(probabilities)
        # Of a class that is in it on both counts both must fail, and of one that is not in it one must hold.
        only = np.where(likely, lead, place)
        found: np.ndarray = np.where(likely & most, np.maximum(lead, place), only)
        return np.where(likely | most, found, np.minimum(lead, place))


def _leads_of_sums(probabilities: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Return how far probabilities are from where what a class adds up to crosses a limit: float64, as they are given.

    Each may move by so much; and two that change places change what they add up to by a whole probability.
    """
    import numpy as np

    classes = probabilities.shape[1]
    found: np.ndarray = np.abs(scores - limit) / classes
    for code in range(classes):
        own, score = probabilities[:, code : code + 1], scores[:, code : code + 1]
        others = np.delete(probabilities, code, axis=1)
        inside = score <= limit
        # One that is no larger may become so, and adds to what is within; one that is larger may cease to be, and takes away.
        passing = np.where(inside, others <= own, others > own)
        apart = np.where(passing, np.abs(others - own), np.inf)
        order = np.argsort(apart, axis=1, kind="stable")
        moved = np.cumsum(np.take_along_axis(np.where(passing, others, 0.0), order, axis=1), axis=1)
        left = np.where(inside, limit - score - moved, score - moved - limit)
        steps = np.maximum(np.take_along_axis(apart, order, axis=1), left / classes)
        found[:, code] = np.minimum(found[:, code], steps.min(axis=1, initial=np.inf))
    return found


def _from_the_most_probable(probabilities: np.ndarray) -> np.ndarray:
    """Return how far each class is from being the most probable, or that one from being so no more: float64, as it is given."""
    import numpy as np

    order = np.sort(probabilities, axis=1)
    most, next_to_it = order[:, -1:], order[:, -2:-1]
    found: np.ndarray = np.where(probabilities == most, most - next_to_it, most - probabilities)
    return found


def class_scores(probabilities: np.ndarray, method: Literal["lac", "aps"]) -> np.ndarray:
    """Return what a set goes by, float64 (n_rows, n_classes): the probability, or what it adds up to with all larger ones.

    probabilities: float64, (n_rows, n_classes)
    """
    import numpy as np

    if method == "lac":
        return probabilities
    found = np.empty_like(probabilities)
    for code in range(probabilities.shape[1]):
        own = probabilities[:, code : code + 1]
        found[:, code] = own[:, 0] + np.where(probabilities > own, probabilities, 0.0).sum(axis=1)
    return found
