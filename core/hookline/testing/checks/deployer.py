"""Checks on deployers; none of them opens a port, so what `serve` answers is for the deployer's own tests."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Iterator, Set
from itertools import islice

from hookline.kinds.deployments import Deployment
from hookline.kinds.kinds import Deployer
from hookline.kinds.plain import from_json, to_json

from ..rollouts import AT_REST, LOOKS, NEW, OLD, SHARES, START, Look, is_over, play, policies
from ..stored import sample_package
from ..subject import CheckFunction, Subject

SOME = 60
"""Looks of a rollout that are asked again."""


def exercise(subject: Subject) -> None:
    """Deploy a version, and ask what comes next."""
    subject.component.deploy(sample_package(), None)
    for policy in policies(subject.component):
        subject.component.follow(policy, {}, START)


def check_routes_name_the_version(subject: Subject) -> None:
    """The policy is for the package's model, and routes and aliases name its version or ones already deployed."""
    for deployment, known in _deployments(subject):
        if deployment.model != sample_package().name or deployment.deployer != subject.component.name:
            subject.fail(
                f"returns a deployment of '{deployment.model}' by '{deployment.deployer}'; "
                "use package.name and self.name."
            )
        if NEW not in {route.version for route in deployment.routes}:
            subject.fail(f"routes nothing to version {NEW} of the package; every deployment must involve it.")
        if unknown := sorted(deployment.versions - known):
            subject.fail(f"names versions {unknown}, which are neither the package's nor deployed already.")


def check_weights_add_up(subject: Subject) -> None:
    """The shares of traffic are between 0 and 1 and add up to 1, shadows left aside."""
    for deployment, _ in _deployments(subject):
        _require_shares(subject, deployment)


def check_repeatable(subject: Subject) -> None:
    """The same package on the same policy gives the same deployment, and it is plain data."""
    for (first, _), (second, _) in zip(_deployments(subject), _deployments(subject), strict=True):
        if first != second:
            subject.fail("gives another deployment the second time; leave clocks and random numbers out of it.")
        _require_plain(subject, first)


def check_follow_is_pure(subject: Subject) -> None:
    """What comes next depends on the policy, what was seen and the time alone: asked again, it is the same."""
    for looks in _rollouts(subject):
        some = list(islice(looks, SOME))
        told = copy.deepcopy(some)
        for look, before in reversed(list(zip(some, told, strict=True))):
            again = dataclasses.replace(subject.component).follow(look.policy, look.seen, look.now)
            if again != before.following:
                subject.fail(
                    "follow() says something else when it is asked again; leave clocks, random numbers and memory out."
                )
            if look != before:
                subject.fail("follow() changes the policy or what was seen; make another with dataclasses.replace.")


def check_follow_keeps_the_rules(subject: Subject) -> None:
    """What comes next is None, or the next step of the same rollout: its versions, shares that add up, and a reason."""
    for looks in _rollouts(subject):
        for look in looks:
            if look.following is not None:
                _require_next(subject, look.policy, look.following)


def check_rollout_ends(subject: Subject) -> None:
    """A deployer that moves traffic comes to an end, with a new version that does well and with one that fails."""
    if type(subject.component).follow is Deployer.follow:
        return
    for policy in policies(subject.component):
        for new in SHARES:
            last, still = policy, 0
            for look in play(subject.component, policy, new):
                last, still = look.following or last, 0 if look.following else still + 1
                if is_over(last) and still >= AT_REST:
                    break
            else:
                subject.fail(
                    f"a rollout of a {new} version has not come to an end after {LOOKS} looks, the last policy being step "
                    f"{last.step} ({last.reason or 'no reason given'}); let follow() give everything to one version."
                )


def _rollouts(subject: Subject) -> Iterator[Iterator[Look]]:
    for policy in policies(subject.component):
        for new in SHARES:
            yield play(subject.component, policy, new)


def _require_next(subject: Subject, policy: Deployment, following: Deployment) -> None:
    if not isinstance(following, Deployment):
        subject.fail(f"follow() returns a {type(following).__name__}; return a Deployment, or None to stay.")
    if (following.model, following.deployer) != (policy.model, policy.deployer):
        subject.fail(
            f"follow() returns a deployment of '{following.model}' by '{following.deployer}'; make it of the policy."
        )
    if unknown := sorted(following.versions - policy.versions):
        subject.fail(f"follow() names versions {unknown}, which the policy does not have.")
    if following.step != policy.step + 1:
        subject.fail(f"follow() goes from step {policy.step} to {following.step}; count the steps one by one.")
    if not following.reason.strip() or following.reason == policy.reason:
        subject.fail("follow() gives no reason of its own; say in a sentence with the figures why traffic moves.")
    _require_shares(subject, following)
    _require_plain(subject, following)


def _require_shares(subject: Subject, deployment: Deployment) -> None:
    live = [route.weight for route in deployment.routes if not route.shadow]
    every = [route.weight for route in deployment.routes]
    if not all(0 <= weight <= 1 for weight in every) or not math.isclose(sum(live), 1.0, abs_tol=1e-9):
        subject.fail(f"gives shares of traffic {live}, which add up to {sum(live):g}; they must add up to 1.")


def _require_plain(subject: Subject, deployment: Deployment) -> None:
    if from_json(Deployment, json.loads(json.dumps(to_json(deployment)))) != deployment:
        subject.fail("gives a deployment that does not survive JSON; use plain strings and numbers.")


def _deployments(subject: Subject) -> Iterator[tuple[Deployment, Set[int]]]:
    """Deploy where nothing is deployed, and where another version is."""
    first, second = (dataclasses.replace(policy, fields={}, since=None) for policy in policies(subject.component))
    yield first, {NEW}
    yield second, {NEW, OLD}


CHECKS: tuple[CheckFunction, ...] = (
    check_routes_name_the_version,
    check_weights_add_up,
    check_repeatable,
    check_follow_is_pure,
    check_follow_keeps_the_rules,
    check_rollout_ends,
)
