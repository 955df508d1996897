"""How seldom chance takes a version back, and how soon a bad one is; `benchmarks/quality/rollouts.py` prints the whole table."""

from __future__ import annotations

import math
import runpy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline_serving.deployers.evidence.likelihood import log_excess, log_unlike

BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "quality" / "rollouts.py"))
ALIKE: Mapping[str, Any] = {world.told: world for world in BENCHMARK["ALIKE"]}
WORSE: Mapping[str, Any] = {world.told: world for world in BENCHMARK["WORSE"]}
RISK = 0.05
DRAWS = 200


def at_most(share: float, draws: int) -> float:
    """Return a share of draws that one of so small a probability exceeds in one of 1,000 tests (normal approximation)."""
    return share + 3.1 * math.sqrt(share * (1 - share) / draws)


def test_chance_shows_an_excess_of_errors_as_seldom_as_it_says_though_one_looks_at_every_error() -> None:
    exceeded = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        mine = rng.random(3_000) < 0.25
        places = np.flatnonzero(rng.random(3_000) < 0.03) + 1
        # The share is that of the requests so far, as a server counts them.
        shares = np.cumsum(mine)[places - 1] / places
        new = np.cumsum(mine[places - 1])
        looks = zip(new.tolist(), range(1, len(places) + 1), shares.tolist(), strict=True)
        exceeded += any(log_excess(k, n - k, share) >= -math.log(RISK) for k, n, share in looks if 0 < share < 1)
    assert exceeded / DRAWS <= at_most(RISK, DRAWS)


def test_chance_shows_other_answers_as_seldom_as_it_says_though_one_looks_again_and_again() -> None:
    exceeded = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        bins, mine = rng.choice(5, 2_000, p=[0.4, 0.3, 0.15, 0.1, 0.05]), rng.random(2_000) < 0.1
        counts = [[np.cumsum((bins == one) & (mine == side))[39::40] for side in (True, False)] for one in range(5)]
        looks = zip(*(zip(new.tolist(), live.tolist(), strict=True) for new, live in counts), strict=True)
        exceeded += any(log_unlike(look) >= -math.log(RISK) for look in looks)
    assert exceeded / DRAWS <= at_most(RISK, DRAWS)


@pytest.mark.parametrize("told", [told for told in WORSE if told.endswith("at 25 %")])
def test_a_bad_version_is_taken_back_within_a_thousand_of_its_requests(told: str) -> None:
    for seed in range(3):
        outcome = BENCHMARK["play"](WORSE[told], seed)
        assert outcome.end == "taken back"
        assert outcome.requests <= 1_000


def test_a_bad_version_of_which_keys_decide_is_taken_back_though_requests_of_a_key_are_worth_less() -> None:
    for seed in range(3):
        outcome = BENCHMARK["play"](WORSE["2 % fail, none before, at 5 %; keys decide, and are unlike; known"], seed)
        assert (outcome.end, outcome.guard) == ("taken back", "errors")
        assert outcome.requests <= 1_000


def test_a_version_that_is_alike_is_promoted() -> None:
    quick = replace(ALIKE["2 % errors"], canary=replace(BENCHMARK["USUAL"], wait="1m", least=100))
    assert BENCHMARK["play"](quick, 0).end == "promoted"


def test_a_test_between_arms_that_are_alike_ends_without_a_winner_and_one_of_unlike_arms_with_the_better() -> None:
    labels, verdict = BENCHMARK["Labels"], BENCHMARK["verdict"]
    alike = [verdict(labels("alike", most=2_000), seed)[0] for seed in range(40)]
    assert sum(who != "neither" for who in alike) / 40 <= at_most(0.05, 40)
    assert [verdict(labels("unlike", better=0.1, most=2_000), seed)[0] for seed in range(5)] == ["B"] * 5


@pytest.mark.long
@pytest.mark.parametrize("told", [told for told in ALIKE if "unlike" not in told])
def test_at_most_one_of_a_hundred_versions_that_are_alike_is_taken_back(told: str) -> None:
    found = [BENCHMARK["play"](ALIKE[told], seed).end for seed in range(300)]
    assert found.count("taken back") / 300 <= at_most(0.01, 300)


@pytest.mark.long
@pytest.mark.parametrize("told", [told for told in WORSE if not told.endswith("at 50 %") and "known" not in told])
def test_at_least_ninety_nine_of_a_hundred_bad_versions_are_taken_back_in_time(told: str) -> None:
    found = [BENCHMARK["play"](WORSE[told], seed) for seed in range(300)]
    late = sum(one.end != "taken back" or one.requests > 1_000 for one in found)
    assert late / 300 <= at_most(0.01, 300)


@pytest.mark.long
@pytest.mark.parametrize("share", ["5 %", "25 %"])
def test_at_least_ninety_five_of_a_hundred_bad_versions_are_taken_back_where_keys_decide(share: str) -> None:
    told = f"2 % fail, none before, at {share}; keys decide, and are unlike; known"
    found = [BENCHMARK["play"](WORSE[told], seed) for seed in range(300)]
    late = sum(one.end != "taken back" or one.requests > 1_000 for one in found)
    assert late / 300 <= 0.05
