"""Rows of real databases: the same in each, typed, in order, and read as far as they are wanted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, DataError
from hookline.registry.registry import Registry
from hookline_sql import SqlSource
from kit.conformance import check_built_in
from kit.databases import PLACE, add, put, run
from kit.tables import rows_of

ROWS = pl.DataFrame(
    {
        "name": ["ann", "bob", None, "zoë; drop table people --"],
        "age": [30, None, 50, 60],
        "pay": [1.5, 0.1, None, -2.25],
        "kept": [True, False, None, True],
        "born": [dt.date(1990, 1, 31), None, dt.date(2000, 2, 29), dt.date(1970, 1, 1)],
        "seen": [
            dt.datetime(2026, 1, 1, 10, 0, 0, 500_000),
            None,
            dt.datetime(2026, 3, 29, 2, 30),
            dt.datetime(1999, 12, 31),
        ],
    }
)


@pytest.fixture
def people(url: str) -> str:
    """A database with a table of every type that all systems have."""
    put(url, "people", ROWS)
    return url


def test_values_and_types_are_those_that_were_put_in(people: str) -> None:
    read = rows_of(SqlSource(url=people, table="people"))
    assert read.drop(PLACE).equals(ROWS)
    assert read.schema == {PLACE: pl.Int64(), **ROWS.schema}


def test_rows_come_in_the_order_of_the_primary_key(url: str) -> None:
    put(url, "t", pl.DataFrame({"x": [0]}))
    add(url, "t", pl.DataFrame({"x": [2]}), start=5)
    add(url, "t", pl.DataFrame({"x": [1]}), start=1)
    assert rows_of(SqlSource(url=url, table="t"))["x"].to_list() == [0, 1, 2]
    assert rows_of(SqlSource(url=url, table="t", order_by=("x",), columns=("x",)))["x"].to_list() == [0, 1, 2]


def test_only_columns_that_are_named_come_in_their_order(people: str) -> None:
    assert rows_of(SqlSource(url=people, table="people", columns=("pay", "name"))).columns == ["pay", "name"]


def test_a_parameter_is_a_value_whatever_is_in_it(people: str) -> None:
    def named(name: str) -> SqlSource:
        return SqlSource(url=people, query="select age from people where name = :name", parameters={"name": name})

    assert rows_of(named("zoë; drop table people --"))["age"].to_list() == [60]
    with pytest.raises(DataError, match="gives no rows"):
        rows_of(named("' or '1' = '1"))
    assert rows_of(SqlSource(url=people, table="people")).height == 4


def test_a_query_is_read_in_its_own_order_whatever_columns_are_wanted(people: str) -> None:
    frame = SqlSource(url=people, query="select name, age from people where age > 10 order by age desc;").load().frame
    assert frame.collect()["age"].to_list() == [60, 50, 30]
    assert frame.select("name").collect()["name"].to_list() == ["zoë; drop table people --", None, "ann"]
    assert frame.head(1).collect()["age"].to_list() == [60]


def test_ranges_that_are_read_side_by_side_are_the_rows_of_one_reading(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_sql.streaming.BATCH", 70)
    put(url, "t", pl.DataFrame({"x": range(1_000), "s": [f"s{n % 7}" for n in range(1_000)]}))
    run(url, f"delete from t where {PLACE} between 100 and 480")
    one = SqlSource(url=url, query="select * from t where x <> 7", key=PLACE)
    several = SqlSource(url=url, query="select * from t where x <> 7", key=PLACE, connections=3)
    assert rows_of(several).equals(rows_of(one))
    assert rows_of(several).height == 618


def test_rows_without_a_key_are_in_no_range(people: str) -> None:
    with pytest.raises(DataError, match="1 rows have no 'age', so that they are in no range of it"):
        rows_of(SqlSource(url=people, table="people", key="age", connections=2))
    assert rows_of(SqlSource(url=people, table="people", key="age")).height == 4


def test_columns_of_a_query_come_in_its_order(people: str) -> None:
    query = "select name, age, pay from people where age > 10 order by age desc"
    source = SqlSource(url=people, query=query, columns=("pay", "age"))
    read = rows_of(source)
    assert read.columns == ["pay", "age"]
    assert read["age"].to_list() == [60, 50, 30]
    assert dict(source.columns_ahead() or {}) == dict(read.schema)
    with pytest.raises(DataError, match="nope"):
        rows_of(SqlSource(url=people, query=query, columns=("nope",)))


@pytest.mark.parametrize(
    "end", [" -- all", ";", " ; \n;", "; -- all; of them", " /* all; */ ;\n-- all"], ids=[*"abcde"]
)
def test_a_query_may_end_with_a_comment_or_a_semicolon(people: str, end: str) -> None:
    query = f"select name, age from people where name <> ';--' and age > 40{end}"
    for fields in ({}, {"columns": ("age",)}, {"order_by": ("age",)}):
        assert rows_of(SqlSource(url=people, query=query, **fields))["age"].sort().to_list() == [60]  # type: ignore[arg-type]


def test_times_with_zones_are_utc_in_a_column_without_one(database: Callable[[str], str]) -> None:
    url = database("sqlite")
    values = "('2026-01-01 10:00:00+02:00'), ('2026-01-01T10:00:00Z'), ('2026-01-01 10:00:00'), (null)"
    run(url, "create table t (at timestamp)", f"insert into t values {values}")
    source = SqlSource(url=url, query="select * from t")
    read = rows_of(source)
    assert dict(source.columns_ahead() or {}) == dict(read.schema) == {"at": pl.Datetime("us")}
    assert [None if at is None else at.hour for at in read["at"]] == [8, 10, 10, None]


def test_bits_are_numbers_though_the_first_is_missing(database: Callable[[str], str]) -> None:
    url = database("mariadb")
    run(url, "create table t (n bigint, b bit(12))", "insert into t values (1, null), (2, 5), (3, 2049)")
    assert rows_of(SqlSource(url=url, table="t", order_by=("n",)))["b"].to_list() == [None, 5, 2049]


@pytest.mark.parametrize("system", ["postgresql", "duckdb"])
def test_ranges_of_uuids_are_the_rows_of_one_reading(
    system: str, database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_sql.streaming.BATCH", 7)
    url = database(system)
    make = "gen_random_uuid()" if system == "postgresql" else "uuid()"
    run(url, f"create table t as select {make} as id, i as n from generate_series(1, 30) s(i)")
    one, several = (SqlSource(url=url, table="t", key="id", connections=n) for n in (1, 3))
    assert rows_of(several).equals(rows_of(one))


def test_conditions_and_limits_of_a_lazy_frame_hold(people: str) -> None:
    frame = SqlSource(url=people, table="people").load().frame
    assert frame.filter(pl.col("age") > 40).select("pay").collect()["pay"].to_list() == [None, -2.25]
    assert frame.select(pl.len()).collect().item() == 4
    assert frame.filter(pl.col("age") > 40).head(1).collect()["age"].to_list() == [50]


def test_the_fingerprint_changes_with_a_value_and_not_with_a_reading(people: str) -> None:
    source = SqlSource(url=people, table="people")
    before = source.fingerprint()
    rows_of(source)
    assert source.fingerprint() == before
    run(people, "update people set pay = 7 where age = 30")
    assert source.fingerprint() != before


def test_a_version_query_or_a_watermark_stands_for_the_rows(people: str) -> None:
    asked = SqlSource(url=people, table="people", version_query="select count(*) from people")
    marked = SqlSource(url=people, table="people", watermark=PLACE)
    before = [asked.fingerprint(), marked.fingerprint()]
    run(people, "update people set pay = 7 where age = 30")
    assert [asked.fingerprint(), marked.fingerprint()] == before
    add(people, "people", ROWS.head(1), start=4)
    assert not {asked.fingerprint(), marked.fingerprint()} & {*before}


def test_the_source_keeps_what_the_kit_asks_of_every_source(people: str) -> None:
    check_built_in("source", "sql", {"url": people, "table": "people", "watermark": PLACE, "key": PLACE, "overlap": 2})
    aged = "select name, age from people where age is not null"
    check_built_in("source", "sql", {"url": people, "query": aged, "watermark": "age"})


def test_a_model_is_trained_and_asked_from_a_database(url: str, hookline: Any) -> None:
    put(
        url,
        "t",
        pl.DataFrame({"x": [n % 10 for n in range(200)], "y": ["a" if n % 10 > 4 else "b" for n in range(200)]}),
    )
    source = ["source=sql", f"source.url={url}", "source.query=select x, y from t where x >= 0"]
    code, _, said = hookline("run", *source, "target=y", "trainer=decision_tree", "packager=skops")
    assert code == 0, said
    code, out, said = hookline("predict", "last", *source)
    assert code == 0, said
    assert out.splitlines()[1].split(",")[1] == "b"
    assert len(out.splitlines()) == 201
    code, out, said = hookline("data", "check", *source, "--model", "last")
    assert code == 0, said
    assert "200 rows" in said
    code, out, said = hookline("data", "profile", *source, "--target", "y")
    assert code == 0, said
    assert "200 rows" in said


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "either table or query"),
        ({"table": "t", "query": "select 1"}, "either table or query"),
        ({"query": "select 1", "schema": "s"}, "schema goes with table"),
        ({"table": "t", "connections": 2}, "needs key"),
        ({"table": "t", "overlap": 1, "watermark": "w"}, "needs watermark and key"),
    ],
    ids=["neither", "both", "schema", "connections", "overlap"],
)
def test_fields_that_do_not_go_together_are_told_before_anything_is_asked(
    registry: Registry, fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        registry.build("source", "sql", {"url": "sqlite:///none.db", **fields}, "source")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({}, "asks for :a"), ({"a": 1, "b": 2}, "parameters.b is nowhere")],
    ids=["missing", "spare"],
)
def test_parameters_and_query_name_the_same(
    database: Callable[[str], str], parameters: dict[str, Any], told: str
) -> None:
    url = database("sqlite")
    put(url, "t", pl.DataFrame({"x": [1]}))
    with pytest.raises(DataError, match=told):
        SqlSource(url=url, query="select x from t where x = :a", parameters=parameters).load()


def test_a_url_that_names_a_driver_is_read_by_sqlalchemy(postgresql_url: str) -> None:
    put(postgresql_url.replace("+psycopg", ""), "people", ROWS)
    frames = [
        rows_of(SqlSource(url=url, table="people")) for url in (postgresql_url, postgresql_url.replace("+psycopg", ""))
    ]
    assert frames[0].equals(frames[1])


def test_python_reads_what_the_command_line_does(people: str) -> None:
    profile = hl.profile({"component": "sql", "url": people, "table": "people"})
    assert profile.table.rows == 4
