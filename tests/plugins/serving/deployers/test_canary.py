"""A canary goes on, is promoted or taken back by what was seen of both versions since the step began."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline import Deployment, Package, Route, Seen
from hookline.errors import ConfigError
from hookline.kinds.plain import from_json, to_json
from hookline.registry.values import validate
from hookline_serving import CanaryDeployer
from kit.seen import judged, off, seen

START = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = Deployment.single("shop", 3, "canary")
NEW = Package(Path("package"), "onnx", "shop", 7)


def deployed(canary: CanaryDeployer) -> Deployment:
    return replace(canary.deploy(NEW, LIVE), since=START)


def after(canary: CanaryDeployer, new: Seen, live: Seen, minutes: float = 11, **policy: Any) -> Deployment | None:
    held = replace(deployed(canary), **policy)
    return canary.follow(held, {7: new, 3: live}, START + timedelta(minutes=minutes))


def shares(policy: Deployment | None) -> Mapping[int, float]:
    assert policy is not None
    return {route.version: route.weight for route in policy.routes}


def test_the_first_version_ever_answers_everything() -> None:
    policy = CanaryDeployer().deploy(NEW, None)
    assert shares(policy) == {7: 1}
    assert policy.aliases == {"champion": 7}


def test_a_new_version_gets_its_first_share_and_the_one_in_charge_stays_so() -> None:
    policy = CanaryDeployer(key="customer").deploy(NEW, LIVE)
    assert policy.routes == (Route(3, 0.99), Route(7, 0.01, arm="canary"))
    assert (policy.version, policy.key) == (3, "customer")
    assert policy.aliases == {"champion": 3, "challenger": 7}


def test_the_arms_of_a_rollout_under_way_end_and_the_same_rollout_goes_on() -> None:
    canary = CanaryDeployer()
    under_way = deployed(canary)
    other = canary.deploy(replace(NEW, version=8), under_way)
    assert shares(other) == {3: 0.99, 8: 0.01}
    assert other.step == 0
    assert canary.deploy(NEW, replace(under_way, step=2)) == replace(under_way, step=2)


def test_a_step_waits_for_its_time_and_its_requests() -> None:
    canary = CanaryDeployer()
    assert after(canary, seen(600), seen(60_000), minutes=9) is None
    assert after(canary, seen(499), seen(60_000)) is None
    following = after(canary, seen(600), seen(60_000, 12))
    assert shares(following) == {3: 0.95, 7: 0.05}
    assert following is not None
    assert following.reason.startswith(
        "v7 goes from 1 % to 5 % of the requests: 0 of 600 requests of v7 failed, and 12 of 60,000 requests (0.02 %) of v3;"
    )
    assert following.step == 1
    assert following.since is None
    assert following.figures["arms"]["canary"] == {
        "version": 7,
        "requests": 600,
        "errors": 0,
        "p99": pytest.approx(0.01, rel=0.2),
    }


def test_behind_the_last_step_the_new_version_is_promoted() -> None:
    routes = (Route(3, 0.75), Route(7, 0.25, arm="canary"))
    following = after(CanaryDeployer(), seen(6_000), seen(18_000), routes=routes)
    assert following is not None
    assert following.routes == (Route(7, 1.0),)
    assert (following.version, following.aliases) == (7, {"champion": 7})
    assert following.reason.startswith("v7 takes over from v3:")
    assert from_json(Deployment, to_json(following)) == following


def test_where_a_person_is_to_say_so_the_last_share_stays_and_the_reason_says_how() -> None:
    canary = CanaryDeployer(promote="suggest")
    routes = (Route(3, 0.75), Route(7, 0.25, arm="canary"))
    following = after(canary, seen(6_000), seen(18_000), routes=routes)
    assert following is not None
    assert (following.routes, following.version) == (routes, 3)
    assert "(hookline models promote shop:7)" in following.reason
    waiting = replace(following, since=START)
    assert canary.follow(waiting, {7: seen(6_000), 3: seen(18_000)}, START + timedelta(hours=9)) is None
    failing = canary.follow(waiting, {7: seen(6_000, 900), 3: seen(18_000)}, START + timedelta(hours=9))
    assert shares(failing) == {3: 1}


FAULTS: Mapping[str, tuple[Seen, str]] = {
    "errors": (seen(400, 20), r"20 of 400 requests \(5 %\) of v7 failed, and 0 of 39,600 requests of v3"),
    "latency": (seen(400, took=0.03), r"99 of 100 requests of v7 took at most 3\d(\.\d)? ms, and 1\d(\.\d)? ms of v3"),
    "answers": (seen(400, answers=(10, 20, 30, 40)), "what v7 and v3 answered are 40 % apart"),
}


@pytest.mark.parametrize("guard", FAULTS)
def test_a_version_that_does_worse_is_taken_back_at_once_with_the_figures(guard: str) -> None:
    new, told = FAULTS[guard]
    following = after(CanaryDeployer(), new, seen(39_600), minutes=0.1)
    assert following is not None
    assert following.routes == (Route(3, 1.0),)
    assert following.aliases == {"champion": 3}
    assert following.figures["guards"][guard]["against"] is True

    assert re.search(told, following.reason), following.reason
    assert "chance shows as much in one of" in following.reason


@pytest.mark.parametrize("guard", FAULTS)
def test_a_guard_that_is_off_says_nothing(guard: str) -> None:
    off_ = {guard: None}
    assert after(CanaryDeployer(**off_), FAULTS[guard][0], seen(39_600), minutes=0.1) is None  # type: ignore[arg-type]


def test_a_difference_that_is_sure_and_too_small_to_matter_is_let_pass() -> None:
    live = seen(10**7, 10**4)
    assert after(CanaryDeployer(), seen(10**6, 3_000), live, minutes=1) is None
    assert after(CanaryDeployer(), seen(10**6, 10**3, answers=(45, 30, 15, 10)), live, minutes=1) is None
    assert after(CanaryDeployer(), seen(10**6, 10**3, took=0.0115), live, minutes=1) is None


def test_the_live_version_doing_as_badly_at_the_same_time_is_no_fault_of_the_new_one() -> None:
    assert after(CanaryDeployer(), seen(400, 80, took=0.5), seen(39_600, 7_900, took=0.5), minutes=1) is None


def test_labels_take_back_a_version_that_is_wrong_more_often() -> None:
    rng = np.random.default_rng(0)
    new, live = (judged(rng.random(2_000) < share) for share in (0.4, 0.2))
    following = after(CanaryDeployer(), seen(2_000, scored=new), seen(2_000, scored=live), minutes=1)
    assert following is not None
    assert "the share of mistakes of v7 is 0.4" in following.reason
    assert following.figures["guards"]["quality"]["low"] > 0
    alike = judged(rng.random(2_000) < 0.2)
    assert after(CanaryDeployer(), seen(2_000, scored=alike), seen(2_000, scored=live), minutes=1) is None


def test_labels_take_back_a_version_of_numbers_that_is_further_off() -> None:
    rng = np.random.default_rng(0)
    new, live = (off((scale * rng.normal(size=2_000)).tolist()) for scale in (2, 1))
    following = after(CanaryDeployer(), seen(2_000, scored=new), seen(2_000, scored=live), minutes=1)
    assert following is not None
    assert "the mean error of v7 is" in following.reason


def test_requests_that_are_worth_less_weigh_less() -> None:
    new, live = seen(400, 20), seen(39_600)
    assert after(CanaryDeployer(), replace(new, answers=seen(400, worth=0.02).answers), live, minutes=1) is None


def keyed(requests: int, errors: int, keys: int | None, worth: float = 1.0, first: int = 0) -> Seen:
    """Return what was seen of requests whose errors are of so many keys; None: nobody knows of which."""
    failing = None if keys is None else frozenset(f"k{first + key}" for key in range(keys))
    return replace(seen(requests, errors, worth=worth), failing=failing)


@pytest.mark.parametrize(("keys", "taken_back"), [(8, True), (1, False), (None, False)])
def test_requests_that_fail_of_many_keys_tell_more_than_as_many_of_one(keys: int | None, taken_back: bool) -> None:
    by_key, live = CanaryDeployer(key="customer", answers=None), keyed(39_600, 40, 38, worth=0.02, first=100)
    following = after(by_key, keyed(400, 20, keys, worth=0.02), live, minutes=0.1)
    assert (following is not None) == taken_back
    if following is not None:
        assert following.figures["guards"]["errors"]["keys"] == [8, 38]


def test_a_key_that_failed_with_the_live_version_too_counts_for_the_new_one_that_it_fell_to() -> None:
    by_key = CanaryDeployer(key="customer", answers=None)
    # The live version was asked again for what the new one could not answer, and could not either.
    following = after(by_key, keyed(400, 20, 8, worth=0.02), keyed(39_600, 20, 8, worth=0.02), minutes=0.1)
    assert following is not None
    assert following.figures["guards"]["errors"]["keys"] == [8, 0]


def test_where_keys_decide_the_reason_says_that_they_may_be_why_answers_differ() -> None:
    by_key, shifted = CanaryDeployer(key="customer"), FAULTS["answers"][0]
    following = after(by_key, shifted, seen(39_600), minutes=0.1)
    assert following is not None
    assert "unless requests of one customer are alike, which nobody has told" in following.reason
    told = after(by_key, replace(shifted, answers=seen(400, answers=(10, 20, 30, 40), worth=0.9).answers), seen(39_600))
    assert told is not None
    assert "alike" not in told.reason


def test_a_policy_that_is_no_canary_stays() -> None:
    assert CanaryDeployer().follow(replace(LIVE, since=START), {3: seen(9, 9)}, START + timedelta(days=9)) is None


def test_a_clock_that_was_put_back_does_not_move_traffic() -> None:
    assert after(CanaryDeployer(), seen(6_000), seen(60_000), minutes=-600) is None


def test_a_version_that_did_worse_on_held_out_rows_is_tried_and_one_that_nobody_may_meet_is_not() -> None:
    assert CanaryDeployer().accepts(replace(NEW, objections=("accuracy is 0.8, and 0.9 of v3",)))
    leaks = ("critical finding: a column equals the target",)
    assert not CanaryDeployer().accepts(replace(NEW, objections=leaks, unfit=leaks))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"wait": "soon"}, "deployer.wait: must be a length of time, got 'soon'; write 90s, 15m, 1h, 7d or 2w"),
        ({"steps": [5, 1]}, "deployer: steps must go up, got [5.0, 1.0]"),
        ({"steps": [0, 1]}, "deployer.steps.0: must be greater than 0, got 0"),
        ({"latency": 0.5}, "deployer.latency: must be greater than or equal to 1, got 0.5"),
    ],
)
def test_fields_that_make_no_sense_are_refused_by_name(given: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        validate(CanaryDeployer, given, "deployer", "bad config")
    assert told in str(error.value)
