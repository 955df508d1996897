"""A folder that grows, read on from where the last reading ended."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hookline.errors import DataError
from hookline.kinds.capabilities import ReadsOn
from hookline.workspace.home import cache_in
from hookline_polars import FileSource


def put(folder: Path, name: str, *ids: int) -> Path:
    """Write a file of three columns, of which `id` tells its rows apart."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,kind,x\n" + "".join(f"{i},{'ab'[i % 2]},{i}.5\n" for i in ids), "utf-8")
    return path


def ids_between(source: FileSource, after: str | None, upto: str) -> list[int]:
    return source.load_between(after, upto).frame.collect()["id"].to_list()


def test_a_file_source_reads_on() -> None:
    assert isinstance(FileSource("data"), ReadsOn)


@pytest.mark.parametrize("path", ["data", "data/*.csv", "data/**/*.csv"])
def test_a_folder_that_grows_gives_each_row_once_in_three_goes(tmp_path: Path, path: str) -> None:
    folder, source = tmp_path / "data", FileSource(tmp_path / path)
    put(folder, "b.csv", 1, 2)
    put(folder, "c.csv", 3)
    first = source.position()
    put(folder, "a.csv", 4)  # Its name comes before those that were read.
    second = source.position()
    put(folder, "d.csv", 5, 6)
    put(folder, "e.csv", 7)
    third = source.position()
    goes = [ids_between(source, None, first), ids_between(source, first, second), ids_between(source, second, third)]
    assert goes == [[1, 2, 3], [4], [5, 6, 7]]
    assert ids_between(source, None, third) == source.load().frame.collect()["id"].to_list()
    assert ids_between(source, first, third) == [4, 5, 6, 7]


