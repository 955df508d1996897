"""What is promised of a deployer that moves traffic: rollouts are played through, each promise with one that breaks it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from hookline import Deployer, Deployment, Package, Route, Seen
from hookline.kinds.component import Component
from hookline.testing import Check, CheckFailed, checks_for
from hookline.testing.rollouts import NEW, OLD, is_over, play, policies


class Staircase(Deployer):
    """Give the new version more and more, and take all back where too many requests fail."""

    name = "staircase"
    shares: tuple[float, ...] = (0.1, 0.5, 1.0)
    """Of the requests, step by step."""
    requests: int = 20_000
    """How many of the new version's a step waits for."""
    most_errors: float = 0.02
    """Share from which on it is taken back."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        new = package.version or 1
        if current is None:
            return Deployment.single(package.name, new, self.name)
        return self.policy(package.name, current.version, new, 0)

    def policy(self, model: str, old: int, new: int, step: int, reason: str = "") -> Deployment:
        share = self.shares[step]
        routes = (Route(old, 1 - share), Route(new, share)) if share < 1 else (Route(new, 1.0),)
        aliases = {"champion": old, "challenger": new} if share < 1 else {"champion": new}
        return Deployment(model, aliases["champion"], routes, self.name, aliases, step=step, reason=reason)

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        new = policy.aliases.get("challenger")
        if new is None or new not in seen or seen[new].requests < self.requests:
            return None
        errors = seen[new].errors / seen[new].requests
        reason = f"{errors:.1%} of {seen[new].requests} requests of v{new} failed."
        if errors > self.most_errors:
            back = Deployment.single(policy.model, policy.version, self.name)
            return dataclasses.replace(back, step=policy.step + 1, reason=reason)
        return self.policy(policy.model, policy.version, new, policy.step + 1, reason)


class Dicing(Staircase):
    """Rolls dice."""

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        following = super().follow(policy, seen, now)
        return following and dataclasses.replace(following, reason=f"threw {np.random.default_rng().random()}.")


class Remembering(Staircase):
    """Goes by how often it was asked."""

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        return super().follow(policy, seen, now) if next(ASKED) % 2 else None


ASKED = itertools.count()


class Clearing(Staircase):
    """Empties what was seen."""

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        following = super().follow(policy, seen, now)
        seen.clear()  # type: ignore[attr-defined]
        return following


class Changed(Staircase):
    """Changes one thing of what comes next."""

    def changed(self, following: Deployment) -> Deployment:
        return following

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        following = super().follow(policy, seen, now)
        return following and self.changed(following)


def changing(**changes: Any) -> Component:
    class Made(Changed):
        """Changes some fields of what comes next."""

        def changed(self, following: Deployment) -> Deployment:
            return dataclasses.replace(following, **changes)

    return Made()


class Overfull(Changed):
    """Gives out more than there is."""

    def changed(self, following: Deployment) -> Deployment:
        return dataclasses.replace(following, routes=(*following.routes, Route(following.version, 0.2)))


class Swinging(Staircase):
    """Gives more and less in turn, for ever."""

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        if "challenger" not in policy.aliases:
            return None
        made = self.policy(policy.model, policy.version, policy.aliases["challenger"], (policy.step + 1) % 2)
        return dataclasses.replace(made, step=policy.step + 1, reason=f"turn {policy.step + 1}.")


class Patient(Staircase):
    """Waits for more requests than there will ever be."""

    requests: int = 10**12
    """How many of the new version's a step waits for."""


FAULTS: Mapping[str, Callable[[], Component]] = {
    "follow_is_pure": Dicing,
    "follow_keeps_the_rules": Overfull,
    "rollout_ends": Swinging,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


def test_a_good_deployer_that_moves_traffic_passes() -> None:
    for check in checks_for(Staircase()):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    with pytest.raises(CheckFailed, match="^deployer 'staircase': "):
        named(FAULTS[name](), name)()


@pytest.mark.parametrize(
    ("component", "name", "told"),
    [
        (Remembering(), "follow_is_pure", "says something else when it is asked again"),
        (Clearing(), "follow_is_pure", "changes the policy or what was seen"),
        (changing(model="other"), "follow_keeps_the_rules", "returns a deployment of 'other'"),
        (changing(deployer="other"), "follow_keeps_the_rules", "by 'other'"),
        (changing(version=99), "follow_keeps_the_rules", "names versions \\[99\\]"),
        (changing(step=0), "follow_keeps_the_rules", "goes from step 0 to 0"),
        (changing(reason=" "), "follow_keeps_the_rules", "gives no reason of its own"),
        (Patient(), "rollout_ends", "a rollout of a healthy version has not come to an end after 200 looks"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_fault_of_what_comes_next_is_told(component: Component, name: str, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, name)()


@pytest.mark.parametrize(("new", "steps", "winner"), [("healthy", 2, NEW), ("failing", 1, OLD)])
def test_a_rollout_played_through_ends_with_the_better_version(new: str, steps: int, winner: int) -> None:
    deployer = Staircase()
    beside = policies(deployer)[1]
    moves = [look.following for look in play(deployer, beside, new) if look.following]
    assert len(moves) == steps
    assert is_over(moves[-1])
    assert moves[-1].version == winner


def test_what_is_seen_adds_up() -> None:
    for look in itertools.islice(play(Staircase(), policies(Staircase())[1], "failing"), 1, 20):
        for version, seen in look.seen.items():
            assert sum(seen.latency.counts) == seen.requests
            assert seen.answers is not None
            assert seen.answers.bins is not None
            assert sum(seen.answers.bins.counts) == seen.answers.count == seen.requests
            assert seen.errors == int(seen.requests * (0.1 if version == NEW else 0.001))
