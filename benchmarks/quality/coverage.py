"""How often a 95 % interval holds the value of all the rows that there could be: `python benchmarks/quality/coverage.py`.

Each situation draws rows again and again from one known source, has them judged as a run's held-out rows are, and counts the
intervals that hold what an enormous draw from the same source measures. The model is a given scoring rule, so that
nothing but the draw of held-out rows varies. 95 % means 90 to 98 % here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hookline_sklearn.evaluators.bootstrap import Resampling, with_intervals
from hookline_sklearn.evaluators.classification import ClassificationMeasure, Judged
from hookline_sklearn.evaluators.regression import RegressionMeasure

LARGE = 400_000
"""Rows that stand for all there could be."""
TOLD = {
    "classes": ("accuracy", "balanced_accuracy", "recall", "f1", "roc_auc", "pr_auc", "log_loss", "brier"),
    "numbers": ("rmse", "mae", "median_absolute_error", "r2"),
}


@dataclass(frozen=True)
class Drawn:
    """Rows with their truth and their answers. y, answer: float64, (n,); groups: int64, (n,), or None."""

    y: np.ndarray
    answer: np.ndarray
    groups: np.ndarray | None = None


Draw = Callable[[np.random.Generator, int], Drawn]


@dataclass(frozen=True)
class Situation:
    """One source of rows, and how many are held out of it."""

    name: str
    rows: int
    draw: Draw
    kind: str = "classes"


def classes(share: float, apart: float, *, sure: float = 1.0) -> Draw:
    """Two classes whose scores are normal and `apart` from each other; `sure` stretches the probabilities."""

    def draw(rng: np.random.Generator, rows: int) -> Drawn:
        y = (rng.random(rows) < share).astype(float)
        score = rng.normal(size=rows) + apart * y
        logit = apart * (score - apart / 2) + np.log(share / (1 - share))
        return Drawn(y, 1 / (1 + np.exp(-sure * logit)))

    return draw


def grouped_classes(size: int, apart: float) -> Draw:
    """Groups of rows whose scores move together, half of them mostly of one class."""

    def draw(rng: np.random.Generator, rows: int) -> Drawn:
        groups = np.arange(rows) // size
        count = int(groups[-1]) + 1
        y = (rng.random(rows) < rng.choice([0.2, 0.8], count)[groups]).astype(float)
        score = rng.normal(size=rows) + apart * y + rng.normal(size=count)[groups]
        return Drawn(y, 1 / (1 + np.exp(-(score - apart / 2))), groups)

    return draw


def numbers(noise: Callable[[np.random.Generator, int], np.ndarray], size: int | None = None) -> Draw:
    """Numbers, the errors of which are `noise`; within groups of `size` rows truth and error move together."""

    def draw(rng: np.random.Generator, rows: int) -> Drawn:
        if size is None:
            answer = 2 * rng.normal(size=rows)
            return Drawn(answer + noise(rng, rows), answer)
        groups = np.arange(rows) // size
        count = int(groups[-1]) + 1
        answer = 2 * rng.normal(size=count)[groups] + rng.normal(size=rows)
        return Drawn(answer + noise(rng, count)[groups] + 0.5 * rng.normal(size=rows), answer, groups)

    return draw


def normal(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Errors of one size."""
    return rng.normal(size=rows)


def heavy(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Errors of which some are large."""
    return rng.standard_t(6, size=rows)


SITUATIONS = (
    Situation("classes, 300 rows", 300, classes(0.5, 1.2)),
    Situation("near 1, 60 rows", 60, classes(0.5, 3.5)),
    Situation("10 positives of 200", 200, classes(0.05, 1.5)),
    Situation("10 positives, near 1", 200, classes(0.05, 3.5)),
    Situation("too sure of itself, 150 rows", 150, classes(0.4, 1.5, sure=2.0)),
    Situation("40 groups of 10", 400, grouped_classes(10, 1.5)),
    Situation("15 groups of 20", 300, grouped_classes(20, 1.5)),
    Situation("numbers, 100 rows", 100, numbers(normal), "numbers"),
    Situation("numbers, heavy errors", 150, numbers(heavy), "numbers"),
    Situation("numbers, 30 groups of 10", 300, numbers(normal, 10), "numbers"),
    Situation("numbers, 12 groups of 25", 300, numbers(normal, 25), "numbers"),
)


def covered(situation: Situation, repeats: int, seed: int = 0) -> dict[str, float]:
    """Return metric -> share of repeats whose interval holds the value of a large draw."""
    rng = np.random.default_rng(seed)
    right = _measured(situation, situation.draw(rng, LARGE), 0)
    held: dict[str, list[bool]] = {}
    for repeat in range(repeats):
        for name, interval in _measured(situation, situation.draw(rng, situation.rows), repeat + 1).items():
            low, high = interval
            held.setdefault(name, []).append(low <= right[name][0] <= high)
    return {name: float(np.mean(found)) for name, found in held.items() if name in TOLD[situation.kind]}


def _measured(situation: Situation, drawn: Drawn, seed: int) -> dict[str, tuple[float, float]]:
    """Return metric -> its interval; with a seed of 0 its value twice."""
    weight = np.ones(len(drawn.y))
    resampling = Resampling(200 if seed else 0, seed, drawn.groups)
    metrics = with_intervals(lambda rows: _measure(situation, drawn, rows), weight, resampling)
    ends = (
        (one.name, one.value if one.low is None else one.low, one.value if one.high is None else one.high)
        for one in metrics
    )
    return {name: (low, high) for name, low, high in ends}


def _measure(situation: Situation, drawn: Drawn, rows: np.ndarray) -> ClassificationMeasure | RegressionMeasure:
    y, answer = drawn.y[rows], drawn.answer[rows]
    if situation.kind == "numbers":
        return RegressionMeasure(y, answer)
    codes, shares = y.astype(np.int64), np.column_stack([1 - answer, answer])
    return ClassificationMeasure(Judged(codes, shares.argmax(axis=1), shares, 2, 1))


def lines(repeats: int) -> Iterator[str]:
    """Yield the table as Markdown, a line at a time."""
    for kind, names in TOLD.items():
        yield "| | " + " | ".join(name.replace("_", " ") for name in names) + " |"
        yield "|---" * (len(names) + 1) + "|"
        for situation in (one for one in SITUATIONS if one.kind == kind):
            found = covered(situation, repeats)
            yield f"| {situation.name} | " + " | ".join(f"{100 * found[name]:.0f} %" for name in names) + " |"
        yield ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=500)
    for line in lines(parser.parse_args().repeats):
        print(line, flush=True)
