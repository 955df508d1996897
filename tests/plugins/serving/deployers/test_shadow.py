"""A shadow is asked beside the live version, and ends with what was seen of both; who answers stays the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookline import Deployment, Package, Route, Seen
from hookline_serving import ShadowDeployer
from kit.seen import seen

START = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = Deployment.single("shop", 3, "local")
NEW = Package(Path("package"), "onnx", "shop", 7)


def after(shadow: ShadowDeployer, new: Seen, live: Seen, hours: float = 1) -> Deployment | None:
    policy = replace(shadow.deploy(NEW, LIVE), since=START)
    return shadow.follow(policy, {7: new, 3: live}, START + timedelta(hours=hours))


def test_a_share_of_the_requests_is_asked_of_the_new_version_too() -> None:
    policy = ShadowDeployer(share=0.2, key="customer").deploy(NEW, LIVE)
    assert policy.routes == (Route(3, 1.0), Route(7, 0.2, shadow=True, arm="shadow"))
    assert (policy.version, policy.key) == (3, "customer")


def test_it_ends_after_so_many_requests_and_says_where_to_look() -> None:
    assert after(ShadowDeployer(), seen(9_999), seen(9_999)) is None
    following = after(ShadowDeployer(), seen(10_000), seen(10_020, 3))
    assert following is not None
    assert following.routes == (Route(3, 1.0),)
    assert following.version == 3
    assert following.reason.startswith(
        "the shadow ends after 10,000 requests, and nothing speaks against v7: 0 of 10,000 requests of v7 failed, and 3 of "
    )
    assert following.reason.endswith("see what it would have changed with hookline deploy status shop.")
    assert following.figures["arms"]["shadow"]["requests"] == 10_000


def test_it_ends_after_so_long() -> None:
    assert after(ShadowDeployer(lasts="2h"), seen(30), seen(30)) is None
    following = after(ShadowDeployer(lasts="2h"), seen(3), seen(3), hours=2)
    assert following is not None
    assert "3 requests of it were seen, too few to compare" in following.reason


def test_it_ends_early_where_the_new_version_fails() -> None:
    following = after(ShadowDeployer(), seen(300, 40), seen(300))
    assert following is not None
    assert "this speaks against v7: 40 of 300 requests (13 %) of v7 failed" in following.reason


def test_other_answers_are_told_at_the_end_and_no_times_that_nobody_waited_for() -> None:
    other = seen(10_000, took=0.03, answers=(10, 20, 30, 40))
    assert after(ShadowDeployer(requests=20_000), other, seen(10_000)) is None
    following = after(ShadowDeployer(), other, seen(10_000))
    assert following is not None
    assert "this speaks against v7: the distributions of what v7 and v3 answered are" in following.reason
    assert "took at most" not in following.reason
    assert "what v7 and v3 answered are 40 % apart" in following.reason


def test_a_policy_without_a_shadow_stays() -> None:
    assert ShadowDeployer().follow(replace(LIVE, since=START), {}, START + timedelta(days=9)) is None
