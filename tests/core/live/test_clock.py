"""The time of a rollout, where somebody sets the clock."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hookline.kinds.deployments import Deployment
from hookline.live.control import Controller
from hookline.registry.registry import Registry
from hookline.workspace.workspace import open_workspace

HOUR = timedelta(hours=1)


@pytest.fixture
def controller(tmp_path: Path, registry: Registry) -> Controller:
    return Controller(open_workspace(tmp_path / "home"), registry, "churn")


def policy(number: int, since: datetime) -> Deployment:
    return replace(Deployment.single("churn", 1, "local"), number=number, since=since)


def test_a_policy_that_came_into_force_later_than_now_has_just_begun(controller: Controller) -> None:
    put_back = policy(1, datetime.now(UTC) + HOUR)
    assert put_back.since is not None
    first = controller._time(put_back)
    assert first == put_back.since
    time.sleep(0.05)
    assert timedelta(seconds=0.05) <= controller._time(put_back) - first < HOUR


def test_time_goes_on_by_a_clock_that_nobody_sets(controller: Controller) -> None:
    begun = policy(1, datetime.now(UTC) - HOUR)
    assert begun.since is not None
    first = controller._time(begun)
    assert HOUR <= first - begun.since < 2 * HOUR
    # As if somebody had set the clock since: what was seen then is what counts.
    controller._met = controller._met[0], first + 24 * HOUR, controller._met[2]
    assert controller._time(begun) - first >= 24 * HOUR
    # Another policy is seen by the clock as it is now.
    assert controller._time(policy(2, datetime.now(UTC))) - first < HOUR
