"""A server that follows its model's policy, while packages fail, hang as they are loaded, or the catalog is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookline.live.fleet import DeployedModel
from hookline.packages.loading import LoadedPackage, load_package
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace
from hookline_serving.http.arms import desk as desks
from hookline_serving.http.arms.desk import Desk, traffic_of
from hookline_serving.http.arms.following import Follower
from hookline_serving.http.service import Room
from kit.versions import MODEL, put, registered, until

HANGS = "0000000000000002"


@dataclass
class Server:
    """A desk that follows a model of three versions, of which the second may never come to be loaded."""

    workspace: Workspace
    desk: Desk
    follower: Follower
    hanging: threading.Event

    def in_charge(self) -> int:
        return self.desk.traffic.policy.version


@pytest.fixture
def server(package: Path, tmp_path: Path, registry: Registry) -> Iterator[Server]:
    workspace, hanging = registered(package, tmp_path / "home"), threading.Event()

    def load(folder: Path) -> LoadedPackage:
        if folder.name == HANGS:
            hanging.wait(60)
        return load_package(folder, registry)

    fleet = DeployedModel(workspace, MODEL, load)
    desk = Desk(traffic_of(fleet, fleet.policy(), None, Room()), None)

    def call(act: Callable[..., None], *given: object) -> None:
        act(*given)

    made = Server(workspace, desk, Follower(fleet, desk, call), hanging)
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
    monkeypatch.setattr(desks, "LOAD_SECONDS", 0.3)
    policy = put(server.workspace, 3, beside=2)
    assert until(lambda: server.in_charge() == 3, 5)
    assert policy.number == server.desk.traffic.policy.number
    arm = server.desk.traffic.arms[2, "canary"]
    assert arm.service is None
    assert arm.told == "version 2 cannot be loaded: it took more than 0.3 s"


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
