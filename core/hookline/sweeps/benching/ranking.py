"""Which pipelines are better over many data sets, as far as ranks tell: Friedman, Nemenyi, Wilcoxon, and a Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.05
FEWEST = 3
"""Pipelines from which on Friedman's test is for them; two are held against each other by Wilcoxon's."""


@dataclass(frozen=True)
class Ranking:
    """Pipelines by their mean rank over data sets, 1 the best (Demsar 2006, JMLR 7, section 3.2).

    ranks: pipeline -> mean rank, the best first; sets: data sets on which every pipeline was measured
    p: of Friedman's test, of two pipelines of Wilcoxon's signed-rank test; None where there are too few data sets
    critical: the difference of mean ranks from which on two pipelines differ (Nemenyi 1963); None where it does not apply
    alike: groups of pipelines that are not told apart, the best first
    """

    ranks: Mapping[str, float]
    sets: tuple[str, ...]
    p: float | None
    critical: float | None
    alike: tuple[tuple[str, ...], ...]

    @property
    def verdict(self) -> str:
        """What may be said, in a sentence."""
        if not self.ranks:
            return "no data set has a result of every pipeline"
        best, rank = next(iter(self.ranks.items()))
        told = f"{best} has the best mean rank, {rank:.2f} over {len(self.sets)} data sets"
        if self.p is None:
            return f"{told}; they are too few for a test"
        test = "Friedman" if self.critical is not None else "Wilcoxon"
        figures = f"{test} p = {self.p:.3g}"
        if self.p > LEVEL:
            return f"{told}; no difference between the pipelines is shown ({figures})"
        with_best = [name for group in self.alike[:1] for name in group if name != best] if self.critical else []
        apart = (
            f"; not told apart from it: {', '.join(with_best)}" if with_best else "; it is told apart from all others"
        )
        cd = "" if self.critical is None else f", critical difference {self.critical:.2f}"
        return f"{told} ({figures}{cd}){apart}"


def ranked(means: Mapping[str, Mapping[str, float]], *, greater: Mapping[str, bool]) -> Ranking:
    """Rank pipelines on each data set, ties by their mean rank, and test whether they differ.

    means: data set -> pipeline -> mean of the metric; greater: data set -> whether more of the metric is better
    """
    import numpy as np
    from scipy.stats import friedmanchisquare, rankdata

    names = list(dict.fromkeys(name for row in means.values() for name in row))
    sets = tuple(data for data, row in means.items() if all(math.isfinite(row.get(name, math.nan)) for name in names))
    if not sets:
        return Ranking({}, (), None, None, ())
    values = np.array([[means[data][name] * (-1 if greater[data] else 1) for name in names] for data in sets])
    ranks = rankdata(values, axis=1)
    mean = dict(sorted(zip(names, ranks.mean(axis=0).tolist(), strict=True), key=lambda item: (item[1], item[0])))
    if len(sets) < FEWEST - 1 or len(names) < FEWEST - 1:
        return Ranking(mean, sets, None, None, ())
    if len(names) < FEWEST:
        return Ranking(mean, sets, signed_ranks(values[:, 0] - values[:, 1]), None, ())
    p = 1.0 if (ranks == ranks[:, :1]).all() else float(friedmanchisquare(*ranks.T).pvalue)
    critical = critical_difference(len(names), len(sets))
    return Ranking(mean, sets, p, critical, _alike(mean, critical))


def signed_ranks(differences: Any) -> float:
    """Return p of Wilcoxon's signed-rank test over data sets, 1 where nothing differs. differences: (n_sets,)."""
    import numpy as np
    from scipy.stats import wilcoxon

    if not np.any(differences):
        return 1.0
    found: Any = wilcoxon(differences)
    return float(found.pvalue)


def critical_difference(pipelines: int, sets: int) -> float:
    """Return Nemenyi's critical difference of mean ranks at 5 % (Demsar 2006, section 3.2.2)."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - LEVEL, pipelines, math.inf)) / math.sqrt(2)
    return q * math.sqrt(pipelines * (pipelines + 1) / (6 * sets))


def _alike(ranks: Mapping[str, float], critical: float) -> tuple[tuple[str, ...], ...]:
    """Return the longest runs of pipelines whose ranks lie within the critical difference."""
    names = list(ranks)
    found: list[tuple[str, ...]] = []
    for start, name in enumerate(names):
        group = tuple(other for other in names[start:] if ranks[other] - ranks[name] <= critical)
        if len(group) > 1 and not (found and set(group) <= set(found[-1])):
            found.append(group)
    return tuple(found)


def pareto(points: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """Return the names that no other beats in both. points: name -> (rank, seconds), less of either is better."""

    def beaten(name: str) -> bool:
        ours = points[name]
        return any(
            all(a <= b for a, b in zip(theirs, ours, strict=True)) and theirs != ours
            for other, theirs in points.items()
            if other != name
        )

    return tuple(name for name in points if not beaten(name))


def mean_of(values: Sequence[float]) -> float:
    """Return the mean, not a number where there is none."""
    return math.fsum(values) / len(values) if values else math.nan


def relative(seconds: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return how long each pipeline takes beside the quickest: the geometric mean over data sets.

    seconds: data set -> pipeline -> seconds
    """
    logs: dict[str, list[float]] = {}
    for row in seconds.values():
        known: dict[str, Any] = {name: max(one, 1e-6) for name, one in row.items() if math.isfinite(one)}
        for name, one in known.items():
            logs.setdefault(name, []).append(math.log(one / min(known.values())))
    return {name: math.exp(mean_of(one)) for name, one in logs.items()}
