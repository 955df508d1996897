"""Rows that keep coming to a table: each is collected once, and what came too late or went is told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.errors import DataError
from hookline.kinds.streams.marks import Mark, before
from hookline_sql import SqlSource
from kit.databases import PLACE, add, put, run


def clicks(url: str, overlap: float = 0) -> SqlSource:
    return SqlSource(url=url, table="clicks", watermark="came", key=PLACE, overlap=overlap)


def minutes(*values: int) -> pl.DataFrame:
    start = pl.datetime(2026, 1, 1)
    return pl.select(
        came=start + pl.duration(minutes=pl.Series(values, dtype=pl.Int64)), minute=pl.Series(values, dtype=pl.Int64)
    )


@pytest.fixture
def shop(url: str) -> str:
    put(url, "clicks", minutes(1, 2, 3))
    return url


def test_rows_that_came_since_are_collected_once(shop: str) -> None:
    first = hl.collect("clicks", clicks(shop))
    add(shop, "clicks", minutes(4, 5), start=3)
    second = hl.collect("clicks", clicks(shop))
    third = hl.collect("clicks", clicks(shop))
    assert [one.rows for one in (first, second, third)] == [3, 2, 0]
    assert sorted(pl.read_parquet(Path(first.path) / "*.parquet")["minute"].to_list()) == [1, 2, 3, 4, 5]


def test_a_row_that_comes_late_within_the_overlap_is_collected_once(shop: str) -> None:
    source = clicks(shop, overlap=120)
    before = source.position()
    add(shop, "clicks", minutes(2, 4), start=3)
    after = source.position()
    add(shop, "clicks", minutes(3), start=5)
    assert source.load_between(before, after).frame.collect()["minute"].to_list() == [2, 4]
    assert source.load_between(after, source.position()).frame.collect()["minute"].to_list() == [3]


def test_a_row_that_comes_later_than_that_is_told(shop: str) -> None:
    for source in (clicks(shop), clicks(shop, overlap=60)):
        before = source.position()
        add(shop, "clicks", minutes(1), start=int(source.overlap) + 10)
        with pytest.raises(DataError, match="1 rows came to 'came' at or before"):
            source.load_between(before, source.position())


def test_a_row_that_is_gone_is_told(shop: str) -> None:
    for minute, source in ((1, clicks(shop)), (3, clicks(shop, overlap=60))):
        before = source.position()
        run(shop, f"delete from clicks where minute = {minute}")
        with pytest.raises(DataError, match="1 rows that were read before are gone"):
            source.load_between(before, before)


def test_a_row_without_a_watermark_is_told(shop: str) -> None:
    run(shop, "update clicks set came = null where minute = 2")
    with pytest.raises(DataError, match="1 rows have no 'came'"):
        clicks(shop).position()


def test_a_position_of_another_source_is_refused(shop: str) -> None:
    with pytest.raises(DataError, match="no position of source 'sql'"):
        clicks(shop).load_between("7", "9")


def test_a_position_is_of_one_table_alone(shop: str) -> None:
    put(shop, "visits", minutes(1, 2))
    other = SqlSource(url=shop, table="visits", watermark="came", key=PLACE)
    with pytest.raises(DataError, match="the position is of table 'visits' of .* reads table 'clicks' of") as caught:
        clicks(shop).load_between(other.position(), clicks(shop).position())
    assert "begin anew" in str(caught.value.hint)


def test_a_position_that_does_not_say_of_what_it_is_is_refused(shop: str) -> None:
    old = json.loads(clicks(shop).position())
    del old["of"]
    with pytest.raises(DataError, match="does not say of what it is"):
        clicks(shop).load_between(json.dumps(old), clicks(shop).position())


def test_an_empty_table_is_a_beginning(shop: str) -> None:
    run(shop, "delete from clicks")
    source = clicks(shop)
    before = source.position()
    assert source.load_between(None, before).frame.collect().is_empty()
    add(shop, "clicks", minutes(9), start=9)
    assert source.load_between(before, source.position()).frame.collect()["minute"].to_list() == [9]


DATABASES = {
    "sqlite_z": ("sqlite", "timestamp", "bigint", [f"'2026-01-01T10:0{n}:00Z'" for n in range(6)]),
    "sqlite_offset": ("sqlite", "text", "bigint", [f"'2026-01-01 10:0{n}:00.250+02:00'" for n in range(6)]),
    "duckdb_text": ("duckdb", "varchar", "bigint", [f"'2026-01-01T10:0{n}:00Z'" for n in range(6)]),
    "postgresql_text": ("postgresql", "text", "bigint", [f"'2026-01-01T10:0{n}:00Z'" for n in range(6)]),
    "mariadb_text": ("mariadb", "varchar(40)", "bigint", [f"'2026-01-01 10:0{n}:00+02'" for n in range(6)]),
    "mariadb_timestamp": ("mariadb", "timestamp", "bigint", [f"'2026-01-01 10:0{n}:00'" for n in range(6)]),
    "postgresql_zone": ("postgresql", "timestamptz", "uuid", [f"'2026-01-01 10:0{n}:00+02'" for n in range(6)]),
    "postgresql_numeric": ("postgresql", "numeric(30, 4)", "bigint", [f"{n * 60}.5" for n in range(6)]),
    "duckdb_uuid": ("duckdb", "timestamptz", "uuid", [f"'2026-01-01 10:0{n}:00+02'" for n in range(6)]),
    "duckdb_decimal": ("duckdb", "decimal(30, 4)", "bigint", [f"{n * 60}.5" for n in range(6)]),
}
"""System, types of watermark and key, and watermarks that are a minute apart."""


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize("columns", [(), ("n",)], ids=["all", "some"])
def test_rows_of_any_watermark_and_key_are_read_once(
    name: str, columns: tuple[str, ...], database: Callable[[str], str]
) -> None:
    system, mark, key, values = DATABASES[name]
    url = database(system)

    def add_row(n: int) -> str:
        k = f"'0d4f5b2c-0000-4000-8000-00000000000{n}'" if key == "uuid" else n
        return f"insert into clicks (k, came, n) values ({k}, {values[n]}, {n})"

    source = SqlSource(url=url, table="clicks", watermark="came", key="k", overlap=120, columns=columns)
    run(url, f"create table clicks (k {key} primary key, came {mark}, n bigint)", *map(add_row, (0, 1, 3)))
    first = source.position()
    read = [source.load_between(None, first).frame.collect()]
    run(url, *map(add_row, (2, 4)))
    second = source.position()
    run(url, add_row(5))
    read += [source.load_between(first, second).frame.collect()]
    read += [source.load_between(second, source.position()).frame.collect()]
    assert [frame["n"].to_list() for frame in read] == [[0, 1, 3], [2, 4], [5]]
    assert not columns or read[0].columns == ["n"]


@pytest.mark.parametrize(
    ("value", "overlap", "wanted"),
    [
        ("2026-01-01T10:00:00Z", 120, "2026-01-01T09:58:00Z"),
        ("2026-01-01 10:00:00.250+02:00", 1.5, "2026-01-01 09:59:58.750+02:00"),
        ("2026-01-01 10:00", 60, "2026-01-01 09:59"),
        ("2026-01-02", 3600, "2026-01-01"),
        (dt.date(2026, 1, 3), 3600, dt.date(2026, 1, 2)),
        (dt.date(2026, 1, 3), 172_800, dt.date(2026, 1, 1)),
        (2**60 + 1, 1.5, 2**60 - 1),
        (Decimal("12345678901234567890.5"), 0.5, Decimal("12345678901234567890")),
        (2.5, 0.5, 2.0),
    ],
)
def test_what_is_an_overlap_smaller_is_of_the_same_sort(value: Any, overlap: float, wanted: Any) -> None:
    found = before(value, overlap)
    assert (found, type(found)) == (wanted, type(wanted))
    assert Mark.parse(Mark(value, found, of="a").text(), "sql", "a") == Mark(value, wanted, 0, [], "a")


@pytest.mark.parametrize("text", ["soon", "20260101T100000Z", "2026-W01-1", "2026-13-01"])
def test_a_text_that_does_not_compare_as_a_time_has_no_overlap(text: str) -> None:
    with pytest.raises(DataError, match="measured in seconds or numbers"):
        before(text, 60)


def test_a_row_whose_key_went_missing_is_still_read(database: Callable[[str], str]) -> None:
    url = database("sqlite")
    run(url, "create table clicks (k bigint, came bigint)", "insert into clicks values (1, 10), (2, 20)")
    source = SqlSource(url=url, table="clicks", watermark="came", key="k", overlap=5)
    first = source.position()
    run(url, "insert into clicks values (null, 30), (4, 40)")
    assert source.load_between(first, source.position()).frame.collect()["came"].sort().to_list() == [30, 40]


def test_a_query_without_its_parameters_is_told_before_it_is_asked(database: Callable[[str], str]) -> None:
    url = database("sqlite")
    run(url, "create table clicks (came bigint)")
    source = SqlSource(url=url, query="select * from clicks where came > :least", watermark="came")
    for asked in (source.position, lambda: source.load_between(None, Mark(1, 1, 1).text())):
        with pytest.raises(DataError, match="asks for :least"):
            asked()


MICROSECOND = dt.timedelta(microseconds=1)
TIMES = st.lists(st.integers(1, 5_000_000), min_size=2, max_size=5)
"""Microseconds from one row to the next."""
ENDS = st.sampled_from(["", "Z", "+00:00", "+02:00", "-05:00"])
FRACTIONS = st.sampled_from(["auto", "seconds", "milliseconds", "microseconds"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TIMES, st.data(), st.booleans(), st.sampled_from([0.0, 1.5, 60.0]))
def test_times_in_whatever_form_are_each_read_once_or_refused(
    tmp_path: Path, steps: list[int], data: st.DataObject, alike: bool, overlap: float
) -> None:
    forms = st.tuples(st.sampled_from("T "), FRACTIONS, ENDS)
    same = data.draw(forms) if alike else None
    url = f"sqlite:///{tmp_path}/{uuid4()}.sqlite"
    run(url, "create table clicks (k integer primary key, came timestamp)")
    source = SqlSource(url=url, table="clicks", watermark="came", key="k", overlap=overlap)
    moment, mark, seen = dt.datetime(2026, 1, 1, 10), None, []
    refused = ""
    for k, step in enumerate(steps):
        moment += step * MICROSECOND
        parted, fraction, end = same or data.draw(forms)
        if fraction != "microseconds":
            moment = moment.replace(microsecond=0) + dt.timedelta(seconds=1)
        run(url, f"insert into clicks values ({k}, '{moment.isoformat(parted, fraction)}{end}')")
        try:
            upto = source.position()
            seen += source.load_between(mark, upto).frame.collect()["k"].to_list()
        except DataError as error:
            refused = str(error)
            break
        mark = upto
    if refused:
        assert "do not compare as texts do" in refused
        assert same is None or same[1:] == ("auto", "Z")
    else:
        assert seen == [*range(len(steps))]


def test_a_later_row_that_sorts_before_an_earlier_one_is_not_lost_without_a_word(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/z.sqlite"
    run(url, "create table clicks (k integer primary key, came timestamp)")
    run(url, "insert into clicks values (1, '2026-01-01T10:00:00Z')")
    source = SqlSource(url=url, table="clicks", watermark="came", key="k", overlap=1)
    source.position()
    run(url, "insert into clicks values (2, '2026-01-01T10:00:00.500Z')")
    with pytest.raises(DataError, match="are written in several ways"):
        source.position()
