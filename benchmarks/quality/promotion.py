"""How often a challenger that is no better takes over, if one looks after every batch of labels; how soon a better one does.

python benchmarks/quality/promotion.py [--seeds 2000] [--rows 5000]

The loss of both versions is drawn row by row, as mistakes are (0 or 1, one in five rows; paired: both often fail on the same
rows), and compared after every 50 rows by three rules: `retrain` (the test that releases a challenger), deploy-if-better (the
lower mean, once 50 rows are there, as a scheduled job does that looks again and again), and a t-test at 5 % each time.
Numbers are losses that are squared errors of a normal law, and of one with heavy tails (t, 5 degrees of freedom).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from hookline.live.learning.rules import Trial
from hookline.live.learning.testing import PLANNED
from hookline.quality.sequential.asymptotic import Estimate, around
from hookline.quality.sequential.betting import log_fortune

STEP = 50
RISK = Trial.risk / 2
"""What falls to the first challenger of a champion."""

Draw = Callable[[np.random.Generator, int, float], np.ndarray]
"""Returns what the champion loses more than the challenger, (rows,), whose mean is the third number times its spread or share."""


@dataclass(frozen=True)
class Rule:
    """Who promotes when: of what the champion lost more on each row so far."""

    name: str
    says: Callable[[np.ndarray], bool]


def mistakes(rng: np.random.Generator, rows: int, gain: float) -> np.ndarray:
    """Return differences of mistakes; gain: by how much smaller the challenger's share of them is."""
    hard = rng.random(rows)
    # Half of what both get wrong they get wrong together.
    both = hard < 0.1
    champion = both | ((hard >= 0.1) & (hard < 0.2 + gain / 2))
    challenger = both | (hard >= 0.9 + gain / 2)
    return champion.astype(float) - challenger.astype(float)


def squared(rng: np.random.Generator, rows: int, gain: float, tail: float | None = None) -> np.ndarray:
    """Return differences of squared errors; gain: the part of its variance that the challenger's noise lacks."""
    draw = (lambda: rng.normal(size=rows)) if tail is None else (lambda: rng.standard_t(tail, rows))
    shared, old, new = draw(), draw(), draw()
    return (shared + old) ** 2 - (shared + new * np.sqrt(1 - gain)) ** 2


def by_betting(gains: np.ndarray) -> bool:
    """Tell whether the test of `retrain` releases a challenger, of losses from 0 to 1."""
    return len(gains) >= Trial.least and log_fortune(gains, 0.0, -1, 1) >= -np.log(RISK)


def by_normal_law(gains: np.ndarray) -> bool:
    """Tell the same of other losses."""
    if len(gains) < Trial.least:
        return False
    estimate = Estimate(len(gains), len(gains), gains.mean(), gains.var(ddof=1))
    return around(estimate, RISK, PLANNED).low > 0


def if_better(gains: np.ndarray) -> bool:
    """Tell whether the mean is better by whatever."""
    return bool(gains.mean() > 0)


def by_t_test(gains: np.ndarray) -> bool:
    """Tell whether a one-sided test at 5 % says so at this look alone."""
    spread = gains.std(ddof=1)
    return bool(spread > 0 and gains.mean() / spread * np.sqrt(len(gains)) > norm.ppf(0.95))


CASES: dict[str, tuple[Draw, Callable[[np.ndarray], bool], tuple[float, ...]]] = {
    "mistakes": (mistakes, by_betting, (0.0, 0.02, 0.05, 0.1)),
    "squared errors": (squared, by_normal_law, (0.0, 0.05, 0.1, 0.3)),
    "squared errors, heavy tails": (lambda *a: squared(*a, tail=5.0), by_normal_law, (0.0, 0.1, 0.3)),
}


def first(gains: np.ndarray, says: Callable[[np.ndarray], bool]) -> int | None:
    """Return after how many rows a rule promotes, looking after every batch; None where it never does."""
    return next((rows for rows in range(STEP, len(gains) + 1, STEP) if says(gains[:rows])), None)


def measured(seeds: int, rows: int) -> Iterator[dict[str, object]]:
    """Yield a line a case, gain and rule: how often it promotes, and after how many rows at the median."""
    for case, (draw, ours, gains) in CASES.items():
        rules = (Rule("retrain", ours), Rule("deploy-if-better", if_better), Rule("t-test at each look", by_t_test))
        for gain in gains:
            told: dict[str, list[int | None]] = {rule.name: [] for rule in rules}
            for seed in range(seeds if gain == 0 else max(1, seeds // 10)):
                drawn = draw(np.random.default_rng([seed, round(gain * 1000)]), rows, gain)
                for rule in rules:
                    told[rule.name].append(first(drawn, rule.says))
            for name, found in told.items():
                when = [one for one in found if one is not None]
                median = None if not when else float(np.median(when))
                yield {"case": case, "gain": gain, "rule": name, "promoted": len(when) / len(found), "rows": median}


def main() -> None:
    """Print the table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=2000)
    options.add_argument("--rows", type=int, default=5000)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    for line in measured(given.seeds, given.rows):
        if given.json:
            print(json.dumps(line), flush=True)
            continue
        when = "" if line["rows"] is None else f"{line['rows']:.0f}"
        print(
            f"{line['case']:<28} gain {line['gain']:<5} {line['rule']:<20} {line['promoted']:>7.1%}  {when:>6}",
            flush=True,
        )


if __name__ == "__main__":
    main()
