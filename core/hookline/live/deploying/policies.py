"""What a routing policy says, in words and as rows, and what a model's policies lead back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from hookline.kinds.deployments import LIVE, Deployment, Route

from ..routing import Router

RESTORES = "restores"
"""The figure of a policy that was put back: the number of the one that it repeats."""


def is_settled(policy: Deployment) -> bool:
    """Tell whether a policy names one version alone, so that no rollout is going on."""
    return {route.version for route in policy.routes} <= {policy.version}


def answering(policy: Deployment) -> dict[Route, float]:
    """Return who answers, with the share of requests that each gets; they add up to one."""
    router = Router.of(policy)
    whole = sum(route.weight for route in router.routes)
    shares: dict[Route, float] = {}
    for route in sorted(router.routes, key=lambda route: route.version != policy.version):
        shares[route] = shares.get(route, 0.0) + route.weight / whole
    return shares


def newcomers(policy: Deployment) -> list[int]:
    """Return the versions that a rollout is about: those that are asked and not in charge; one that stands by is not."""
    return sorted({route.version for route in policy.routes if route.weight > 0} - {policy.version})


def words_of(policy: Deployment | None) -> str:
    """Return who answers in a line, such as `v1 answers 95 %, v2 5 % (canary)`."""
    if policy is None:
        return "no policy, so that the newest version answers"
    shares = answering(policy)
    if len(shares) == 1:
        told = [f"v{next(iter(shares)).version} answers everything"]
    else:
        parts = [f"v{route.version} {percent(share)}{_arm(route)}" for route, share in shares.items()]
        first, *rest = parts
        told = [first.replace(" ", " answers ", 1), *rest]
    told += [
        f"v{route.version} is asked beside{'' if route.weight >= 1 else f' of {percent(route.weight)}'}{_arm(route)}"
        for route in Router.of(policy).shadows
    ]
    told += [f"v{route.version} stands by{_arm(route)}" for route in policy.routes if not route.weight]
    by = f", by {policy.key}" if policy.key and len(shares) > 1 else ""
    return ", ".join(told) + by


def pair_of(before: Deployment | None, after: Deployment) -> str:
    """Return what is in charge before and after in a few letters, such as `v1 -> v2`."""
    return f"{_short(before)} -> {_short(after)}"


def rows_of(before: Deployment | None, after: Deployment | None) -> list[dict[str, Any]]:
    """Return a row an arm: version, arm, and its share of the requests before and after; empty where it has no part."""
    shares = [_shares(policy) for policy in (before, after)]
    arms = sorted({*shares[0], *shares[1]})
    return [
        {"version": arm[0], "arm": arm[1], "now": shares[0].get(arm, ""), "then": shares[1].get(arm, "")}
        for arm in arms
    ]


def stacked(history: Sequence[Deployment]) -> list[Deployment]:
    """Return the policies of one version alone that stand one upon another: the last one first came of the one before.

    history: as the catalog gives it, newest first. One that was put back takes away all that came after what it repeats.
    """
    stack: list[Deployment] = []
    for policy in reversed(history):
        if not is_settled(policy):
            continue
        numbers = [one.number for one in stack]
        if (restored := policy.figures.get(RESTORES)) in numbers and restored is not None:
            del stack[numbers.index(restored) :]
        elif stack and stack[-1].version == policy.version:
            stack.pop()
        stack.append(policy)
    return stack


def before_present(history: Sequence[Deployment]) -> Deployment | None:
    """Return what was in force before the present rollout or promotion; None where there is nothing to go back to.

    history: newest first. In a rollout that is what answered before it began, whatever is in charge by now.
    """
    if not history:
        return None
    stack = stacked(history)
    if is_settled(history[0]):
        return stack[-2] if len(stack) > 1 else None
    return stack[-1] if stack else only(history[0], history[0].version)


def is_taken_back(history: Sequence[Deployment]) -> bool:
    """Tell whether the newest policy ended a rollout and left in charge what was so before, so that it needs no roll-back.

    history: newest first. Before: in the rollout's last policy, where a new version was still tried, or before it began.
    """
    present, *former = history
    rollout = list(takewhile(lambda policy: not is_settled(policy), former))
    if not rollout or not is_settled(present):
        return False
    began = former[len(rollout)] if len(former) > len(rollout) else rollout[-1]
    is_tried = bool(newcomers(rollout[0])) and rollout[0].version == present.version
    return is_tried or began.version == present.version


def only(policy: Deployment, version: int) -> Deployment:
    """Return the policy that sends everything to one version, with the deployer of another and its fields."""
    return replace(Deployment.single(policy.model, version, policy.deployer), fields=policy.fields)


def repeated(policy: Deployment) -> Deployment:
    """Return the same policy, to be put in force anew."""
    figures: Mapping[str, Any] = {} if policy.number is None else {RESTORES: policy.number}
    return replace(policy, step=0, since=None, reason="", who="", figures=figures, number=None)


def by(policy: Deployment, who: str | None) -> Deployment:
    """Return the same policy, put in force by somebody; None: by whoever works here."""
    return replace(policy, who=who or "")


def percent(share: float) -> str:
    """Return a share as people write it: 5 %, 0.5 %."""
    return f"{share * 100:.3g} %"


def _shares(policy: Deployment | None) -> dict[tuple[int, str], str]:
    if policy is None:
        return {}
    answers = {(route.version, route.arm): percent(share) for route, share in answering(policy).items()}
    beside = {(r.version, r.arm): f"asked beside, {percent(r.weight)}" for r in policy.routes if r.shadow and r.weight}
    waiting = {(route.version, route.arm): "stands by" for route in policy.routes if not route.weight}
    return {**waiting, **beside, **answers}


def _short(policy: Deployment | None) -> str:
    if policy is None:
        return "none"
    if is_settled(policy):
        return f"v{policy.version}"
    shares = answering(policy)
    told = [
        f"v{route.version}" if len(shares) == 1 else f"v{route.version} {percent(s)}" for route, s in shares.items()
    ]
    return " + ".join([*told, *(f"v{route.version} beside" for route in Router.of(policy).shadows)])


def _arm(route: Route) -> str:
    return "" if route.arm == LIVE else f" ({route.arm})"
