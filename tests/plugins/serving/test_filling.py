"""Requests that come with a key alone: what the model's feature sets join is put in from the online store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
import pytest

import hookline as hl
from kit.serving import Server, serving

DAY = dt.datetime(2026, 1, 1)
ORDERS = "orders.csv"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A model whose set joins what customers ordered, served beside an online store that knows some of them."""
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOOKLINE_HOME", str(folder / "home"))
        orders = [(f"c{i % 20}", DAY + dt.timedelta(hours=i), float(i % 13)) for i in range(400)]
        pl.DataFrame(orders, schema=["customer", "ordered", "amount"], orient="row").write_csv(ORDERS)
        (folder / "sets_of_orders_served.py").write_text(SETS, "utf-8")
        (folder / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["sets_of_orders_served"]\n', "utf-8")
        rows = pl.DataFrame(
            {
                "customer": [f"c{i % 20}" for i in range(300)],
                "at": [DAY + dt.timedelta(hours=100 + i) for i in range(300)],
                "age": [20 + i % 40 for i in range(300)],
                "left": ["yes" if (i % 20 < 9) != (i % 11 == 3) else "no" for i in range(300)],
            }
        )
        hl.run(
            source=rows, target="left", roles={"group": "customer"}, features="orders", split={"method": "random"},
            trainer="decision_tree", packager=["onnx"], deployer="local", audit="off", name="churn", monitor=[],
        )  # fmt: skip
        hl.materialize("orders", at=DAY + dt.timedelta(hours=200))
        with serving("churn", folder / "home", folder / "log") as running:
            yield running


SETS = '''
import hookline as hl

@hl.hookimpl
def register_feature_sets():
    """Return what customers ordered."""
    lately = {
        "component": "join", "right": {"component": "file", "path": "orders.csv"}, "on": ["customer"], "time": "at",
        "right_time": "ordered", "windows": {
            "spent": {"of": "amount", "figure": "sum", "over": "3d"},
            "orders": {"of": "amount", "figure": "count", "over": "3d"},
        },
    }
    mean = {"component": "ratio", "columns": {"mean_order": ["spent", "orders"]}}
    return [hl.FeatureSet(name="orders", fresh="1d", joins={"lately": lately}, definitions={"mean": mean})]
'''
ROW = {"customer": "c3", "age": 30, "at": "2026-01-09T08:00:00"}


def test_a_row_with_its_key_alone_is_answered_as_one_that_brings_everything(server: Server) -> None:
    (alone,) = server.predict(ROW)
    # Of the hours 3, 23, ... 183 before the moment of the store, those in its last three days.
    amounts = [float(i % 13) for i in range(400) if i % 20 == 3 and 128 < i <= 200]
    (whole,) = server.predict({**ROW, "spent": sum(amounts), "orders": len(amounts)})
    assert alone["probabilities"] == whole["probabilities"]
    assert [record["row"]["spent"] for record in server.records()[-2:]] == [sum(amounts)] * 2


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
