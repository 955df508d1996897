"""What policies say in words, and what a history of them leads back to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hookline import Deployment, Route
from hookline.live.deploying.policies import (
    before_present,
    is_settled,
    is_taken_back,
    newcomers,
    only,
    pair_of,
    repeated,
    rows_of,
    words_of,
)


def single(version: int) -> Deployment:
    return Deployment.single("shop", version, "local")


def canary(old: int, new: int, share: float = 0.05) -> Deployment:
    routes = (Route(old, 1 - share), Route(new, share, arm="canary"))
    return Deployment("shop", old, routes, "canary", {"champion": old})


def shadow(old: int, new: int, share: float = 1.0) -> Deployment:
    return Deployment("shop", old, (Route(old, 1.0), Route(new, share, shadow=True, arm="shadow")), "shadow")


def standby(charge: int, other: int) -> Deployment:
    """Blue and green: one answers everything, and the other is warm."""
    return Deployment("shop", charge, (Route(charge, 1.0), Route(other, 0.0, arm="blue")), "blue_green")


def history(*policies: Deployment) -> list[Deployment]:
    """Return policies as the catalog gives them: numbered as they came, newest first."""
    return [replace(policy, number=number) for number, policy in enumerate(policies, 1)][::-1]


def rolled_back(*policies: Deployment) -> list[Deployment]:
    """Return the history after one more roll-back."""
    found = before_present(history(*policies))
    assert found is not None
    return [*policies, repeated(found)]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (single(1), "v1 answers everything"),
        (canary(1, 2), "v1 answers 95 %, v2 5 % (canary)"),
        (replace(canary(1, 2), key="customer"), "v1 answers 95 %, v2 5 % (canary), by customer"),
        (shadow(1, 2), "v1 answers everything, v2 is asked beside (shadow)"),
        (shadow(1, 2, 0.1), "v1 answers everything, v2 is asked beside of 10 % (shadow)"),
        (standby(2, 1), "v2 answers everything, v1 stands by (blue)"),
        (None, "no policy, so that the newest version answers"),
    ],
)
def test_a_policy_is_told_in_a_line(policy: Deployment | None, words: str) -> None:
    assert words_of(policy) == words


def test_a_change_is_told_in_a_few_letters() -> None:
    assert pair_of(None, single(1)) == "none -> v1"
    assert pair_of(single(1), canary(1, 2)) == "v1 -> v1 95 % + v2 5 %"
    assert pair_of(shadow(1, 2), single(2)) == "v1 + v2 beside -> v2"


def test_a_change_is_a_row_an_arm() -> None:
    assert rows_of(single(1), canary(1, 2)) == [
        {"version": 1, "arm": "live", "now": "100 %", "then": "95 %"},
        {"version": 2, "arm": "canary", "now": "", "then": "5 %"},
    ]
    assert rows_of(None, shadow(1, 2, 0.5))[1]["then"] == "asked beside, 50 %"


def test_a_rollout_is_about_the_versions_that_are_not_in_charge() -> None:
    assert newcomers(single(1)) == []
    assert newcomers(canary(1, 3)) == [3]
    assert newcomers(shadow(1, 2, 0.1)) == [2]
    # After the switch the old version only stands by.
    assert newcomers(standby(2, 1)) == []
    assert not is_settled(standby(2, 1))
    assert is_settled(single(4))


def version_before(*policies: Deployment) -> int | None:
    found = before_present(history(*policies))
    return None if found is None else found.version


def test_of_a_promotion_it_goes_back_to_the_version_before() -> None:
    assert version_before(single(1), single(2)) == 1
    assert version_before(single(1), canary(1, 2), replace(single(2), step=3)) == 1


def test_in_a_canary_it_goes_back_to_the_version_in_charge() -> None:
    found = before_present(history(single(1), single(2), canary(2, 3), replace(canary(2, 3, 0.5), step=1)))
    assert found == replace(single(2), number=2)


def test_of_a_shadow_only_the_live_version_is_left() -> None:
    assert version_before(single(4), single(1), shadow(1, 2)) == 1


@pytest.mark.parametrize("during", [standby(1, 2), standby(2, 1)])
def test_between_blue_and_green_it_goes_back_to_what_answered_first(during: Deployment) -> None:
    assert version_before(single(1), during) == 1


def test_a_second_roll_back_goes_further_back_and_not_forth() -> None:
    once = rolled_back(single(1), single(2), single(3))
    assert once[-1].version == 2
    twice = rolled_back(*once)
    assert twice[-1].version == 1
    assert before_present(history(*twice)) is None


def test_what_is_promoted_after_a_roll_back_stands_upon_what_was_put_back() -> None:
    once = rolled_back(single(1), single(2), single(3))
    again = [*once, canary(2, 4), single(4)]
    assert version_before(*again) == 2
    assert version_before(*rolled_back(*again)) == 1


def test_a_roll_back_of_a_controller_leaves_nothing_to_go_back_to_but_the_version_before() -> None:
    came_back = replace(single(2), step=2)
    assert version_before(single(1), single(2), canary(2, 3), came_back) == 1


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((single(1), canary(1, 2), single(1)), True),
        ((single(1), canary(1, 2), replace(canary(1, 2, 0.5), step=1), single(1)), True),
        ((canary(1, 2), single(1)), True),
        ((single(1), standby(2, 1), single(1)), True),
        ((single(1), standby(2, 1), canary(2, 3), single(2)), True),
        ((single(1), canary(1, 2)), False),
        ((single(1), canary(1, 2), single(2)), False),
        # The switch went well, and the old version is let go.
        ((single(1), shadow(1, 2), standby(2, 1), single(2)), False),
        ((single(1), canary(1, 2), single(1), single(3)), False),
        ((single(1), single(2), single(1)), False),
        ((single(1),), False),
    ],
)
def test_a_rollout_that_ended_where_it_began_needs_no_roll_back(
    policies: tuple[Deployment, ...], expected: bool
) -> None:
    assert is_taken_back(history(*policies)) is expected


def test_an_old_version_that_a_person_promoted_is_left_for_the_one_before_it() -> None:
    assert version_before(single(1), single(2), single(1)) == 2


def test_a_rollout_with_nothing_before_it_goes_back_to_the_version_in_charge() -> None:
    found = before_present(history(canary(1, 2)))
    assert found == only(canary(1, 2), 1)
    assert before_present([]) is None
    assert version_before(single(1)) is None
