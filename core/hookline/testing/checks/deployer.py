"""Checks on deployers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from hookline.kinds.deployments import Deployment
from hookline.kinds.plain import from_json, to_json

from ..exercise import sample_package
from ..subject import CheckFunction, Subject

NEW, OLD = 7, 3


def check_routes_name_the_version(subject: Subject) -> None:
    """The policy is for the package's model, and routes and aliases name its version or ones already deployed."""
    for deployment, known in _deployments(subject):
        if deployment.model != sample_package().name or deployment.deployer != subject.component.name:
            subject.fail(
                f"returns a deployment of '{deployment.model}' by '{deployment.deployer}'; "
                "use package.name and self.name."
            )
        versions = {route.version for route in deployment.routes}
        if NEW not in versions:
            subject.fail(f"routes nothing to version {NEW} of the package; every deployment must involve it.")
        unknown = sorted((versions | set(deployment.aliases.values())) - known)
        if unknown:
            subject.fail(f"names versions {unknown}, which are neither the package's nor deployed already.")


def check_weights_add_up(subject: Subject) -> None:
    """The shares of traffic are between 0 and 1 and add up to 1, shadows left aside."""
    for deployment, _ in _deployments(subject):
        live = [route.weight for route in deployment.routes if not route.shadow]
        if not all(0 <= weight <= 1 for weight in live) or not math.isclose(sum(live), 1.0, abs_tol=1e-9):
            subject.fail(f"gives shares of traffic {live}, which add up to {sum(live):g}; they must add up to 1.")


def check_repeatable(subject: Subject) -> None:
    """The same package on the same policy gives the same deployment, and it is plain data."""
    for (first, _), (second, _) in zip(_deployments(subject), _deployments(subject), strict=True):
        if first != second:
            subject.fail("gives another deployment the second time; leave clocks and random numbers out of it.")
        if from_json(Deployment, json.loads(json.dumps(to_json(first)))) != first:
            subject.fail("gives a deployment that does not survive JSON; use plain strings and numbers.")


def _deployments(subject: Subject) -> Iterator[tuple[Deployment, set[int]]]:
    """Deploy where nothing is deployed, and where another version is."""
    name = subject.component.name
    current = Deployment.single(sample_package().name, OLD, name)
    yield subject.component.deploy(sample_package(NEW), None), {NEW}
    yield subject.component.deploy(sample_package(NEW), current), {NEW, OLD}


CHECKS: tuple[CheckFunction, ...] = (check_routes_name_the_version, check_weights_add_up, check_repeatable)
