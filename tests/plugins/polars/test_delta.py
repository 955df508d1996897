"""The file source on tables of Delta Lake: which version, and what it says of one that is not there."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from hookline.errors import ConfigError, DataError
from hookline_polars import FileSource
from kit.tables import rows_of

deltalake = pytest.importorskip("deltalake")


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    place = tmp_path / "orders"
    for version in range(3):
        mode = "overwrite" if version == 2 else "append"
        pl.DataFrame({"a": [version, 10], "shop": ["x", "y"]}).write_delta(
            place, mode=mode, delta_write_options={"partition_by": ["shop"]}
        )
    return place


def test_the_last_version_is_read_without_rows_that_were_replaced(orders: Path) -> None:
    assert rows_of(FileSource(path=str(orders))).sort("a").rows() == [(2, "x"), (10, "y")]


def test_a_version_is_named_by_number_or_by_time(orders: Path) -> None:
    assert rows_of(FileSource(path=str(orders), version=1)).height == 4
    assert rows_of(FileSource(path=str(orders), version=0)).height == 2
    written = min(one["timestamp"] for one in deltalake.DeltaTable(orders).history())
    then = datetime.fromtimestamp(written / 1000, UTC).isoformat()
    assert rows_of(FileSource(path=str(orders), version=then)).height == 2


def test_the_fingerprint_is_the_version_s_wherever_the_table_lies(orders: Path, tmp_path: Path) -> None:
    last, named = FileSource(path=str(orders)), FileSource(path=str(orders), version=2)
    before = last.fingerprint()
    assert before == named.fingerprint() != FileSource(path=str(orders), version=1).fingerprint()
    shutil.copytree(orders, tmp_path / "copy")
    assert FileSource(path=str(tmp_path / "copy")).fingerprint() == before
    pl.DataFrame({"a": [9], "shop": ["x"]}).write_delta(orders, mode="append")
    assert (last.fingerprint() != before, named.fingerprint() == before) == (True, True)


@pytest.mark.parametrize(
    ("version", "told"),
    [(7, "has no version 7; the last is 2"), ("2020-01-01", "has no version of 2020-01-01; the first is of 20")],
)
def test_a_version_that_is_not_there_is_told_with_those_that_are(orders: Path, version: int | str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        FileSource(path=str(orders), version=version).load()


def test_a_time_that_is_none_is_refused(orders: Path) -> None:
    with pytest.raises((ConfigError, ValueError), match="version must be a whole number, or a time"):
        FileSource(path=str(orders), version="yesterday")


def test_a_damaged_log_is_one_clear_error(orders: Path) -> None:
    for file in (orders / "_delta_log").iterdir():
        if file.is_file():
            file.write_text("{")
    with pytest.raises(DataError, match=r"orders cannot be read: ") as caught:
        FileSource(path=str(orders)).load()
    assert len(str(caught.value).splitlines()) == 2


def test_files_that_are_gone_are_told_with_what_to_do(orders: Path) -> None:
    for file in orders.rglob("*.parquet"):
        file.unlink()
    with pytest.raises(DataError, match=r"orders cannot be read: ") as caught:
        FileSource(path=str(orders)).load()
    assert "restore them, or read a version that has others" in str(caught.value.hint)


def test_a_table_does_not_read_on(orders: Path) -> None:
    with pytest.raises(DataError, match="is a table of Delta Lake, whose new rows are not told from old"):
        FileSource(path=str(orders)).position()
