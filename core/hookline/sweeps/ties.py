"""What a leaderboard's first place is worth: the trials that a paired comparison cannot tell from the best."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hookline.errors import HooklineError
from hookline.runs.comparing.difference import Difference
from hookline.runs.comparison import Comparison, compare_runs
from hookline.runs.result import Run, load_run

from .leaderboard import COSTS, Leaderboard, t95
from .ledger import JobRecord

MOST = 5
"""So many trials after the best are compared with it, each in about as long as the two take to predict."""
FEWEST = 3
"""From so many repeats or folds on, it is they that tell how far a difference varies, and not the rows of each."""


@dataclass(frozen=True)
class Judgment:
    """What a comparison of the best trial with another says."""

    worse: bool
    """Whether the other is shown to be worse; else nothing tells the two apart."""
    text: str
    """The difference in figures."""


def with_ties(board: Leaderboard, jobs: Sequence[JobRecord], *, home: str | Path | None = None) -> Leaderboard:
    """Return a leaderboard that says which trials are no worse than its best, as far as held-out rows can show that.

    Trials are compared in order until one is worse: by `hookline compare` of their jobs, or, of three repeats or folds on,
    by the interval of the mean difference over them.
    """
    ranked = [row for row in board.rows if row["status"] == "finished"]
    # What a trial cost is no matter of held-out rows.
    if len(ranked) < 2 or board.metric is None or board.metric in COSTS:
        return board
    best, others = ranked[0], ranked[1 : MOST + 1]
    by_trial = {row["trial"]: [job for job in jobs if job.trial == row["trial"]] for row in (best, *others)}
    tied: list[Mapping[str, Any]] = []
    left = f"the {len(ranked) - MOST - 1} after them were not compared" if len(ranked) > MOST + 1 else ""
    for row in others:
        pairs = list(zip(by_trial[best["trial"]], by_trial[row["trial"]], strict=False))
        try:
            found = _judged(board.metric, pairs, home)
        except HooklineError as error:
            left = f"{_named(board, row)} cannot be compared with it: {error.message}"
            break
        if found.worse:
            left = f"{_named(board, row)} is worse: {found.text}"
            break
        tied.append(row)
    return replace(board, ties=tuple(int(row["trial"]) for row in tied), verdict=_said(board, best, tied, left))


def _said(board: Leaderboard, best: Mapping[str, Any], tied: Sequence[Mapping[str, Any]], left: str) -> str:
    if not tied:
        return f"{_named(board, best)} comes first; {left}"
    head = f"no difference shown between {_named(board, best)} and {', '.join(_named(board, row) for row in tied)}"
    return f"{head}; {left}" if left else head


def _named(board: Leaderboard, row: Mapping[str, Any]) -> str:
    """Return a trial by its rank, with what it chose."""
    own = " ".join(f"{key}={row[key]}" for key in board.varied if row[key] is not None)
    return f"rank {row['rank']}" + (f" ({own})" if own else "")


def _judged(metric: str, pairs: Sequence[tuple[JobRecord, JobRecord]], home: str | Path | None) -> Judgment:
    if len(pairs) >= FEWEST and all(metric in job.metrics for pair in pairs for job in pair):
        return by_repeats(metric, pairs)
    heads = [_head(metric, compare_runs(_run(first), _run(second), home=home)) for first, second in pairs]
    return Judgment(all(head.verdict == "worse" for head in heads), _figures(heads[0]))


def _run(job: JobRecord) -> Run:
    return load_run(Path(job.path), None, None)


def _figures(head: Difference) -> str:
    return (
        f"{head.metric} {head.first:.4g} -> {head.second:.4g}, "
        f"difference {head.difference:+.4g} [{head.low:+.4g}, {head.high:+.4g}]"
    )


def _head(metric: str, found: Comparison) -> Difference:
    """Return the difference in the metric that ranks, where rows tell it; else the one that heads the comparison."""
    return next((one for one in found.differences if one.metric == metric), found.differences[0])


def by_repeats(metric: str, pairs: Sequence[tuple[JobRecord, JobRecord]]) -> Judgment:
    """Judge by the mean difference over repeats or folds, with the corrected resampled t interval (Nadeau and Bengio 2003).

    The variance counts 1/n + test/train rows instead of 1/n, since the training rows of two repeats overlap.
    """
    values = [(float(a.metrics[metric][0]), float(b.metrics[metric][0])) for a, b in pairs]
    differences, count = [second - first for first, second in values], len(values)
    if not all(map(math.isfinite, differences)):
        return Judgment(worse=False, text=f"{metric} is not finite in each of {count} jobs")
    mean, spread = statistics.fmean(differences), statistics.stdev(differences)
    half = t95(count - 1) * spread * math.sqrt(1 / count + _share(pairs[0][0].config))
    greater = bool(pairs[0][0].metrics[metric][1])
    worse = mean + half < 0 if greater else mean - half > 0
    told = f"{metric}, difference {mean:+.4g} [{mean - half:+.4g}, {mean + half:+.4g}] over {count} jobs"
    return Judgment(worse, told)


def _share(config: Mapping[str, Any]) -> float:
    """Return how many held-out rows there are to one that is trained on."""
    split = config.get("split") or {}
    test = 1 / split["folds"] if split.get("folds") else float(split.get("test") or 0.0)
    return test / (1 - test) if 0 < test < 1 else 1.0
