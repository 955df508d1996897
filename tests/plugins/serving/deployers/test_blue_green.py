"""Blue-green: asked beside the old version, then switched to at once, with the old one kept warm for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hookline import Deployment, Package, Route
from hookline_serving import BlueGreenDeployer
from kit.seen import seen

START = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = Deployment.single("shop", 3, "local")
NEW = Package(Path("package"), "onnx", "shop", 7)
SWITCHED = (Route(7, 1.0), Route(3, 0.0, arm="previous"))


def in_force(policy: Deployment | None) -> Deployment:
    assert policy is not None
    return replace(policy, since=START)


def later(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_the_new_version_is_asked_beside_the_old_one_before_the_switch() -> None:
    policy = BlueGreenDeployer().deploy(NEW, LIVE)
    assert policy.routes == (Route(3, 1.0), Route(7, 1.0, shadow=True, arm="golden"))
    assert (policy.version, policy.deployer) == (3, "blue_green")


def test_everything_is_switched_at_once_and_the_old_version_stays_warm() -> None:
    deployer = BlueGreenDeployer()
    policy = in_force(deployer.deploy(NEW, LIVE))
    assert deployer.follow(policy, {7: seen(199), 3: seen(199)}, later(1)) is None
    following = deployer.follow(policy, {7: seen(200), 3: seen(210)}, later(1))
    assert following is not None
    assert following.routes == SWITCHED
    assert (following.version, following.aliases, following.step) == (7, {"champion": 7}, 1)
    assert following.reason == (
        "everything goes from v3 to v7: 0 of 200 requests of v7 failed, and 0 of 210 requests of v3."
    )


def test_the_old_version_is_let_go_after_a_while() -> None:
    deployer = BlueGreenDeployer(golden=0, keep="1h")
    policy = in_force(deployer.deploy(NEW, LIVE))
    assert policy.routes == SWITCHED
    assert deployer.follow(policy, {7: seen(5_000)}, later(59)) is None
    following = deployer.follow(policy, {7: seen(5_000)}, later(61))
    assert following is not None
    assert following.routes == (Route(7, 1.0),)
    assert "v7 has answered 5,000 requests since the switch, so v3 is let go." in following.reason
    assert deployer.follow(in_force(following), {7: seen(5_000)}, later(600)) is None


def test_the_old_version_is_not_kept_where_nobody_wants_it() -> None:
    assert BlueGreenDeployer(golden=0, keep="0s").deploy(NEW, LIVE).routes == (Route(7, 1.0),)


@pytest.mark.parametrize(("asked", "errors"), [(60, 30), (5, 5)], ids=["half", "all of a few"])
def test_a_version_that_fails_is_not_switched_to(asked: int, errors: int) -> None:
    deployer = BlueGreenDeployer()
    policy = in_force(deployer.deploy(NEW, LIVE))
    following = deployer.follow(policy, {7: seen(asked, errors), 3: seen(asked)}, later(11))
    assert following is not None
    assert following.routes == (Route(3, 1.0),)
    assert following.version == 3
    assert following.reason.startswith("v7 is not switched to, and v3 stays: ")


def test_it_switches_where_nobody_asks() -> None:
    deployer = BlueGreenDeployer()
    policy = in_force(deployer.deploy(NEW, LIVE))
    assert deployer.follow(policy, {}, later(9)) is None
    following = deployer.follow(policy, {}, later(10))
    assert following is not None
    assert following.routes == SWITCHED


def test_the_first_version_and_one_that_is_in_charge_answer_everything() -> None:
    assert BlueGreenDeployer().deploy(NEW, None).routes == (Route(7, 1.0),)
    switched = in_force(BlueGreenDeployer(golden=0).deploy(NEW, LIVE))
    assert BlueGreenDeployer().deploy(NEW, switched) == switched


def test_a_version_that_something_speaks_against_is_put_in_charge_only_where_it_is_told_to() -> None:
    worse = replace(NEW, objections=("accuracy is 0.8, and 0.9 of v3",))
    assert not BlueGreenDeployer().accepts(worse)
    assert BlueGreenDeployer(promote="always").accepts(worse)
