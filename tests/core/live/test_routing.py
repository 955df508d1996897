"""Who answers a row: shares as the weights say, and one value of the key always the same way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from hookline.kinds.deployments import Deployment, Route
from hookline.live.routing import Router

CANARY = Deployment("churn", 1, (Route(1, 0.95), Route(2, 0.05, arm="canary")), "canary", key="customer")


def answering(policy: Deployment, keys: range) -> dict[int, int]:
    """Return who answers each key, by version."""
    router = Router.of(policy)
    return {key: router.route(f"c{key}").version for key in keys}


def at(policy: Deployment, share: float) -> Deployment:
    return replace(policy, routes=(Route(1, 1 - share), Route(2, share, arm="canary")))


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_keys_are_divided_as_the_weights_say(share: float) -> None:
    found = Counter(answering(at(CANARY, share), range(20_000)).values())
    # Four standard deviations of a share of 20,000.
    assert abs(found[2] / 20_000 - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_who_is_in_the_canary_stays_in_it_as_it_grows() -> None:
    few, many = (answering(at(CANARY, share), range(2_000)) for share in (0.05, 0.25))
    assert {key for key, version in few.items() if version == 2} < {
        key for key, version in many.items() if version == 2
    }


def test_another_rollout_picks_others() -> None:
    other = replace(CANARY, routes=(Route(1, 0.95), Route(3, 0.05, arm="canary")))
    first, second = ({key for key, v in answering(p, range(2_000)).items() if v != 1} for p in (CANARY, other))
    assert len(first & second) < len(first) / 2


def test_without_a_key_chance_decides() -> None:
    router = Router.of(at(replace(CANARY, key=None), 0.5))
    found = Counter(router.route().version for _ in range(2_000))
    assert 800 < found[2] < 1_200


def test_a_shadow_is_asked_of_its_share_and_answers_nobody() -> None:
    policy = Deployment(
        "churn", 1, (Route(1, 1.0), Route(2, 0.25, shadow=True, arm="shadow")), "shadow", key="customer"
    )
    router = Router.of(policy)
    assert {router.route(f"c{i}").version for i in range(100)} == {1}
    assert 150 < sum(len(router.beside(router.place(f"c{i}"))) for i in range(800)) < 250
    assert not router.is_single


@pytest.mark.parametrize(
    "routes", [(), (Route(1, 1.0),), (Route(1, 1.0), Route(2, 0.0, arm="previous")), (Route(2, 0.0, shadow=True),)]
)
def test_a_policy_that_asks_one_version_is_single(routes: tuple[Route, ...]) -> None:
    router = Router.of(replace(CANARY, routes=routes))
    assert router.is_single
    assert router.route("x").version == 1
