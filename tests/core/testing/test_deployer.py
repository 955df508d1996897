"""What is promised of a deployer: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from hookline import Deployment, Package
from hookline.kinds.component import Component
from hookline.kinds.deployments import Route
from kit.components import Newest
from kit.conformance import built_in, check_built_in, check_good, own_checks, require_failure

REQUIRED: Mapping[str, Mapping[str, Any]] = {"ab_test": {"key": None}}
"""Fields that have no default."""


class Stuck(Newest):
    """Never deploys the new version."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, 1, self.name)


class Overfull(Newest):
    """Gives out more than there is."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        version = package.version or 1
        return Deployment(package.name, version, (Route(version, 0.7), Route(version, 0.7)), self.name, {})


class Dicing(Newest):
    """Routes at random."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        version, share = package.version or 1, float(np.random.default_rng().uniform())
        return Deployment(package.name, version, (Route(version, share), Route(version, 1 - share)), self.name, {})


FAULTS: Mapping[str, Callable[[], Component]] = {
    "routes_name_the_version": Stuck,
    "weights_add_up": Overfull,
    "repeatable": Dicing,
}


@pytest.mark.parametrize("name", built_in("deployer"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("deployer", name, REQUIRED.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(Newest())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("deployer")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)
