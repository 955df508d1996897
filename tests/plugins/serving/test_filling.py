"""Requests that come with a key alone: what the model's feature sets join is put in from the online store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import msgspec
import polars as pl
import pytest

from hookline.cli import main
from kit.serving import Server, serving
from kit.shop import ROW, SETS, WHOLE, define_orders, known_of, open_shop, store_orders, train_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a model whose set joins what customers ordered, and an online store that knows some of them."""
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOOKLINE_HOME", str(folder / "home"))
        open_shop(folder)
        store_orders()
        yield folder


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Server]:
    """The model, served."""
    with serving("churn", shop / "home", shop / "log") as running:
        yield running


def test_a_row_with_its_key_alone_is_answered_as_one_that_brings_everything(server: Server) -> None:
    (alone,) = server.predict(ROW)
    spent, orders = known_of(3)
    (whole,) = server.predict({**ROW, "spent": spent, "orders": orders})
    assert alone["probabilities"] == whole["probabilities"]
    assert [record["row"]["spent"] for record in server.records()[-2:]] == [spent] * 2


def test_stale_values_are_warned_of_in_the_answer(server: Server) -> None:
    (alone,) = server.predict(ROW)
    assert "spent, orders: stored values of 2026-01-09T08:00:00, older than orders allows" in alone["warnings"]
    (whole,) = server.predict({**ROW, "spent": 1.0, "orders": 1})
    assert not any("stored values" in told for told in whole.get("warnings", ()))


def test_a_row_without_the_key_lacks_its_columns(server: Server) -> None:
    response = server.post({"rows": [{"age": 30, "at": ROW["at"]}]})
    assert response.status_code == 422
    assert "spent" in response.text


def test_a_key_that_nobody_has_is_answered_as_a_run_would_know_it(server: Server) -> None:
    (nobody,) = server.predict({**ROW, "customer": "nobody"})
    (whole,) = server.predict({**ROW, "customer": "nobody", "spent": None, "orders": 0})
    assert nobody["probabilities"] == whole["probabilities"]


def _arrow(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    into = BytesIO()
    rows.write_ipc_stream(into)
    return "/predict", into.getvalue(), {"content-type": "application/vnd.apache.arrow.stream"}


def _parquet(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    into = BytesIO()
    rows.write_parquet(into)
    return "/invocations", into.getvalue(), {"content-type": "application/vnd.apache.parquet"}


def _csv(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    return "/invocations", rows.write_csv().encode(), {"content-type": "text/csv"}


def _records(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    body = msgspec.json.encode({"dataframe_records": rows.to_dicts()})
    return "/invocations", body, {"content-type": "application/json"}


def _split(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    body = msgspec.json.encode({"dataframe_split": {"columns": rows.columns, "data": rows.rows()}})
    return "/invocations", body, {"content-type": "application/json"}


def _tensors(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    kinds = {"age": "INT64"}
    inputs = [
        {"name": name, "datatype": kinds.get(name, "BYTES"), "shape": [rows.height], "data": rows[name].to_list()}
        for name in rows.columns
    ]
    return "/v2/models/churn/infer", msgspec.json.encode({"inputs": inputs}), {}


def _binary(rows: pl.DataFrame) -> tuple[str, bytes, dict[str, str]]:
    ages = rows["age"].to_numpy().tobytes()
    _, head, _ = _tensors(rows.drop("age"))
    inputs = msgspec.json.decode(head)["inputs"]
    size = {"binary_data_size": len(ages)}
    inputs.append({"name": "age", "datatype": "INT64", "shape": [rows.height], "parameters": size})
    told = msgspec.json.encode({"inputs": inputs})
    return "/v2/models/churn/infer", told + ages, {"inference-header-content-length": str(len(told))}


@pytest.mark.parametrize("way", [_arrow, _parquet, _csv, _records, _split, _tensors, _binary])
def test_rows_are_filled_whatever_they_come_as(
    server: Server, way: Callable[[pl.DataFrame], tuple[str, bytes, dict[str, str]]]
) -> None:
    path, body, headers = way(pl.DataFrame([ROW, {**ROW, "customer": "c4"}]))
    response = httpx.post(server.url + path, content=body, headers=headers, timeout=20)
    assert response.status_code == 200, response.text
    assert [(one["row"]["spent"], one["row"]["orders"]) for one in server.records()[-2:]] == [known_of(3), known_of(4)]


def test_a_damaged_store_answers_503_for_rows_that_lack_something_until_it_is_written_anew(
    shop: Path, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(shop / "home"))
    path = shop / "home" / "features.sqlite"
    # In its place, since what a server has open it need not read again.
    damaged = path.with_name("damaged")
    damaged.write_bytes(b"no database at all" * 1000)
    damaged.replace(path)
    refused = server.post({"rows": [ROW]})
    assert refused.status_code == 503
    assert "the row lacks stored features, which cannot be read now: the online store" in refused.json()["error"]
    assert refused.headers["retry-after"] == "1"
    assert server.post({"rows": [WHOLE]}).status_code == 200
    assert "hookline_unfilled_total 1.0" in httpx.get(f"{server.url}/metrics").text
    main(["doctor"])
    assert "`hookline features materialize SET` writes it anew" in capsys.readouterr().out
    store_orders()
    assert server.post({"rows": [ROW]}).status_code == 200
    (kept,) = path.parent.glob("features.sqlite.damaged-*")
    assert kept.read_bytes().startswith(b"no database")


@pytest.mark.parametrize(
    "deployer", [{"component": "ab_test", "key": None}, {"component": "shadow"}], ids=["beside", "shadow"]
)
def test_a_version_made_with_another_set_is_not_given_what_was_stored_for_the_one_in_charge(
    deployer: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "home"))
    open_shop(tmp_path)
    store_orders()
    define_orders(tmp_path, SETS.replace('"over": "3d"', '"over": "9d"'), f"sets_of_more_days_{deployer['component']}")
    train_shop(deployer)
    with serving("churn", tmp_path / "home", tmp_path / "log") as server:
        due = time.monotonic() + 30
        while {record["version"] for record in server.records()} != {1, 2}:
            assert time.monotonic() < due
            server.predict(WHOLE)
        for _ in range(20):
            server.predict(ROW)
        server.predict(*[WHOLE] * 100)
        alone = [record for record in server.records() if record["row"].get("spent") != WHOLE["spent"]]
    assert [record["version"] for record in alone] == [1] * 20
