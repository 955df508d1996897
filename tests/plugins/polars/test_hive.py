"""The file source on folders whose names are values."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hookline.errors import DataError
from hookline_polars import FileSource
from kit.tables import rows_of

ROWS = pl.DataFrame(
    {
        "x": [1, 2, 3, 4],
        "year": [2025, 2025, 2026, 2026],
        "shop": ["01", "a b/c", "01", None],
    }
)


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    ROWS.write_parquet(pl.PartitionBy(tmp_path / "sales", key=["year", "shop"], include_key=False), mkdir=True)
    return tmp_path / "sales"


def test_names_of_folders_are_columns_with_types(sales: Path) -> None:
    frame = rows_of(FileSource(path=str(sales))).select("x", "year", "shop").sort("x")
    assert frame.equals(ROWS)


def test_a_glob_below_the_folder_has_them_too(sales: Path) -> None:
    frame = rows_of(FileSource(path=f"{sales}/year=2026/**/*.parquet"))
    assert frame.columns == ["x", "shop"]
    assert rows_of(FileSource(path=f"{sales}/year=*/*/*.parquet"))["year"].sort().to_list() == [2025, 2025, 2026, 2026]


def test_a_type_can_be_said_and_columns_can_be_left_out(sales: Path) -> None:
    assert rows_of(FileSource(path=str(sales), dtypes={"year": "string"}))["year"].unique().sort().to_list() == [
        "2025",
        "2026",
    ]
    assert rows_of(FileSource(path=str(sales), hive=False)).columns == ["x"]


def test_columns_are_known_before_a_run(sales: Path) -> None:
    ahead = FileSource(path=str(sales)).columns_ahead()
    assert ahead is not None
    assert {"x", "year", "shop"} == {*ahead}


def test_a_column_that_files_have_stays_theirs(tmp_path: Path) -> None:
    (tmp_path / "year=2026").mkdir()
    (tmp_path / "year=2026" / "a.csv").write_text("x,year\n1,1999\n")
    assert rows_of(FileSource(path=str(tmp_path)))["year"].to_list() == [1999]


def test_folders_of_other_names_are_refused(sales: Path) -> None:
    (sales / "month=1").mkdir()
    ROWS.select("x").write_parquet(sales / "month=1" / "a.parquet")
    with pytest.raises(DataError, match="name year/shop, where those of .* name month") as caught:
        FileSource(path=str(sales)).load()
    assert "source.hive=false" in str(caught.value.hint)


def test_new_folders_are_read_on(sales: Path) -> None:
    source = FileSource(path=str(sales))
    before = source.position()
    (sales / "year=2027" / "shop=02").mkdir(parents=True)
    ROWS.select("x").write_parquet(sales / "year=2027" / "shop=02" / "a.parquet")
    assert set(source.load_between(before, source.position()).frame.collect()["year"]) == {2027}


def test_another_name_of_a_folder_is_other_data(sales: Path) -> None:
    source = FileSource(path=str(sales))
    before = source.fingerprint()
    (sales / "year=2025").rename(sales / "year=2024")
    assert source.fingerprint() != before
