"""`hookline data peek`: a first look, and an experiment to begin with that runs as it is."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import hookline as hl
from hookline.errors import ConfigError, DataError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    day = dt.datetime(2026, 1, 1)
    pl.DataFrame(
        {
            "order_id": range(300),
            "customer_id": [f"c{n % 40}" for n in range(300)],
            "ordered_at": [day + dt.timedelta(hours=n) for n in range(300)],
            "note": [f"text {n}" for n in range(300)],
            "land": ["x"] * 300,
            "amount": [n % 17 for n in range(300)],
            "churned": ["yes" if n % 17 > 8 else "no" for n in range(300)],
        }
    ).write_csv(path)
    return path


def test_roles_are_guessed_with_a_reason(shop: Path) -> None:
    guesses = {(one.role, one.column): one.reason for one in hl.peek(shop).guesses}
    assert set(guesses) == {
        ("target", "churned"),
        ("id", "order_id"),
        ("group", "customer_id"),
        ("time", "ordered_at"),
        ("ignore", "note"),
        ("ignore", "land"),
    }
    assert guesses["group", "customer_id"] == "named as an id, with 7.5 rows a value"


def test_what_somebody_says_is_not_guessed(shop: Path) -> None:
    found = hl.peek(shop, roles={"target": "amount", "id": "note"})
    roles = found.profile.table.roles
    assert (roles.target, roles.id) == ("amount", "note")
    assert not {one.role for one in found.guesses} & {"target", "id"}


def test_the_experiment_that_is_written_runs_as_it_is(
    shop: Path, tmp_path: Path, hookline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, said = hookline("data", "peek", "shop.csv", "--write", "churn.yaml")
    assert code == 0, said
    assert "customer_id" in out
    assert "hookline --config-dir . experiment=churn" in said
    written = yaml.safe_load(Path("experiment/churn.yaml").read_text())
    assert written["source"] == {"path": "shop.csv"}
    assert written["roles"]["target"] == "churned"
    code, _, said = hookline("--config-dir", ".", "experiment=churn", "trainer=decision_tree")
    assert code == 0, said


def test_a_file_that_is_there_is_not_written_over(
    shop: Path, tmp_path: Path, hookline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hookline("data", "peek", str(shop), "--write", "churn.yaml")[0] == 0
    code, _, said = hookline("data", "peek", str(shop), "--write", "churn.yaml")
    assert (code, "experiment/churn.yaml is there already" in said) == (2, True)
    code, _, said = hookline("data", "peek", str(shop), "--write", "churn.txt")
    assert (code, "no name of an experiment's file" in said) == (2, True)


def test_every_source_can_be_looked_at(hookline: Any) -> None:
    code, out, said = hookline("data", "peek", "source=iris", "--json")
    assert code == 0, said
    told = json.loads(out)
    assert len(told["rows"]) == 10
    assert told["profile"]["origin"]["component"] == "iris"


def test_a_large_table_is_known_by_its_first_rows() -> None:
    found = hl.peek({"component": "synthetic", "rows": 150_000, "numeric": 2, "cardinalities": [3]})
    assert (found.whole, found.profile.table.rows) == (False, 100_000)


def test_a_data_frame_is_looked_at_too() -> None:
    found = hl.peek(pl.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "a"]}))
    assert [(one.role, one.column) for one in found.guesses] == [("target", "y")]
    assert found.rows.height == 3


def test_a_table_that_is_not_there_and_a_role_that_is_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none.csv"):
        hl.peek(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="roles.targt"):
        hl.peek(pl.DataFrame({"x": [1]}), roles={"targt": "x"})


def test_a_secret_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table t as select 1 as x, 'a' as y")
    connection.close()
    monkeypatch.setenv("SHOP_SECRET", "sesame-open-99")
    for password, told in (
        ("sesame-open-99", "source.password held a secret"),
        ("${oc.env:SHOP_SECRET}", "${oc.env:SHOP_SECRET}"),
    ):
        found = hl.peek({"component": "sql", "url": f"sqlite:///{tmp_path}/s.db", "table": "t", "password": password})
        assert "sesame-open-99" not in found.experiment("x")
        assert told in found.experiment("x")
