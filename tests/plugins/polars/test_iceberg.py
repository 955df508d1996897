"""The file source on tables of Iceberg: by their metadata file, which snapshot, and what it says of one that is not there."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hookline.errors import DataError
from hookline_polars import FileSource

pytest.importorskip("pyiceberg")


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The newest metadata file of a table that was written twice, and the number of its first snapshot."""
    from pyiceberg.catalog.sql import SqlCatalog

    folder = tmp_path_factory.mktemp("iceberg")
    catalog = SqlCatalog("of_test", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("shop")
    rows = pl.DataFrame({"a": [1, 2, 3], "shop": ["x", "y", "x"]}).to_arrow()
    table = catalog.create_table("shop.orders", schema=rows.schema)
    table.append(rows)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.append(rows)
    catalog.engine.dispose()
    return table.metadata_location.removeprefix("file://"), snapshot.snapshot_id


def test_the_table_that_a_metadata_file_describes_is_read(orders: tuple[str, int]) -> None:
    source = FileSource(orders[0])
    assert source.load().frame.collect().height == 6
    assert source.fingerprint() == FileSource(orders[0]).fingerprint()


def test_a_snapshot_is_read_by_its_number(orders: tuple[str, int]) -> None:
    assert FileSource(orders[0], version=orders[1]).load().frame.collect()["a"].to_list() == [1, 2, 3]


def test_a_snapshot_that_is_not_there_and_a_time_are_told(orders: tuple[str, int]) -> None:
    with pytest.raises(DataError, match="has no snapshot 5"):
        FileSource(orders[0], version=5).load()
    with pytest.raises(DataError, match="is named by its number"):
        FileSource(orders[0], version="2026-01-01").load()


def test_files_that_are_gone_are_told_with_what_to_do(orders: tuple[str, int], tmp_path: Path) -> None:
    folder = Path(orders[0]).parent.parent
    moved = (folder / "data").rename(tmp_path / "away")
    try:
        with pytest.raises(DataError, match="cannot be read: ") as caught:
            FileSource(orders[0]).load()
    finally:
        moved.rename(folder / "data")
    assert "files that the metadata names are gone" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["[1, 2]", "{", '{"format-version": 2}', '{"format-version": 99}'])
def test_a_file_that_is_no_metadata_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "v1.metadata.json"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match="is no metadata of Iceberg"):
        FileSource(str(path)).load()


def test_the_folder_of_a_table_and_several_of_its_states_are_refused(orders: tuple[str, int]) -> None:
    folder = Path(orders[0]).parent.parent
    with pytest.raises(DataError, match="is a table of Iceberg") as raised:
        FileSource(str(folder)).load()
    assert orders[0] in str(raised.value.hint)
    with pytest.raises(DataError, match="are metadata of Iceberg"):
        FileSource(str(folder / "metadata/*.metadata.json")).load()