def test_files_in_folders_below_are_read_on_too(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    put(tmp_path, "day=1/rows.csv", 1)
    before = source.position()
    put(tmp_path, "day=2/rows.csv", 2)
    assert ids_between(source, before, source.position()) == [2]


def test_a_file_that_came_after_the_position_is_not_read(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    put(tmp_path, "a.csv", 1)
    position = source.position()
    put(tmp_path, "b.csv", 2)
    assert ids_between(source, None, position) == [1]


def test_many_small_files_are_read_on(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    for i in range(60):
        put(tmp_path, f"{i:03}.csv", i)
    before = source.position()
    for i in range(60, 130):
        put(tmp_path, f"{i:03}.csv", i)
    assert ids_between(source, before, source.position()) == list(range(60, 130))


@pytest.mark.parametrize("suffix", ["parquet", "ndjson", "arrow"])
def test_every_format_is_read_on(tmp_path: Path, suffix: str) -> None:
    def write(name: str, value: int) -> None:
        frame, path = pl.DataFrame({"id": [value], "s": ["u"]}), tmp_path / f"{name}.{suffix}"
        {"parquet": frame.write_parquet, "ndjson": frame.write_ndjson, "arrow": frame.write_ipc}[suffix](path)

    source = FileSource(tmp_path)
    write("a", 1)
    before = source.position()
    write("b", 2)
    assert ids_between(source, before, source.position()) == [2]


def test_the_options_of_the_source_hold_for_what_is_new(tmp_path: Path) -> None:
    source = FileSource(
        tmp_path, separator=";", missing=("?",), strip=True, dtypes={"code": "string"}, file_column="file"
    )
    (tmp_path / "a.csv").write_text("code;x\n001;1\n")
    before = source.position()
    (tmp_path / "b.csv").write_text("code ; x\n 002 ; ? \n 003 ; 7 \n")
    found = source.load_between(before, source.position()).frame.collect()
    assert found.to_dicts() == [{"code": "002", "x": None, "file": "b.csv"}, {"code": "003", "x": 7, "file": "b.csv"}]


def test_nothing_new_is_an_empty_frame_of_the_same_columns(tmp_path: Path) -> None:
    source = FileSource(tmp_path, dtypes={"kind": "string"})
    put(tmp_path, "a.csv", 1, 2)
    position = source.position()
    nothing = source.load_between(position, position)
    assert nothing.frame.collect().is_empty()
    assert nothing.frame.collect_schema() == source.load().frame.collect_schema()
    assert nothing.name == source.load().name


def test_a_new_file_with_a_header_alone_brings_no_rows_and_the_types_of_the_others(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    put(tmp_path, "a.csv", 1, 2)
    before = source.position()
    put(tmp_path, "b.csv")
    nothing = source.load_between(before, source.position()).frame.collect()
    assert nothing.is_empty()
    assert nothing.schema == {"id": pl.Int64, "kind": pl.String, "x": pl.Float64}


def changed(path: Path) -> None:
    path.write_text(path.read_text().replace("a", "c"))


def grown(path: Path) -> None:
    with path.open("a") as opened:
        opened.write("9,a,9.5\n")


CHANGES: dict[str, tuple[Any, str]] = {
    "changed": (changed, "has changed since"),
    "grown": (grown, "has grown since"),
    "gone": (Path.unlink, "is gone"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("position", ["taken before it", "taken after it"])
def test_a_file_that_was_read_and_is_not_what_it_was_is_refused(tmp_path: Path, what: str, position: str) -> None:
    change, told = CHANGES[what]
    source = FileSource(tmp_path)
    path = put(tmp_path, "a.csv", 1, 2)
    before = source.position()
    put(tmp_path, "b.csv", 3)
    upto = source.position()
    change(path)
    upto = source.position() if position == "taken after it" else upto
    with pytest.raises(DataError, match=rf"a\.csv, whose rows have been read, {told}") as caught:
        source.load_between(before, upto)
    assert caught.value.hint == "put it back as it was, and new rows into new files"


@pytest.mark.parametrize("what", CHANGES)
def test_a_file_that_is_no_more_as_the_position_has_it_is_refused(tmp_path: Path, what: str) -> None:
    change, told = CHANGES[what]
    source = FileSource(tmp_path)
    put(tmp_path, "a.csv", 1, 2)
    before = source.position()
    path = put(tmp_path, "b.csv", 3, 4)
    upto = source.position()
    change(path)
    with pytest.raises(DataError, match=rf"b\.csv, whose rows were about to be read, {told}") as caught:
        source.load_between(before, upto)
    assert "try again" in str(caught.value.hint)


def test_a_folder_of_which_all_is_gone_is_refused(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    path = put(tmp_path, "a.csv", 1)
    position = source.position()
    path.unlink()
    with pytest.raises(DataError, match=r"a\.csv, whose rows have been read, is gone"):
        source.load_between(position, position)


def test_a_position_is_the_same_for_a_copy_elsewhere_and_for_files_that_were_touched(tmp_path: Path) -> None:
    put(tmp_path / "here", "b.csv", 1)
    put(tmp_path / "here", "a/ä.csv", 2)
    with cache_in(tmp_path / "cache"):
        position = FileSource(tmp_path / "here").position()
    shutil.copytree(tmp_path / "here", tmp_path / "there" / "copy")
    for path in (tmp_path / "there").rglob("*.csv"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    copy = FileSource(tmp_path / "there" / "copy")
    assert copy.position() == position
    assert FileSource(tmp_path / "there" / "copy" / "**" / "*.csv").position() == position
    assert str(tmp_path) not in position
    put(tmp_path / "there" / "copy", "c.csv", 3)
    assert ids_between(copy, position, copy.position()) == [3]


def test_a_position_reads_no_rows_and_opens_no_file_twice(tmp_path: Path) -> None:
    source = FileSource(tmp_path / "data")
    for name in ("a.csv", "b.csv"):
        os.utime(put(tmp_path / "data", name, 1), (1_700_000_000, 1_700_000_000))
    (tmp_path / "data" / "a.csv").write_bytes(b"no\0 table")
    os.utime(tmp_path / "data" / "a.csv", (1_700_000_000, 1_700_000_000))
    with cache_in(tmp_path / "cache"):
        position = source.position()
        (index,) = (tmp_path / "cache").glob("files-*.json")
        version, files = json.loads(index.read_text())
        # A digest that is none of theirs, so that it is seen where it is taken from.
        index.write_text(json.dumps([version, {name: [*facts, "0" * 32] for name, (*facts, _) in files.items()}]))
        assert source.position() != position
        assert source.position().count("0" * 32) == 2


@pytest.mark.parametrize("path", ["rows.csv", "pipe.csv", "nowhere", "https://example.org/rows.csv"])
def test_what_is_no_folder_and_no_glob_cannot_be_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "rows.csv", 1)
    os.mkfifo("pipe.csv")
    for ask in (lambda: FileSource(path).position(), lambda: FileSource(path).load_between(None, "[1,{}]")):
        with pytest.raises(DataError, match="is neither a folder nor a glob") as caught:
            ask()
        assert caught.value.hint == "put new rows into new files of a folder, and name the folder in source.path"


@pytest.mark.parametrize("text", ["", "7", "[1]", "[2,{}]", '[1,{"a.csv":3}]', '{"a":1}'])
def test_a_text_that_is_no_position_is_refused(tmp_path: Path, text: str) -> None:
    put(tmp_path, "a.csv", 1)
    source = FileSource(tmp_path)
    for after, upto in ((None, text), (text, source.position())):
        with pytest.raises(DataError, match="is no position of source 'file'"):
            source.load_between(after, upto)
