"""The policies that rollouts are made of: one version beside another, and the end of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hookline import Deployment, Package, Route


def number_of(package: Package) -> int:
    """Return the version under which a package is registered."""
    assert package.version is not None, "the runner registers a package before it is deployed"
    return package.version


def beside(
    package: Package, current: Deployment | None, deployer: str, arm: Route, key: str | None = None
) -> Deployment:
    """Try a package beside the version in charge; where there is none, or it is that one, it answers everything.

    arm: what the package does. The other arms of a rollout that was under way end, unless it is the same one, which goes on.
    """
    new = number_of(package)
    if current is None or current.version == new:
        return Deployment.single(package.name, new, deployer)
    if current.deployer == deployer and current.key == key and tried(current, arm.arm) == new:
        return current
    rest = 1.0 if arm.shadow else 1 - arm.weight
    aliases = {"champion": current.version, "challenger": new}
    return Deployment(package.name, current.version, (Route(current.version, rest), arm), deployer, aliases, key=key)


def tried(policy: Deployment, arm: str) -> int | None:
    """Return the version that plays a part in a policy; None where none does."""
    return next((route.version for route in policy.routes if route.arm == arm), None)


def next_step(policy: Deployment, reason: str, figures: Mapping[str, Any], **changes: Any) -> Deployment:
    """Return the policy that comes next, of which nobody has put anything in force yet."""
    told: dict[str, Any] = {"since": None, "who": "", "number": None, "reason": reason, "figures": dict(figures)}
    return replace(policy, step=policy.step + 1, **(told | changes))


def all_to(policy: Deployment, version: int, reason: str, figures: Mapping[str, Any]) -> Deployment:
    """Return the policy that ends a rollout: one version answers everything, and is the champion."""
    single = Deployment.single(policy.model, version, policy.deployer)
    return next_step(policy, reason, figures, version=version, routes=single.routes, aliases=single.aliases, key=None)
