"""Schemathesis asks every route all that `/openapi.json` describes and forbids, and finds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hookline.live.fleet import DeployedModel
from hookline.live.log.predictions import FOLDER
from hookline.live.serving.tokens import Tokens
from hookline.packages.loading import load_package
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace
from hookline_serving.http.access.tokens import OPEN, guarded
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.loading import traffic_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.log import PredictionLog
from hookline_serving.http.openapi.document import document
from hookline_serving.http.service import Room
from kit.schemas import found_at, settings
from kit.serving import asking, serving
from kit.versions import MODEL, put, registered

TOKEN = "t" * 32
MOST_ROWS = 20
ALIKE = {
    "include-path": ["/explain", "/v2/models/{model}/versions/{version}/infer"],
    "phases": {"coverage": {"enabled": False}},
}
"""Routes that take what another does, whose examples are enough but in the long form."""


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
    found = found_at(app, settings(1, ("examples", "coverage"), TOKEN, [ALIKE]), TOKEN)
    assert not found.faults, "\n\n".join(found.faults)
    assert set(found.asked) == operations(desk)
    assert found.asked.total() > 600


def test_nothing_is_wrong_with_any_route_where_no_token_is_wanted(desk: Desk) -> None:
    found = found_at(without_its_life(app_of(desk)), settings(2, ("fuzzing",), None), None)
    assert not found.faults, "\n\n".join(found.faults)
    assert set(found.asked) == operations(desk)


@pytest.mark.long
@pytest.mark.parametrize("token", [TOKEN, None], ids=["tokens", "no tokens"])
def test_nothing_is_wrong_with_any_route_of_a_server(
    workspace: Workspace, desk: Desk, tokens: Tokens, token: str | None
) -> None:
    options = ["--max-rows", str(MOST_ROWS), *(["--token-file", str(tokens.path)] if token else [])]
    with serving(MODEL, workspace.home, None, *options) as server:
        asks = settings(50, ("examples", "coverage", "fuzzing", "stateful"), token)
        found = found_at(server.url, asks, token)
    assert not found.faults, "\n\n".join(found.faults)
    assert set(found.asked) >= operations(desk)
    assert found.asked.total() > 2_000


@pytest.fixture
def ask(desk: Desk) -> Iterator[Callable[..., httpx.Response]]:
    with asking(app_of(desk)) as asked:
        yield asked


def test_every_example_is_what_the_document_says_and_is_answered(
    desk: Desk, ask: Callable[..., httpx.Response]
) -> None:
    whole = json.loads(json.dumps(document(desk.traffic)))
    count = 0
    for path, acts in whole["paths"].items():
        for media, body in acts.get("post", {}).get("requestBody", {}).get("content", {}).items():
            if body["schema"].get("format") == "binary":
                continue
            require(whole, body["schema"], body["example"])
            content = body["example"] if media == "text/csv" else json.dumps(body["example"])
            filled = path.replace("{model}", MODEL).replace("{version}", "2")
            told = ask("POST", filled, content=content, headers={"content-type": media})
            assert told.status_code == 200, (path, media, told.text)
            answers = acts["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            require(whole, answers, told.json())
            count += 1
    assert count == 7
    joined = whole["components"]["schemas"]["Row"]["properties"]["joined"]["description"]
    assert joined.endswith("; a time that names no zone is taken, too, for UTC")
    shown = {
        name: schema["examples"] for name, schema in whole["components"]["schemas"].items() if "examples" in schema
    }
    assert set(shown) >= {"Row", "Predictions", "Error", "Label", "TimedLabel", "Tensors", "Outputs"}
    for name, examples in shown.items():
        for example in examples:
            require(whole, {"$ref": f"#/components/schemas/{name}"}, example)


def require(whole: Any, schema: Any, value: Any) -> None:
    """Require a value to be what a schema of the document says, formats and all."""
    jsonschema_rs.Draft202012Validator({**whole, **schema}, validate_formats=True).validate(value)


def test_the_versions_of_the_document_are_those_that_answer(
    desk: Desk, fleet: DeployedModel, ask: Callable[..., httpx.Response]
) -> None:
    def versions() -> list[str]:
        path = ask("GET", "/openapi.json").json()["paths"]["/v2/models/{model}/versions/{version}"]
        (asked,) = (one["schema"]["enum"] for one in path["get"]["parameters"] if one["name"] == "version")
        return [*asked]

    assert versions() == ["1", "2"]
    alone = fleet.policy()
    desk.take(traffic_of(fleet, type(alone).single(MODEL, 2, "local"), desk.record, desk.room))
    assert versions() == ["2"]
    assert ask("GET", f"/v2/models/{MODEL}/versions/1").status_code == 404


def test_the_document_says_which_routes_want_a_token_and_how_one_is_sent(desk: Desk, tokens: Tokens) -> None:
    desk.asks_token = True
    told = document(desk.traffic, asks_token=True)
    assert told["security"] == [{"token": []}]
    assert told["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    with asking(guarded(app_of(desk), tokens)) as ask:
        for path, acts in told["paths"].items():
            for method, act in acts.items():
                is_open = ask(method.upper(), path).status_code != 401
                assert is_open == (path in OPEN) == (act.get("security") == []) == ("401" not in act["responses"])
        bare = ask("GET", "/metadata")
    assert "www-authenticate" in bare.headers
    assert "WWW-Authenticate" in told["paths"]["/metadata"]["get"]["responses"]["401"]["headers"]
    assert "security" not in document(desk.traffic)
