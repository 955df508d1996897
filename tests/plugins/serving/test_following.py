"""A server that follows its model's policy, while packages fail, hang as they are loaded, or the catalog is away."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookline.live.fleet import DeployedModel
from hookline.packages.loading import LoadedPackage, load_package
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace
from hookline_serving.http.arms import loading
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.following import Follower
from hookline_serving.http.arms.loading import traffic_of
from hookline_serving.http.many import predict
from hookline_serving.http.replies import answered
from hookline_serving.http.service import Room
from hookline_serving.http.watching.snapshots import Key, snapshot_of, together
from kit.serving import ROW
from kit.versions import MODEL, put, registered, until

HANGS = "0000000000000002"


@dataclass
class Server:
    """A desk that follows a model of three versions, of which the second may never come to be loaded."""

    workspace: Workspace
    desk: Desk
    follower: Follower
    hanging: threading.Event
    fleet: DeployedModel
    said: pytest.LogCaptureFixture

    def in_charge(self) -> int:
        return self.desk.traffic.policy.version

    def ask(self) -> int:
        """Return the version that answers a row."""
        answer = asyncio.run(answered(predict(self.desk.traffic, json.dumps(ROW).encode())))
        return int(json.loads(answer.body)["version"])

    def dropped(self, version: int, arm: str) -> int:
        """Return how many requests a version was not asked, as the metrics say."""
        return together([snapshot_of(self.desk)])[Key(version, arm)].dropped


@pytest.fixture
def server(package: Path, tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture) -> Iterator[Server]:
    workspace, hanging = registered(package, tmp_path / "home"), threading.Event()

    def load(folder: Path) -> LoadedPackage:
        if folder.name == HANGS:
            hanging.wait(60)
        return load_package(folder, registry)

    fleet = DeployedModel(workspace, MODEL, load)
    desk = Desk(traffic_of(fleet, fleet.policy(), None, Room()), None)

    def call(act: Callable[..., None], *given: object) -> None:
        act(*given)

    made = Server(workspace, desk, Follower(fleet, desk, call), hanging, fleet, caplog)
    made.follower.start()
    yield made
    hanging.set()
    made.follower.close()
    desk.close()


def test_what_hangs_as_it_is_loaded_keeps_no_later_policy_from_being_followed(server: Server) -> None:
    put(server.workspace, 2)
    assert not until(lambda: server.in_charge() == 2, 0.5)
    put(server.workspace, 3)
    assert until(lambda: server.in_charge() == 3, 5)
    # What comes to be loaded after all is not the newest any more.
    server.hanging.set()
    assert not until(lambda: server.in_charge() == 2, 0.5)


def test_one_that_hangs_beside_the_version_in_charge_counts_as_one_that_cannot_be_loaded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LOAD_SECONDS", 0.3)
    policy = put(server.workspace, 3, beside=2)
    assert until(lambda: server.in_charge() == 3, 5)
    assert policy.number == server.desk.traffic.policy.number
    arm = server.desk.traffic.arms[2, "canary"]
    assert arm.service is None
    assert arm.told == "version 2 cannot be loaded: it took more than 0.3 s"


def test_one_that_hangs_beside_the_version_in_charge_holds_up_no_server_that_begins_and_joins_once_it_is_loaded(
    server: Server,
) -> None:
    policy = put(server.workspace, 3, beside=2, weight=1.0)
    server.fleet.predictor(3)
    since = time.monotonic()
    begun = traffic_of(server.fleet, policy, None, server.desk.room, patience=0.0)
    assert time.monotonic() - since < loading.BESIDE_SECONDS
    server.desk.take(begun)
    assert [server.ask() for _ in range(3)] == [3, 3, 3]
    arm = begun.arms[2, "canary"]
    # It was not asked, which is no error of its own.
    assert (arm.told, arm.counts.requests, arm.counts.errors) == ("it is being loaded", 0, 0)
    assert server.dropped(2, "canary") == 3
    server.hanging.set()
    assert until(lambda: server.ask() == 2, 5)
    assert arm.counts.errors == 0
    assert "version 2 (canary) did not answer, and version 3 did: it is being loaded" in server.said.text


def test_a_policy_is_followed_though_a_version_beside_is_not_loaded_yet(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = put(server.workspace, 3, beside=2, weight=1.0)
    assert until(lambda: server.desk.traffic.policy.number == policy.number, 5)
    arm = server.desk.traffic.arms[2, "canary"]
    assert server.ask() == 3
    assert server.dropped(2, "canary") == 1
    # One that takes for ever counts its requests as errors, so that a rollout's guards take it back.
    monkeypatch.setattr(arm, "due", time.monotonic())
    assert server.ask() == 3
    assert (arm.counts.requests, arm.counts.errors) == (1, 1)
    server.hanging.set()
    assert until(lambda: server.ask() == 2, 5)


def test_one_that_is_loaded_after_its_policy_is_over_begins_no_thread(server: Server) -> None:
    policy = put(server.workspace, 3, beside=2, weight=1.0)
    begun = traffic_of(server.fleet, policy, None, server.desk.room, patience=0.0)
    arm = begun.arms[2, "canary"]
    begun.close()
    server.hanging.set()
    assert until(lambda: not any(one.name == "load 2" for one in threading.enumerate()), 5)
    assert (arm.service, arm.aside) == (None, None)


def test_why_a_policy_is_not_followed_is_told_until_another_is(server: Server) -> None:
    file = Path(server.workspace.catalog.models.get(MODEL, 3).path) / "model.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    put(server.workspace, 3)
    assert until(lambda: "cannot be followed, and the one at hand stays" in server.desk.behind, 5)
    assert server.in_charge() == 1
    put(server.workspace, 1)
    assert until(lambda: server.desk.behind == "", 5)


def test_what_was_seen_under_policies_that_came_fast_is_told_of_each(server: Server) -> None:
    first = server.desk.traffic
    assert first.live.counts is not None
    first.live.counts.failed()
    numbers = [first.policy.number]
    for version in (1, 3, 1, 3):
        policy = put(server.workspace, version)
        assert until(lambda policy=policy: server.desk.traffic.policy.number == policy.number, 5)  # type: ignore[misc]
        assert server.desk.traffic.live.counts is not None
        server.desk.traffic.live.counts.failed()
        numbers.append(policy.number)
    server.follower.close()
    told = {number: server.workspace.catalog.sightings.of(MODEL, number or 0) for number in numbers}
    assert {number: [one.requests for one in found] for number, found in told.items()} == {
        number: [1] for number in numbers
    }


def test_what_was_refused_is_told_of_the_policy_it_was_refused_under_and_judged_of_no_version(server: Server) -> None:
    server.desk.refuse("/predict", 422)
    server.desk.refuse("/predict", 200)
    first = server.desk.traffic.policy.number or 0
    policy = put(server.workspace, 3)
    assert until(lambda: server.in_charge() == 3, 5)
    for _ in range(3):
        server.desk.refuse("/v2/models/shop/infer", 413)
    server.follower.close()
    sightings = server.workspace.catalog.sightings
    assert [sightings.refused(MODEL, number) for number in (first, policy.number or 0)] == [{422: 1}, {413: 3}]
    assert {one.version for number in (first, policy.number or 0) for one in sightings.of(MODEL, number)} <= {1, 3}
    assert sum(snapshot_of(server.desk).refused) == 4
