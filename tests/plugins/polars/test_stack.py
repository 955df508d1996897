"""The rows of several sources below each other."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
from hookline_polars.sources.file import FileSource
from hookline_polars.sources.stack import StackSource


def stacked(folder: Path, *tables: pl.DataFrame) -> StackSource:
    for place, table in enumerate(tables):
        table.write_parquet(folder / f"{place}.parquet")
    return StackSource(of=tuple(FileSource(str(folder / f"{place}.parquet")) for place in range(len(tables))))


def test_rows_follow_each_other_and_a_column_that_one_lacks_is_missing_there(tmp_path: Path) -> None:
    source = stacked(tmp_path, pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"a": [2.5], "c": [True]}))
    assert source.load().frame.collect().to_dict(as_series=False) == {
        "a": [1.0, 2.5],
        "b": ["x", None],
        "c": [None, True],
    }


def test_its_fingerprint_is_that_of_its_sources_in_their_order(tmp_path: Path) -> None:
    source = stacked(tmp_path, pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]}))
    assert source.fingerprint() == StackSource(of=source.of).fingerprint()
    assert source.fingerprint() != StackSource(of=source.of[::-1]).fingerprint()


def test_columns_of_types_that_nothing_holds_are_refused(tmp_path: Path) -> None:
    source = stacked(tmp_path, pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [[1]]}))
    with pytest.raises(DataError, match=r"source\.of: the sources do not fit below each other"):
        source.load()


def test_it_is_written_in_config_as_a_list(tmp_path: Path) -> None:
    source = stacked(
        tmp_path, *(pl.DataFrame({"a": range(20), "y": [place / 7 for place in range(20)]}) for _ in range(2))
    )
    parts = [{"component": "file", "path": one.path} for one in source.of if isinstance(one, FileSource)]
    run = hl.run(source={"component": "stack", "of": parts}, target="y", trainer="ridge", evaluator=[], home=tmp_path)
    assert run.evidence["data"]["rows"] == 40
