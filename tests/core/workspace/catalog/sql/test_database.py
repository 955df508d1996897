"""The catalog's database: its tables as data, and files and servers that an earlier version made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from hookline.errors import StoreError
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sql.database import Database
from hookline.workspace.catalog.sql.tables import TABLES


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either sort."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path / 'catalog.db'}"


def test_the_database_has_the_tables_and_columns_that_are_described(url: str) -> None:
    Database(url).close()
    engine = create_engine(url)
    found = inspect(engine)
    columns = {name: [column["name"] for column in found.get_columns(name)] for name in found.get_table_names()}
    assert columns == {spec.name: list(spec.columns) for spec in TABLES.values()}
    engine.dispose()


def test_every_word_and_every_order_of_time_has_an_index(url: str) -> None:
    Database(url).close()
    engine = create_engine(url)
    for spec in TABLES.values():
        indexed = {column for index in inspect(engine).get_indexes(spec.name) for column in index["column_names"]}
        words = {name for name, sort in spec.columns.items() if sort == "word"}
        assert {*words, *spec.indexed} <= indexed, spec.name
    engine.dispose()


def test_a_database_of_before_works_with_a_table_more_and_an_index_less(url: str) -> None:
    first = Catalog(url)
    first.runs.begin("20260101-000000-abcdef", "tips", "p", {}, [])
    with first.database.writing() as connection:
        connection.execute(text("CREATE TABLE hookline_features (id INTEGER PRIMARY KEY, run_id VARCHAR(255))"))
        connection.execute(text("INSERT INTO hookline_features VALUES (1, '20260101-000000-abcdef')"))
        for spec in TABLES.values():
            for name in spec.indexed:
                connection.execute(text(f"DROP INDEX ix_{spec.name}_{name}"))
    first.database.close()
    again = Catalog(url)
    again.runs.end("20260101-000000-abcdef", "finished", {"accuracy": 0.5})
    assert [(run.status, run.metrics) for run in again.runs.newest()] == [("finished", {"accuracy": 0.5})]
    with again.database.reading() as connection:
        assert connection.execute(text("SELECT run_id FROM hookline_features")).scalar() == "20260101-000000-abcdef"


def test_what_fails_while_it_is_written_leaves_nothing_behind(url: str) -> None:
    held = Catalog(url)
    with pytest.raises(ZeroDivisionError), held.database.writing() as connection:
        held.models.point_alias(connection, "churn", "champion", 1)
        raise ZeroDivisionError
    assert held.models.aliases("churn") == {}


def test_a_closed_database_opens_again_when_it_is_asked(tmp_path: Path) -> None:
    held = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    held.runs.begin("20260101-000000-abcdef", "tips", "p", {}, [])
    held.database.close()
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        assert connection.execute("SELECT count(*) FROM hookline_runs").fetchone() == (1,)
    assert held.runs.count() == 1


def test_where_no_connection_is_left_that_is_told_as_what_a_catalog_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Database(f"sqlite:///{tmp_path / 'catalog.db'}")
    few = create_engine(held.url, pool_size=1, max_overflow=0, pool_timeout=0.01, isolation_level="AUTOCOMMIT")
    monkeypatch.setattr(held, "_engine", few)
    with held.reading():
        with pytest.raises(StoreError, match="cannot be used: QueuePool limit"), held.reading():
            pass
        with pytest.raises(StoreError, match="cannot be used: QueuePool limit"), held.writing():
            pass
    few.dispose()
