"""What MLflow's scoring server answers, answered alike: to its own client, and in all shapes that it takes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

import hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from kit.serving import ROW, listening

Ask = Callable[..., httpx.Response]
ROWS = [ROW | {"amount": float(amount), "plan": plan} for amount in (4, 13, 20) for plan in ("basic", "gold")]
NAMES = [*ROW]
COLUMNS: dict[str, list[Any]] = {name: [row[name] for row in ROWS] for name in NAMES}
VALUES = [[*row.values()] for row in ROWS]


@pytest.fixture(scope="module")
def own(predictor: hl.Predictor) -> list[str]:
    """What the model says of ROWS."""
    answers: list[str] = predictor.predict(
        pl.DataFrame(ROWS).with_columns(pl.col("joined").str.to_datetime())
    ).values.tolist()
    assert len(set(answers)) == 2
    return answers


@pytest.mark.long
def test_the_client_of_mlflow_is_answered(predictor: hl.Predictor, own: list[str]) -> None:
    client = pytest.importorskip("mlflow.pyfunc.scoring_server.client")
    # Its shapes are those of the tests below, which need not wait for the import of all of MLflow.
    with listening(
        app_of(desk_of(predictor, {"model": "churn", "version": 3, "format": "onnx"}, None, Bounds()))
    ) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        asking = client.ScoringServerClient(host, port)
        asking.wait_server_ready(timeout=20)
        assert asking.get_version() == hl.__version__
        frame = pd.DataFrame(ROWS)
        told = asking.invoke(frame, params={"temperature": 1})
        assert told.get_predictions()[0].tolist() == own
        assert told.get_predictions("ndarray").tolist() == own
        moments = frame.assign(joined=pd.to_datetime(frame["joined"]), visits=[np.nan, *frame["visits"][1:]])
        assert asking.invoke(moments).get_predictions()[0].tolist()[1:] == own[1:]
        assert asking.invoke(frame.to_numpy()).get_predictions()[0].tolist() == own
        with pytest.raises(Exception, match="error code 422"):
            asking.invoke(frame.drop(columns="plan"))


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": VALUES, "index": [*range(len(ROWS))]}},
        {"dataframe_split": {"columns": NAMES[::-1], "data": [row[::-1] for row in VALUES]}},
        {"dataframe_split": {"data": VALUES}},
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"instances": VALUES},
        {"inputs": COLUMNS},
        {"inputs": {name: [[value] for value in values] for name, values in COLUMNS.items()}},
        {"inputs": VALUES},
        {"inputs": ROWS, "params": {"temperature": 1}},
    ],
    ids=lambda body: next(iter(body)),
)
def test_every_shape_of_json_comes_to_the_same(ask: Ask, own: list[str], body: Any) -> None:
    few = ask("POST", "/invocations", json=body)
    assert (few.status_code, few.json()["predictions"]) == (200, own)
    assert len(set(few.json()["prediction_ids"])) == len(ROWS)


def test_many_rows_are_answered_in_order(ask: Ask, own: list[str]) -> None:
    many = ask("POST", "/invocations", json={"dataframe_records": ROWS * 500})
    assert many.json()["predictions"] == own * 500
    assert ask("POST", "/invocations", json={"inputs": ROWS * 1_000}).status_code == 413


@pytest.mark.parametrize("media", ["text/csv", "text/csv; charset=utf-8"])
def test_a_table_may_come_as_csv(ask: Ask, own: list[str], media: str) -> None:
    text = pd.DataFrame(ROWS).to_csv(index=False)
    assert "True" in text
    told = ask("POST", "/invocations", content=text, headers={"content-type": media})
    assert told.json()["predictions"] == own


def test_a_text_in_csv_that_is_no_number_is_told_by_row_and_column(ask: Ask) -> None:
    text = pd.DataFrame([ROW, ROW | {"amount": "much"}, ROW | {"active": "maybe"}]).to_csv(index=False)
    told = ask("POST", "/invocations", content=text, headers={"content-type": "text/csv"}).json()
    assert [(one["row"], one["column"]) for one in told["problems"]] == [(1, "amount"), (2, "active")]
    assert told["problems"][0]["message"] == 'must be a number, got "much"'


def test_what_is_missing_in_csv_is_missing(ask: Ask) -> None:
    text = pd.DataFrame([ROW | {"amount": None, "active": None, "plan": None}, ROW]).to_csv(index=False)
    csv = ask("POST", "/invocations", content=text, headers={"content-type": "text/csv"}).json()
    own = ask("POST", "/predict", json=[ROW | {"amount": None, "active": None, "plan": None}, ROW]).json()
    assert csv["predictions"] == [one["prediction"] for one in own["predictions"]]


def test_a_table_may_come_as_parquet(ask: Ask, own: list[str]) -> None:
    into = io.BytesIO()
    pl.DataFrame(ROWS).with_columns(
        pl.col("joined").str.to_datetime(), pl.col("plan").cast(pl.Categorical)
    ).write_parquet(into)
    told = ask(
        "POST", "/invocations", content=into.getvalue(), headers={"content-type": "application/vnd.apache.parquet"}
    )
    assert told.json()["predictions"] == own


@pytest.mark.parametrize(
    ("body", "media", "status", "said"),
    [
        (b"[]", "application/json", 400, "exactly one of"),
        (b'{"inputs": [], "instances": []}', "application/json", 400, "exactly one of"),
        (b'{"dataframe": []}', "application/json", 400, "exactly one of"),
        (b'{"inputs": NaN, ', "application/json", 400, "malformed"),
        (b'{"inputs": []}', "application/json", 400, "no rows"),
        (b'{"inputs": {}}', "application/json", 400, "no rows"),
        (b'{"inputs": {"a": [1], "b": [1, 2]}}', "application/json", 400, "differ in length: a has 1, b has 2"),
        (b'{"inputs": 5}', "application/json", 400, "must be a list"),
        (b'{"instances": {"a": 1}}', "application/json", 400, "must be a list"),
        (b'{"dataframe_split": [1]}', "application/json", 400, "dataframe_split must be"),
        (b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', "application/json", 400, "more than once"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}}', "application/json", 400, "row 1 holds 2"),
        (b'{"dataframe_records": [1]}', "application/json", 400, "dataframe_records must be"),
        (b"", "text/csv", 400, "not a CSV file"),
        (b"amount,plan\n", "text/csv", 400, "no rows"),
        (b"PAR1", "application/vnd.apache.parquet", 400, "not a Parquet file"),
        (b"<a/>", "text/xml", 415, "the body is text/xml"),
        (b"{}", "application/json; charset=latin-1", 415, "must be UTF-8"),
        (b" " * 5_000_000, "application/json", 413, "4,096 KiB"),
    ],
)  # fmt: skip
def test_a_body_that_is_none_of_these_is_refused(ask: Ask, body: bytes, media: str, status: int, said: str) -> None:
    told = ask("POST", "/invocations", content=body, headers={"content-type": media})
    assert told.status_code == status, told.text
    assert said in told.json()["error"]


def test_the_python_of_mlflow_may_write_nan(ask: Ask) -> None:
    text = json.dumps({"dataframe_records": [ROW | {"amount": float("nan")}]})
    told = ask("POST", "/invocations", content=text).json()
    own = ask("POST", "/predict", json=ROW | {"amount": None}).json()
    assert told["predictions"] == [own["predictions"][0]["prediction"]]


@pytest.mark.parametrize("odd", ['"\\ud800"', '{"a": ["\\udfff"]}'])
def test_beside_nan_stands_nothing_that_no_record_can_hold(ask: Ask, odd: str) -> None:
    text = json.dumps({"dataframe_records": [ROW | {"amount": float("nan")}]}).replace('"gold"', odd)
    told = ask("POST", "/invocations", content=text)
    assert (told.status_code, told.json()["error"][:17]) == (400, "JSON is malformed")


def test_a_small_parquet_file_that_holds_much_is_refused(ask: Ask) -> None:
    into = io.BytesIO()
    pl.DataFrame(ROWS[:1] * 2_000).with_columns(more=pl.lit("x" * 30_000)).write_parquet(into)
    assert len(into.getvalue()) < 10_000
    headers = {"content-type": "application/vnd.apache.parquet"}
    told = ask("POST", "/invocations", content=into.getvalue(), headers=headers)
    assert told.status_code == 413
    assert told.json()["error"].startswith("the table takes more than 32 MiB")
