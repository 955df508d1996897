"""What turned out to be true of answers, told to the server that gave them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from hookline.live.fleet import DeployedModel, SinglePackage
from hookline.live.log.joining import truths
from hookline.live.log.predictions import FOLDER, predictions_in
from hookline.packages.loading import load_package
from hookline.registry.registry import Registry
from hookline.workspace.workspace import open_workspace
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.loading import traffic_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.log import PredictionLog
from hookline_serving.http.reading.faults import TooLarge
from hookline_serving.http.routes.asked import Asked
from hookline_serving.http.routes.labels import labels
from hookline_serving.http.service import Room
from kit.serving import ROW, asking

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def fleet(package: Path, registry: Registry, home: Path) -> DeployedModel:
    """A model with one version, whose answers are recorded in the home."""
    workspace = open_workspace(home)
    workspace.catalog.models.register("churn", "run", str(package), "onnx", {}, "f1")
    return DeployedModel(
        workspace, "churn", lambda folder: load_package(folder, registry), workspace.home / FOLDER / "churn"
    )


@pytest.fixture(scope="module")
def ask(fleet: DeployedModel) -> Iterator[Ask]:
    assert fleet.log_folder is not None
    record = PredictionLog.open(fleet.log_folder)
    desk = Desk(traffic_of(fleet, fleet.policy(), record, Room(Bounds(rows=50, bytes=20_000))), record, fleet)
    with asking(app_of(desk)) as asked:
        yield asked
    desk.close()


def known(fleet: DeployedModel) -> dict[str, Any]:
    """Return what counts as true, by id."""
    log = predictions_in(fleet.workspace, "churn")
    table = truths(fleet.workspace, log).table
    return {name: json.loads(value) for name, value in table.select("prediction_id", "value").rows()}


def answered(ask: Ask, count: int) -> list[str]:
    """Return the ids of answers that were given now."""
    return [one["id"] for one in ask("POST", "/predict", json=[ROW] * count).json()["predictions"]]


def test_labels_are_those_that_the_command_line_would_add(ask: Ask, fleet: DeployedModel) -> None:
    ids = answered(ask, 3)
    rows = [{"prediction_id": one, "value": value} for one, value in zip(ids, ("yes", "no", None), strict=True)]
    told = ask("POST", "/labels", json={"rows": rows})
    counts = {"added": 2, "corrected": 0, "aside": 0, "known": 0, "empty": 1, "zoneless": 0}
    assert (told.status_code, told.json()) == (200, {"model": "churn", **counts})
    assert {one: known(fleet).get(one) for one in ids} == dict(zip(ids, ("yes", "no", None), strict=True))
    again = ask("POST", "/labels", json=[rows[0] | {"value": "no"}, rows[1]]).json()
    assert (again["added"], again["corrected"], again["known"]) == (1, 1, 1)
    assert known(fleet)[ids[0]] == "no"


def test_a_label_may_come_alone_with_its_time_and_before_its_answer_is_known(ask: Ask, fleet: DeployedModel) -> None:
    (one,) = answered(ask, 1)
    row = {"prediction_id": one, "value": "yes", "time": "2026-01-02T03:04:05+01:00"}
    assert ask("POST", "/labels", json=row).json()["added"] == 1
    (label,) = fleet.workspace.catalog.labels.about("churn", [one])
    assert (label.became.isoformat(), label.origin) == ("2026-01-02T02:04:05+00:00", "POST /labels")
    told = ask("POST", "/labels", json={"prediction_id": "of another server", "value": "yes"}).json()
    assert (told["added"], told["aside"]) == (1, 1)


@pytest.mark.parametrize(
    ("rows", "path", "said"),
    [
        ([{"prediction_id": "a", "value": "yes"}, {"prediction_id": "b", "value": "maybe"}],
         "row 1, value", "must be one of no, yes; got 'maybe'"),
        ([{"prediction_id": "a", "valeu": "yes"}], "row 0, value", "is missing; did you mean 'valeu'?"),
        ([{"value": "yes"}], "row 0, prediction_id", "is missing"),
        ([{"prediction_id": "", "value": "yes"}], "row 0, prediction_id", "is missing"),
        ([{"prediction_id": 5, "value": "yes"}], "row 0, prediction_id", "must be a text, got '5'"),
        ([{"prediction_id": {}, "value": "yes"}], "row 0, prediction_id", "must be a text, got '{}'"),
        ([{"prediction_id": "a" * 300, "value": "yes"}], "row 0, prediction_id", "is longer than 255 letters"),
        ([{"prediction_id": "a", "value": "yes", "time": "soon"}], "row 0, time", "must be a time such as"),
        ([{"prediction_id": "a", "value": "yes", "time": "2026-01-02"}, {"prediction_id": "b", "value": "no"}],
         "row 1, time", "is missing"),
        ([{"prediction_id": "a", "value": "yes"}, {"prediction_id": "a", "value": "no"}],
         "row 1, a", "'no' contradicts 'yes' in row 0"),
        ([{"prediction_id": ["a"], "value": {"b": 1}}], "row 0, value", "must be one of"),
    ],
)  # fmt: skip
def test_rows_that_are_wrong_are_told_by_their_places_and_none_is_taken(
    ask: Ask, fleet: DeployedModel, rows: Any, path: str, said: str
) -> None:
    before = fleet.workspace.catalog.labels.table("churn").height
    told = ask("POST", "/labels", json=rows)
    assert told.status_code == 422
    (problem,) = told.json()["problems"]
    assert problem["column"] == path
    assert problem["message"].startswith(said)
    assert fleet.workspace.catalog.labels.table("churn").height == before


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b"[1]", 400), (b'"a"', 400), (b"[" + b"{}," * 60 + b"{}]", 413),
                         (b" " * 20_001, 413)],
)  # fmt: skip
def test_a_body_that_holds_no_labels_or_too_many_is_refused(ask: Ask, body: bytes, status: int) -> None:
    told = ask("POST", "/labels", content=body)
    assert (told.status_code, set(told.json())) == (status, {"error"})
    assert ask("GET", "/labels").status_code == 405


def test_a_body_of_labels_may_be_no_larger_than_what_is_read_in_one_step(desk: Desk) -> None:
    body = b" " * (desk.room.bounds.tensor_bytes + 1)
    with pytest.raises(TooLarge, match="4,096 KiB"):
        asyncio.run(labels(desk)(desk.traffic, Asked(body, Headers(), None)))  # type: ignore[arg-type]


def test_a_package_that_is_served_alone_keeps_no_labels(package: Path, registry: Registry) -> None:
    fleet = SinglePackage(load_package(package, registry), None)
    desk = Desk(traffic_of(fleet, fleet.policy(), None, Room()), None, fleet)
    with asking(app_of(desk)) as ask:
        told = ask("POST", "/labels", json={"prediction_id": "a", "value": "yes"})
    desk.close()
    assert told.status_code == 404
    assert "hookline serve churn answers for the model" in told.json()["error"]
