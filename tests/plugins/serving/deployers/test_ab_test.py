"""An A/B test ends with a verdict in words, as soon as labels tell, or without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline import Deployment, Package, Route, Seen
from hookline.errors import ConfigError
from hookline.kinds.plain import from_json, plain, to_json
from hookline.registry.values import validate
from hookline_serving import ABTestDeployer
from kit.seen import judged, off, seen

START = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = Deployment.single("shop", 3, "ab_test")
NEW = Package(Path("package"), "onnx", "shop", 7)


def after(test: ABTestDeployer, found: Mapping[int, Seen]) -> Deployment | None:
    policy = replace(test.deploy(NEW, LIVE), since=START)
    following = test.follow(policy, found, START)
    assert following is None or from_json(Deployment, to_json(following)) == following
    return following


def answered(wrong: float, rows: int = 3_000, seed: int = 0) -> Seen:
    return seen(rows, scored=judged(np.random.default_rng(seed).random(rows) < wrong))


def test_arms_are_named_in_order_and_the_version_in_charge_is_a() -> None:
    policy = ABTestDeployer(key="customer", arms={"new": 1, "live": 2, 5: 1}).deploy(NEW, LIVE)
    assert policy.routes == (Route(3, 0.5, arm="A"), Route(7, 0.25, arm="B"), Route(5, 0.25, arm="C"))
    assert (policy.version, policy.key) == (3, "customer")
    assert policy.versions == {3, 5, 7}


def test_a_version_that_is_named_twice_is_one_arm() -> None:
    policy = ABTestDeployer(key=None, arms={"live": 1, "new": 1, 3: 2}).deploy(NEW, LIVE)
    assert policy.routes == (Route(3, 0.75, arm="A"), Route(7, 0.25, arm="B"))


def test_the_same_test_goes_on_and_another_starts_anew() -> None:
    test = ABTestDeployer(key=None)
    under_way = replace(test.deploy(NEW, LIVE), since=START)
    assert test.deploy(NEW, under_way) == under_way
    assert ABTestDeployer(key="customer").deploy(NEW, under_way) != under_way


def test_the_better_arm_is_told_and_a_person_puts_it_in_charge() -> None:
    following = after(ABTestDeployer(key=None), {3: answered(0.3), 7: answered(0.2, seed=1)})
    assert following is not None
    assert following.routes == (Route(3, 1.0),)
    assert following.reason.startswith("B (v7) is better than A (v3): the share of mistakes is 0.")
    assert "at 95%, however often one looks" in following.reason
    assert following.reason.endswith("(hookline models promote shop:7).")
    assert following.figures["comparison"]["winner"] == "B"


def test_the_better_arm_takes_over_where_it_is_told_to() -> None:
    following = after(ABTestDeployer(key=None, promote=True), {3: answered(0.3), 7: answered(0.2, seed=1)})
    assert following is not None
    assert following.routes == (Route(7, 1.0),)
    assert (following.version, following.aliases) == (7, {"champion": 7})


def test_the_version_in_charge_may_win() -> None:
    following = after(ABTestDeployer(key=None, promote=True), {3: answered(0.2), 7: answered(0.3, seed=1)})
    assert following is not None
    assert following.version == 3
    assert following.reason.startswith("A (v3) is better than B (v7)")


def test_of_three_arms_the_best_must_beat_each_other_one() -> None:
    test = ABTestDeployer(key=None, arms={"live": 1, "new": 1, 5: 1}, promote=True)
    alike = {3: answered(0.4), 7: answered(0.2, seed=1), 5: answered(0.2, seed=2)}
    assert after(test, alike) is None
    following = after(test, alike | {5: answered(0.3, seed=2)})
    assert following is not None
    assert following.version == 7
    assert following.reason.startswith("B (v7) is better than A (v3) and C (v5)")


def test_numbers_are_judged_by_their_errors() -> None:
    rng = np.random.default_rng(0)
    one, other = (seen(3_000, scored=off((scale * rng.normal(size=3_000)).tolist())) for scale in (1.5, 1))
    following = after(ABTestDeployer(key=None, metric="absolute"), {3: one, 7: other})
    assert following is not None
    assert following.reason.startswith("B (v7) is better than A (v3): the mean error is 1.")


def test_too_few_labels_are_waited_for() -> None:
    found = {3: answered(0.9, 99), 7: answered(0.1, 99)}
    assert after(ABTestDeployer(key=None), found) is None


def test_the_test_ends_at_its_most_requests_without_a_verdict_where_labels_do_not_tell() -> None:
    test = ABTestDeployer(key=None, max=3_000)
    following = after(test, {3: answered(0.2), 7: answered(0.2, seed=1)})
    assert following is not None
    assert following.reason.startswith("the test ends, and no arm is better than every other one: ")
    unlabeled = after(test, {3: seen(3_000), 7: seen(3_000)})
    assert unlabeled is not None
    assert "without a verdict: too few labels came for A (v3), B (v7); v3 goes on" in unlabeled.reason


def test_keys_that_are_alike_within_tell_less() -> None:
    rng = np.random.default_rng(0)
    keys = [f"c{row // 30}" for row in range(3_000)]
    of_keys = {version: np.repeat(rng.random(100) < share, 30) for version, share in ((3, 0.3), (7, 0.2))}
    found = {version: seen(3_000, scored=judged(wrong.tolist(), keys)) for version, wrong in of_keys.items()}
    assert after(ABTestDeployer(key=None), found) is not None
    assert after(ABTestDeployer(key="customer"), found) is None


def test_a_test_of_keys_that_come_again_decides_as_late_as_one_of_rows() -> None:
    keys = [f"c{row // 10}" for row in range(6_000)]
    of_keys = {version: np.repeat(np.arange(600) < wrong, 10) for version, wrong in ((3, 180), (7, 132))}
    found = {version: seen(6_000, scored=judged(wrong.tolist(), keys)) for version, wrong in of_keys.items()}
    # Of 600 keys each, 30 % and 22 % are 3.2 standard errors apart: enough near the end, which keys do not put off.
    assert after(ABTestDeployer(key="customer", max=50_000), found) is None
    following = after(ABTestDeployer(key="customer", max=6_100), found)
    assert following is not None
    assert following.figures["comparison"]["winner"] == "B"


def test_arms_that_do_not_get_what_they_are_meant_to_end_the_test() -> None:
    following = after(ABTestDeployer(key=None), {3: seen(5_000), 7: seen(5_600)})
    assert following is not None
    assert following.version == 3
    assert "arms that are to get 0.5 : 0.5 got 5,000 of A, 5,600 of B (requests)" in following.reason


def test_of_keys_their_number_counts_and_not_their_requests() -> None:
    many = [f"c{row}" for row in range(2_000)]
    few = [f"d{row % 900}" for row in range(2_000)]
    heavy = {3: seen(5_000, scored=judged([False] * 2_000, many)), 7: seen(9_000, scored=judged([False] * 2_000, many))}
    assert after(ABTestDeployer(key="customer"), heavy) is None
    following = after(ABTestDeployer(key="customer"), heavy | {7: seen(5_000, scored=judged([False] * 2_000, few))})
    assert following is not None
    assert "got 2,000 of A, 900 of B (values of customer)" in following.reason


def test_keys_are_not_compared_before_labels_came_for_every_arm() -> None:
    found = {3: answered(0.2), 7: seen(3_000)}
    assert after(ABTestDeployer(key="customer"), found) is None


def test_an_arm_that_fails_ends_the_test() -> None:
    following = after(ABTestDeployer(key=None), {3: seen(500), 7: seen(500, 60)})
    assert following is not None
    assert following.reason.startswith(
        "the test ends, and v3 answers everything: 60 of 500 requests (12 %) of v7 failed"
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "deployer.key: required"),
        ({"key": None, "arms": {"live": 1, 5: 1}}, "deployer: arms must hold live and new, got live, 5"),
        ({"key": None, "arms": {"live": 1, "new": 0}}, "deployer.arms.new: must be greater than 0, got 0"),
    ],
)
def test_fields_that_make_no_sense_are_refused_by_name(given: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        validate(ABTestDeployer, given, "deployer", "bad config")
    assert told in str(error.value)


def test_arms_come_back_from_json_as_they_were() -> None:
    test = ABTestDeployer(key=None, arms={"live": 1, "new": 1, 5: 2})
    assert validate(ABTestDeployer, plain(test), "deployer", "bad config") == test
