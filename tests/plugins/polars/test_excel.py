"""The file source on Excel workbooks: which sheet, what types, and what it says of one that it cannot read."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from hookline.data.versions import version_of
from hookline.errors import DataError
from hookline_polars import FileSource
from kit.tables import rows_of

pytest.importorskip("fastexcel")
xlsxwriter = pytest.importorskip("xlsxwriter")

ROWS = pl.DataFrame(
    {"n": [1, 2, None], "x": [0.5, 1.25, 2.0], "word": ["a", None, "c"], "day": [date(2026, 1, n) for n in (1, 2, 3)]}
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as written:
        pl.DataFrame({"a": [1, 2]}).write_excel(written, worksheet="first")
        ROWS.write_excel(written, worksheet="orders")
    return tmp_path / "book.xlsx"


def test_the_first_sheet_is_read_unless_another_is_named(book: Path) -> None:
    assert rows_of(FileSource(path=str(book)))["a"].to_list() == [1, 2]
    assert rows_of(FileSource(path=str(book), sheet="orders")).equals(ROWS)


def test_a_sheet_that_is_not_there_suggests_the_closest(book: Path) -> None:
    with pytest.raises(DataError, match=r"book\.xlsx has no sheet 'oders'") as caught:
        FileSource(path=str(book), sheet="oders").load()
    assert "orders" in str(caught.value.hint)


def test_a_sheet_without_a_header_has_columns_by_place(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "b.xlsx") as written:
        sheet = written.add_worksheet()
        for row, values in enumerate([("note",), (1, "x"), (2, "y")]):
            sheet.write_row(row, 0, values)
    source = FileSource(path=str(tmp_path / "b.xlsx"), header=False, skip_rows=1)
    assert rows_of(source).to_dicts() == [{"c1": 1, "c2": "x"}, {"c1": 2, "c2": "y"}]


def test_a_real_table_is_the_same_version_of_the_data_as_in_csv(tmp_path: Path, shared_data: Path) -> None:
    plain = FileSource(path=str(shared_data / "titanic.csv")).load().frame
    plain.collect().write_excel(tmp_path / "titanic.xlsx")
    read = FileSource(path=str(tmp_path / "titanic.xlsx")).load().frame
    assert version_of(read, "titanic").fingerprint == version_of(plain, "titanic").fingerprint


def test_a_damaged_workbook_and_one_that_is_too_large_are_one_clear_error(book: Path) -> None:
    with pytest.raises(DataError, match=r"book\.xlsx holds more than 1,000 bytes"):
        FileSource(path=str(book), most_bytes=1000).load()
    book.write_bytes(book.read_bytes()[:2000])
    with pytest.raises(DataError, match=re.escape(f"{book} is damaged, or cut short, as Excel")):
        FileSource(path=str(book)).load()
