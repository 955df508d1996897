"""Rows that keep coming to a table: each is collected once, and what came too late or went is told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
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


def test_an_empty_table_is_a_beginning(shop: str) -> None:
    run(shop, "delete from clicks")
    source = clicks(shop)
    before = source.position()
    assert source.load_between(None, before).frame.collect().is_empty()
    add(shop, "clicks", minutes(9), start=9)
    assert source.load_between(before, source.position()).frame.collect()["minute"].to_list() == [9]
