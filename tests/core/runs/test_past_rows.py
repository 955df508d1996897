"""Rows that a run saw are given back exactly, or not at all; two versions are compared row by row."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UnknownName, UsageError
from hookline.runs.past.changes import changes
from hookline.runs.past.rows import write_rows
from hookline.workspace.workspace import open_workspace

TABLE = pl.DataFrame(
    {
        "name": [f"n{i}" for i in range(60)],
        "x": [None if i % 7 == 3 else i % 10 for i in range(60)],
        "day": [date(2026, 1, 1 + i % 28) for i in range(60)],
        "note": ["=1+1" if i == 4 else f"n{i % 3}" for i in range(60)],
        "y": ["yes" if i % 3 else "no" for i in range(60)],
    }
)


@pytest.fixture
def rows(tmp_path: Path, _own_home: None) -> Path:
    path = tmp_path / "rows.parquet"
    TABLE.write_parquet(path)
    return path


def run(rows: Path, **more: object) -> hl.Run:
    return hl.run(
        source=rows, target="y", roles={"id": "name"}, trainer="decision_tree", packager=[], audit="off", **more
    )


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_the_rows_of_a_version_come_back_with_their_types_once_the_source_is_gone(
    rows: Path, tmp_path: Path, suffix: str
) -> None:
    run(rows)
    rows.unlink()
    found = hl.checkout("last", tmp_path / f"back.{suffix}")
    read = {"parquet": pl.read_parquet, "arrow": pl.read_ipc}[suffix]
    assert read(found.path).equals(TABLE)
    assert found.version.rows == 60
    assert "the store" in found.found


def test_where_transforms_dropped_rows_they_come_from_the_source_if_that_still_gives_them(
    rows: Path, tmp_path: Path
) -> None:
    run(rows, transform=[{"component": "dedupe", "columns": ["day"]}])
    found = hl.checkout("last", tmp_path / "back.parquet")
    assert pl.read_parquet(found.path).equals(TABLE)
    assert found.found == "source 'file', which still gives them"


def test_rows_that_nobody_has_any_more_are_refused_with_the_reason_and_nothing_is_written(
    rows: Path, tmp_path: Path
) -> None:
    run(rows, transform=[{"component": "dedupe", "columns": ["day"]}])
    output = tmp_path / "back.parquet"
    TABLE.head(59).write_parquet(rows)
    with pytest.raises(
        DataError, match="nobody has the rows of rows .* any more\n.*source 'file' gives other rows by now"
    ):
        hl.checkout("last", output)
    rows.unlink()
    with pytest.raises(DataError, match="there is no file"):
        hl.checkout("last", output)
    assert not output.exists()
    assert not [*tmp_path.glob(".back*")]


def test_what_stands_at_the_output_stays_where_nothing_can_be_written(rows: Path, tmp_path: Path) -> None:
    run(rows)
    output = tmp_path / "back.csv"
    output.mkdir()
    with pytest.raises(DataError, match=r"back\.csv cannot be written"):
        hl.checkout("last", output)
    with pytest.raises(UsageError, match="must end in"):
        hl.checkout("last", tmp_path / "back.txt")
    with pytest.raises(UnknownName, match="no version of data named 'nobody'"):
        hl.checkout("nobody", tmp_path / "back.csv")
    assert not [*tmp_path.glob(".back*")]


def test_a_table_for_a_spreadsheet_holds_no_formula_unless_asked_for(rows: Path, tmp_path: Path) -> None:
    run(rows)
    assert main(["data", "checkout", "last", "-o", str(tmp_path / "a.csv")]) == 0
    assert main(["data", "checkout", "last", "-o", str(tmp_path / "b.csv"), "--formulas"]) == 0
    assert pl.read_csv(tmp_path / "a.csv")["note"][4] == "'=1+1"
    assert pl.read_csv(tmp_path / "b.csv")["note"][4] == "=1+1"


def test_two_versions_are_told_apart_row_by_row(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(rows).evidence["data"]["version"]
    later = TABLE.slice(2).with_columns(
        pl.when(pl.col("name") == "n5").then(pl.lit(99)).otherwise("x").alias("x"),
    )
    pl.concat([later, TABLE.head(1).with_columns(name=pl.lit("new"))]).write_parquet(rows)
    run(rows)
    capsys.readouterr()
    words = ["data", "diff", first[:8], "last", "--by", "name", "--rows", str(tmp_path / "changed.csv")]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [told[word] for word in ("added", "removed", "changed", "same")] == [1, 2, 1, 57]
    assert told["examples"] == [{"row": "n5", "column": "x", "before": 5, "now": 99}]
    changed = pl.read_csv(tmp_path / "changed.csv")
    assert changed.select("change", "name").rows() == [
        ("added", "new"), ("removed", "n0"), ("removed", "n1"), ("changed", "n5"),
    ]  # fmt: skip
    assert main(words) == 0
    assert "1 row added, 2 removed, 1 changed, 57 the same" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--by", "y"], "60 rows share theirs with another"),
        (["--by", "x"], "'x' is missing in 9 rows before"),
        (["--by", "nobody"], "there is no column 'nobody' before"),
        (["--rows", "changed.csv"], "add --by COLUMN"),
    ],
)
def test_an_id_that_names_no_row_is_refused(
    rows: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(rows)
    assert main(["data", "diff", "last", "last", *words])
    assert told in capsys.readouterr().err


VALUES = st.dictionaries(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 2)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(before=VALUES, now=VALUES)
def test_every_row_is_added_removed_changed_or_the_same(
    before: dict[int, int | None], now: dict[int, int | None]
) -> None:
    def table(values: dict[int, int | None]) -> pl.LazyFrame:
        schema = {"id": pl.Int64, "value": pl.Int64}
        return pl.LazyFrame({"id": [*values], "value": [*values.values()]}, schema=schema)

    found = changes(table(before), table(now), "id")
    both = before.keys() & now.keys()
    assert found.added == len(now.keys() - before.keys())
    assert found.removed == len(before.keys() - now.keys())
    assert found.changed == sum(before[key] != now[key] for key in both) == found.cells.get("value", 0)
    assert found.same == len(both) - found.changed
    assert found.frame.height == found.added + found.removed + found.changed


def test_a_sweep_whose_jobs_saw_the_same_rows_is_asked_once(rows: Path, tmp_path: Path) -> None:
    for seed in range(3):
        run(rows, seed=seed)
    record = open_workspace().catalog.datasets.find("last")
    assert len(record.runs) == 3
    assert hl.checkout("last", tmp_path / "back.parquet").found.endswith(f"where run {record.runs[0]} left them")


def test_columns_that_are_called_as_what_is_told_make_no_traceback() -> None:
    table = pl.LazyFrame({"position": [1, 2], "id": ["a", "b"]})
    assert changes(table, table, "position").same == 2
    with pytest.raises(DataError, match="have a column 'change' of their own"):
        changes(table.with_columns(change=pl.lit(1)), table, "id")


def test_what_a_format_cannot_hold_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    table = pl.LazyFrame({"list": [[1], [2]]})
    with pytest.raises(DataError, match=r"cannot be written: CSV format does not support nested data"):
        write_rows(table, tmp_path / "x.csv")
    assert not [*tmp_path.iterdir()]
