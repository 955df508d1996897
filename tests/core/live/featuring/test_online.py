"""The online store: what is known of a key there is what a run knows of it at that moment, and nothing that came later."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, StoreError, UnknownName, UsageError
from hookline.live.featuring.online.materializing import store_known
from hookline.live.featuring.online.store import OnlineStore, Stored, key_text
from hookline.plans.keywords import FrameSource
from hookline.plans.placing.sets import known_set
from hookline.registry.registry import Registry

DAY = dt.datetime(2026, 1, 1)
YAML = """
orders:
  fresh: 2d
  joins:
    lately:
      component: join
      right: {component: file, path: orders.csv}
      on: [customer]
      time: at
      right_time: ordered
      windows:
        spent: {of: amount, figure: sum, over: 7d}
        most: {of: amount, figure: max, over: 7d}
        orders: {of: amount, figure: count, over: 7d}
    last:
      component: join
      right: {component: file, path: orders.csv}
      on: [customer]
      time: at
      right_time: ordered
      lag: 1d
  definitions:
    mean: {component: ratio, columns: {mean_order: [spent, orders]}}
"""
ORDERS = [("a", 0, 1.5), ("a", 3, 2.0), ("a", 9, 4.0), ("b", 5, 8.0), ("c", 30, 16.0)]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "conf" / "features").mkdir(parents=True)
    (tmp_path / "conf" / "features" / "orders.yaml").write_text(YAML, "utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nconfigs = "conf"\n', "utf-8")
    frame_of(ORDERS).write_csv(tmp_path / "orders.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame_of(orders: Any) -> pl.DataFrame:
    rows = [(customer, DAY + dt.timedelta(days=days), amount) for customer, days, amount in orders]
    schema = {"customer": pl.String, "ordered": pl.Datetime("us"), "amount": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def at(days: float) -> dt.datetime:
    return DAY + dt.timedelta(days=days)


def test_a_key_has_what_its_rows_told_until_then(shop: Path) -> None:
    hl.materialize("orders", join="lately", at=at(9))
    found = hl.look_up("orders", [{"customer": "a"}, {"customer": "b"}, {"customer": "c"}])
    assert [row["spent"] for row in found.rows] == [6.0, 8.0, None]
    assert [row["orders"] for row in found.rows] == [2, 1, 0]


def test_a_key_that_nobody_has_is_told_and_has_what_a_run_would_give_it(shop: Path) -> None:
    hl.materialize("orders", at=at(9))
    found = hl.look_up("orders", [{"customer": "nobody"}, {"customer": "a"}])
    assert found.unknown == (0,)
    assert (found.rows[0]["spent"], found.rows[0]["orders"], found.rows[0]["ordered"]) == (None, 0, None)


def test_a_moment_comes_back_as_one(shop: Path) -> None:
    hl.materialize("orders", at=at(9.5))
    # What became known a day after it happened: the order of the ninth day is not known yet.
    assert hl.look_up("orders", [{"customer": "a"}]).rows[0]["ordered"] == at(3)


def test_what_a_row_brings_itself_stays(shop: Path) -> None:
    hl.materialize("orders", at=at(9))
    assert hl.look_up("orders", [{"customer": "a", "spent": 0.5}]).rows[0]["spent"] == 0.5


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c d", 'e"']),
        st.floats(0, 20, allow_nan=False).map(lambda days: round(days, 3)),
        st.floats(-1e6, 1e6, allow_nan=False),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(events=EVENTS, now=st.floats(0, 25, allow_nan=False).map(lambda days: round(days, 2)), later=EVENTS)
def test_online_is_what_a_run_computes_and_never_sees_the_future(
    registry: Registry, events: Any, now: float, later: Any
) -> None:
    past = [one for one in events if one[1] <= now] or [("a", 0.0, 1.0)]
    future = [(key, now + 0.01 + days, amount) for key, days, amount in later]
    keys = ["a", "b", "c d", 'e"', "nobody"]
    asked = pl.DataFrame({"customer": keys, "at": [at(now)] * len(keys)}, schema_overrides={"at": pl.Datetime("us")})
    known = known_set(registry, "orders", yaml.safe_load(YAML)["orders"])
    with tempfile.TemporaryDirectory() as folder, OnlineStore(Path(folder)) as store:
        for name, join in known.joins.items():
            (stored,) = store_known(
                registry, store, known, FrameSource.of(frame_of(past + future)), join=name, at=at(now)
            )
            rows = dataclasses.replace(join, left=FrameSource.of(asked), right=FrameSource.of(frame_of(past)))  # type: ignore[call-arg]
            offline = rows.load().frame.select(list(stored.columns)).collect().rows()
            assert [values for values, _ in store.values(stored, [[key] for key in keys])] == offline


def test_a_pipeline_makes_of_one_row_what_it_makes_of_many(shop: Path) -> None:
    rows = pl.DataFrame(
        {
            "customer": ["a", "b", "c"] * 20,
            "at": [at(1 + i / 4) for i in range(60)],
            "y": ["yes" if i % 3 else "no" for i in range(60)],
        }
    )
    run = hl.run(
        source=rows, target="y", roles={"group": "customer"}, features="orders", split={"method": "random"},
        trainer="decision_tree", evaluator=[], packager=[],
    )  # fmt: skip
    assert run.execution is not None
    held = run.execution.value("split").test.frame.collect()
    many = run.predictor.features(held.lazy()).X
    alone = np.vstack([run.predictor.features(row.lazy()).X for row in held.iter_slices(1)])
    assert np.array_equal(many, alone, equal_nan=True)
    assert "mean_order" in run.predictor.feature_names


def test_values_that_are_older_than_the_set_allows_are_flagged(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hl.materialize("orders", at=at(9))
    assert hl.look_up("orders", [{"customer": "a"}]).stale == ("last", "lately")
    assert main(["features", "status"]) == 0
    told = capsys.readouterr()
    assert "warning: orders.lately is stale: its values are of 2026-01-10T00:00:00" in told.err
    hl.materialize("orders")
    assert hl.look_up("orders", [{"customer": "a"}]).stale == ()


def test_a_second_time_takes_the_place_of_the_first(shop: Path) -> None:
    hl.materialize("orders", at=at(9))
    hl.materialize("orders", frame_of([("z", 1, 1.0)]), join="lately", at=at(2))
    found = hl.look_up("orders", [{"customer": "a"}, {"customer": "z"}])
    assert [row["spent"] for row in found.rows] == [None, 1.0]


def test_a_reader_looks_up_again_and_again(shop: Path) -> None:
    hl.materialize("orders", at=at(9))
    with hl.FeatureReader("orders") as reader:
        assert [reader.look_up([{"customer": key}]).rows[0]["orders"] for key in "abc"] == [2, 1, 0]


def test_a_reader_sees_what_is_stored_anew_also_where_the_file_is_another(shop: Path) -> None:
    hl.materialize("orders", at=at(9))
    with hl.FeatureReader("orders") as reader:
        (shop / "conf" / "features" / "orders.yaml").write_text(
            YAML.replace("spent:", "paid:").replace("[spent,", "[paid,")
        )
        hl.materialize("orders", at=at(9))
        row = reader.look_up([{"customer": "a"}]).rows[0]
        assert (row["paid"], row["most"]) == (6.0, 4.0)
        assert "spent" not in row
        for file in shop.rglob("features.sqlite*"):
            file.unlink()
        hl.materialize("orders", frame_of([("a", 1, 5.0)]), join="lately", at=at(2))
        assert reader.look_up([{"customer": "a"}]).rows[0]["paid"] == 5.0


def test_numbers_said_as_texts_are_the_same_key(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hl.materialize("orders", frame_of([("17", 1, 5.0), ("017", 1, 6.0)]), join="lately", at=at(2))
    found = hl.look_up("orders", [{"customer": "17"}, {"customer": 17}, {"customer": "017"}])
    assert [row["spent"] for row in found.rows] == [5.0, 5.0, 6.0]
    assert main(["features", "lookup", "orders", "customer=17", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["spent"] == 5.0


def test_a_moment_is_the_same_key_with_and_without_a_fraction_that_says_nothing() -> None:
    moment = dt.datetime(2026, 1, 1, 12)
    texts = pl.Series([moment]).dt.to_string("iso:strict").to_list()
    assert {key_text([said]) for said in (moment, moment.isoformat(), *texts)} == {'["2026-01-01T12:00:00"]'}


def test_decimals_come_back_as_numbers(shop: Path) -> None:
    orders = frame_of([("a", 1, 5.25)]).with_columns(pl.col("amount").cast(pl.Decimal(10, 2)))
    hl.materialize("orders", orders, join="last", at=at(5))
    assert hl.look_up("orders", [{"customer": "a"}]).rows[0]["amount"] == 5.25


def test_a_moment_that_is_a_number_is_no_date() -> None:
    now = dt.datetime.now(dt.UTC)
    stored = Stored("orders", "last", "1a", ("customer",), {}, "12001231", now, 0, (), 60.0)
    assert stored.age < 60
    assert not stored.stale
    assert dataclasses.replace(stored, moment="1200-12-31").stale


def test_a_moment_of_joins_without_moments_is_refused(registry: Registry) -> None:
    told = {
        "joins": {"who": {"component": "join", "right": {"component": "file", "path": "who.csv"}, "on": ["customer"]}}
    }
    with OnlineStore(Path()) as store, pytest.raises(UsageError, match="joins by key alone"):
        store_known(registry, store, known_set(registry, "who", told), at=at(1))


def test_the_command_line_stores_tells_and_looks_up(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "materialize", "orders", "orders.csv", "--join", "lately", "--key", "customer", "--time",
                 "ordered", "--at", "2026-01-10", "--json"]) == 0  # fmt: skip
    (stored,) = json.loads(capsys.readouterr().out)
    assert (stored["keys"], stored["columns"], stored["state"]) == (3, ["spent", "most", "orders"], "stale")
    assert main(["features", "lookup", "orders", "customer=a", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == [{"customer": "a", "spent": 6.0, "most": 4.0, "orders": 2}]
    assert "warning: stale values of lately" in told.err


def test_what_cannot_be_stored_or_found_is_one_error(shop: Path) -> None:
    with pytest.raises(UnknownName, match="`hookline features materialize orders` stores it"):
        hl.look_up("orders", [{"customer": "a"}])
    with pytest.raises(UnknownName, match="did you mean 'lately'"):
        hl.materialize("orders", join="latly")
    with pytest.raises(UsageError, match="has the key customer, and not client"):
        hl.materialize("orders", key="client")
    with pytest.raises(UsageError, match="a source is of one join"):
        hl.materialize("orders", "orders.csv")
    hl.materialize("orders", at=at(9))
    with pytest.raises(DataError, match="row 1 has no 'customer'"):
        hl.look_up("orders", [{"client": "a"}])


def test_a_damaged_store_is_told(shop: Path) -> None:
    hl.materialize("orders", at=at(9))
    path = next(shop.rglob("features.sqlite"))
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be used: file is not a database"):
        hl.look_up("orders", [{"customer": "a"}])


def test_what_another_definition_stored_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hl.materialize("orders", at=at(9))
    (shop / "conf" / "features" / "orders.yaml").write_text(YAML.replace("7d", "8d"), "utf-8")
    assert main(["features", "status"]) == 0
    assert "warning: orders.lately was stored by orders@" in capsys.readouterr().err
