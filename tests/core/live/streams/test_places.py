"""What is kept of a source that rows keep coming to, and another source that is named in its place."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import HooklineError, UsageError
from hookline.kinds.kinds import Source
from hookline.plans.keywords import source_of
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace


@pytest.fixture
def shop() -> None:
    size = np.random.default_rng(0).normal(size=80).round(3)
    rows = pl.DataFrame({"size": size, "paid": 2 * size})
    hl.run(
        source=rows,
        target="paid",
        name="shop",
        trainer="sgd_regressor",
        packager=["skops"],
        deployer="local",
        evaluator=[],
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two tables whose positions read alike, and whose rows do not."""
    path = tmp_path / "rows.db"
    with sqlite3.connect(path) as connection:
        for table, size in (("one", 1.0), ("other", 2.0)):
            connection.execute(f"CREATE TABLE {table} (n INTEGER, size REAL, paid REAL)")
            rows = [(number, size, 2 * size) for number in range(40)]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
    connection.close()
    return path


def table(database: Path, name: str, **more: object) -> Source:
    fields = {"component": "sql", "url": f"sqlite:///{database}", "table": name, "watermark": "n", **more}
    return source_of(load_registry(), fields)


def test_what_is_watched_of_one_source_is_not_the_mark_of_another(shop: None, database: Path) -> None:
    assert hl.monitor_from("shop", table(database, "one")) is not None
    with pytest.raises(UsageError, match="table 'one', and here is one with table 'other'"):
        hl.monitor_from("shop", table(database, "other"))
    assert hl.monitor_from("shop", table(database, "one", connections=2, key="n")) is None


def test_rows_of_one_source_are_not_learned_in_the_place_of_anothers(shop: None, database: Path) -> None:
    assert hl.update_from("shop", table(database, "one"), from_start=True) is not None
    with pytest.raises(UsageError, match="table 'one'"):
        hl.update_from("shop:1", table(database, "other"), from_start=True)


def test_what_a_version_learned_of_one_table_says_nothing_of_another(shop: None, database: Path) -> None:
    assert hl.update_from("shop", table(database, "one"), from_start=True) is not None
    (open_workspace().home / "streams" / "shop" / "learned").rename(database.parent / "away")
    with pytest.raises(
        UsageError, match="shop:2 has learned from a source with table 'one', and here is one with table"
    ):
        hl.update_from("shop:2", table(database, "other"))
    found = hl.update_from("shop:2", table(database, "other"), from_start=True)
    assert found is not None
    assert found.rows == 40


def test_a_source_that_cannot_be_read_leaves_no_trace(shop: None, database: Path) -> None:
    with pytest.raises(HooklineError):
        hl.monitor_from("shop", table(database, "absent"))
    assert hl.monitor_from("shop", table(database, "one")) is not None


def test_the_command_tells_json_where_nothing_is_new(
    shop: None, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["source=sql", f"source.url=sqlite:///{database}", "source.table=one", "source.watermark=n"]
    assert main(["monitor", "run", "shop", *words, "--new", "--json"]) == 0
    capsys.readouterr()
    assert main(["monitor", "run", "shop", *words, "--new", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["predict", "shop", "rows.csv", "to.topic=answers"], "to.topic=answers is of a source"),
        (["predict", "shop", "--from", "events", "--to", "events", "source.topic=a"], "source.topic=a is of a table"),
        (["predict", "shop", "--from", "events", "--to", "events", "--times", "2"], "--times goes with --follow"),
        (["predict", "shop", "--from", "events", "--to", "events", "--batch", "0"], "at least 1"),
        (["models", "update", "shop", "rows.csv", "--every", "2"], "--every is of a source"),
        (["models", "update", "shop", "source=sql", "--follow", "--every", "-1"], "more than 0"),
        (["models", "update", "shop", "source=sql", "--follow", "--times", "-1"], "at least 1"),
        (["monitor", "run", "shop", "source=sql", "--new", "--since", "7d"], "--since and --until are of what"),
        (["runs", "send", "--timeout", "nan"], "more than 0"),
    ],
)
def test_what_goes_with_nothing_is_refused(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_a_tag_may_be_called_source(shop: None) -> None:
    assert main(["models", "tag", "shop:1", "source=survey"]) == 0
    assert open_workspace().catalog.acts.tags("shop") == {1: {"source": "survey"}}
