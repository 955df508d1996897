"""Schemathesis asks every route all that `/openapi.json` describes and forbids, and finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hookline.live.fleet import DeployedModel
from hookline.live.log.predictions import FOLDER
from hookline.packages.loading import load_package
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace
from hookline_serving.http.access.tokens import Tokens, guarded
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import Desk, traffic_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.log import PredictionLog
from hookline_serving.http.openapi.document import document
from hookline_serving.http.service import Room
from kit.schemas import found_at, settings
from kit.serving import serving
from kit.versions import MODEL, put, registered

TOKEN = "t" * 32
MOST_ROWS = 20
SLOW = {"include-path": "/explain", "phases": {"coverage": {"enabled": False}, "examples": {"enabled": False}}}
"""What takes rows as `/predict` does, which is asked all of it, and asks the model many times for each."""


@pytest.fixture(scope="module")
def workspace(package: Path, home: Path) -> Workspace:
    """A model of two versions, each of which answers half of the requests."""
    made = registered(package, home, 2)
    put(made, 1, beside=2)
    return made


@pytest.fixture(scope="module")
def fleet(workspace: Workspace, registry: Registry) -> DeployedModel:
    folder = workspace.home / FOLDER / MODEL
    return DeployedModel(workspace, MODEL, lambda at: load_package(at, registry), folder)


@pytest.fixture
def desk(fleet: DeployedModel) -> Iterator[Desk]:
    assert fleet.log_folder is not None
    record, room = PredictionLog.open(fleet.log_folder), Room(Bounds(rows=MOST_ROWS, bytes=200_000))
    made = Desk(traffic_of(fleet, fleet.policy(), record, room), record, fleet)
    yield made
    made.close()


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return Tokens.read(file)


def without_its_life(app: ASGIApp) -> ASGIApp:
    """Return an application that a test begins and ends itself."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return answer


def operations(desk: Desk) -> set[str]:
    """Return method and path of all that Schemathesis asks: what it reads the document from is no matter to it."""
    paths = document(desk.traffic)["paths"].items()
    return {f"{method.upper()} {path}" for path, acts in paths for method in acts} - {"GET /openapi.json"}


def test_nothing_is_wrong_with_any_route_of_two_versions_that_want_a_token(desk: Desk, tokens: Tokens) -> None:
    desk.asks_token = True
    app = without_its_life(guarded(app_of(desk), tokens))
    asks = settings(3, ("examples", "coverage", "fuzzing"), TOKEN, [SLOW])
    found = found_at(app, asks, TOKEN)
    assert found.faults == []
    assert set(found.asked) == operations(desk)
    assert found.asked.total() > 800


def test_nothing_is_wrong_with_any_route_where_no_token_is_wanted(desk: Desk) -> None:
    found = found_at(without_its_life(app_of(desk)), settings(2, ("fuzzing",), None), None)
    assert found.faults == []
    assert set(found.asked) == operations(desk)


@pytest.mark.long
@pytest.mark.parametrize("token", [TOKEN, None], ids=["tokens", "no tokens"])
def test_nothing_is_wrong_with_any_route_of_a_server(
    workspace: Workspace, desk: Desk, tokens: Tokens, token: str | None
) -> None:
    options = ["--max-rows", str(MOST_ROWS), *(["--token-file", str(tokens.path)] if token else [])]
    with serving(MODEL, workspace.home, None, *options) as server:
        asks = settings(100, ("examples", "coverage", "fuzzing", "stateful"), token)
        found = found_at(server.url, asks, token)
    assert found.faults == []
    assert set(found.asked) >= operations(desk)
    assert found.asked.total() > 2_000
