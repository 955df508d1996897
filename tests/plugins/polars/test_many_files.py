"""A folder of many files: an unchanged one is not read again, and small CSV files are read as if they were one."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
from hookline.workspace.home import cache_in
from hookline_polars import FileSource
from kit.processes import run_python

FILES = 800
CODE = """
import json, os, sys, time
from pathlib import Path

opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)

import hookline as hl

folder = sys.argv[1]

def run():
    opened.clear()
    done = hl.run(source=folder, target="label", roles={"id": "id"}, trainer="decision_tree", evaluator=[])
    split = next(stage["status"] for stage in done.evidence["plan"] if stage["key"] == "split")
    return split, len({name for name in opened if isinstance(name, str) and name.startswith(folder + os.sep)})

told = [run(), run()]
changed = Path(folder) / "07" / "0700.csv"
changed.write_text(changed.read_text().replace("a", "b"))
time.sleep(0.01)
opened.clear()
hl.plan(source=folder, target="label", roles={"id": "id"}, trainer="decision_tree", evaluator=[])
told.append(["changed", len({name for name in opened if isinstance(name, str) and name.startswith(folder + os.sep)})])
print(json.dumps(told))
"""


def filled(folder: Path, count: int, text: str = "id,x,kind,label\n{i},{i}.5,a,yes\n{j},1,b,no\n") -> Path:
    for i in range(count):
        path = folder / f"{i // 100:02}" / f"{i:04}.csv"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text.format(i=2 * i, j=2 * i + 1))
        # As old as files are that nobody has just written.
        os.utime(path, (1_700_000_000 + i, 1_700_000_000 + i))
    return folder


def test_a_folder_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", FILES)
    done = run_python(CODE, folder)
    # But for the first one's header, which a plan is held against.
    assert json.loads(done.stdout) == [["ran", FILES], ["cached", 1], ["changed", 2]]


def test_a_change_that_keeps_size_and_modification_time_is_seen(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 3)
    source = FileSource(path=str(folder))
    before = source.fingerprint()
    path = folder / "00" / "0001.csv"
    path.write_text(path.read_text().replace("a", "c"))
    os.utime(path, (1_700_000_001, 1_700_000_001))
    assert source.fingerprint() != before


def test_a_file_that_was_just_written_is_looked_at_again(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 3)
    (folder / "00" / "0001.csv").touch()
    with cache_in(tmp_path / "cache"):
        FileSource(path=str(folder)).fingerprint()
        (index,) = (tmp_path / "cache").glob("files-*.json")
        assert {Path(name).name for name in json.loads(index.read_text())[1]} == {"0000.csv", "0002.csv"}


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 3)
    with cache_in(tmp_path / "cache"):
        before = FileSource(path=str(folder)).fingerprint()
        (index,) = (tmp_path / "cache").glob("files-*.json")
        index.write_text("{")
        assert FileSource(path=str(folder)).fingerprint() == before
        assert len(json.loads(index.read_text())[1]) == 3


def test_a_home_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 3)
    (tmp_path / "file").write_text("")
    with cache_in(tmp_path / "file" / "cache"):
        assert FileSource(path=str(folder)).fingerprint() == FileSource(path=str(folder)).fingerprint()


def test_many_small_files_give_the_rows_of_each_in_order(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 150)
    frame = FileSource(path=str(folder)).load().frame.collect()
    assert frame["id"].to_list() == list(range(300))
    assert frame.schema == {"id": pl.Int64, "x": pl.Float64, "kind": pl.String, "label": pl.String}


def test_one_file_far_down_decides_the_type_of_all(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 60)
    (folder / "00" / "0050.csv").write_text("id,x,kind,label\n007,1,a,yes\nx1,2,a,no\n")
    frame = FileSource(path=str(folder)).load().frame.collect()
    assert frame["id"].dtype == pl.String
    assert frame["id"][100:102].to_list() == ["007", "x1"]


def test_files_that_need_a_second_look_stand_in_their_place(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 60)
    odd = {
        "0010.csv": "id,x,kind,label\n20,1,a,yes\n21,1,a,yes\n\n\n",
        "0020.csv": "\ufeffid,x,kind,label\n40,1,a,yes\n41,1,a,yes\n",
        "0030.csv": '"id",x,kind,label\n60,1,a,yes\n61,1,"a,b",yes\n',
        "0040.csv": "id,x,kind,label\n80,1,a,yes\n81,1,a,yes",
        "0050.csv": "label,id,x,kind\nyes,100,1,a\nyes,101,1,a\n",
        "0055.csv": "id,x,kind,label\r\n110,1,a,yes\r\n111,1,a,yes\r\n",
    }
    for name, text in odd.items():
        (folder / "00" / name).write_text(text, "utf-8", newline="")
    frame = FileSource(path=str(folder)).load().frame.collect()
    assert frame["id"].to_list() == list(range(120))
    assert frame["kind"][61] == "a,b"
    assert set(frame["label"]) == {"yes", "no"}


@pytest.mark.parametrize("strip", [False, True])
def test_options_of_reading_hold_for_small_files(tmp_path: Path, strip: bool) -> None:
    text = "code;when;x\n00{i};2026-01-02;?\n00{j};2026-01-03;5\n"
    folder = filled(tmp_path / "data", 40, text if not strip else text.replace(";", " ; "))
    source = FileSource(path=str(folder), separator=";", missing=("?",), strip=strip, dtypes={"code": "string"})
    frame = source.load().frame.collect()
    assert frame["code"].to_list() == [f"00{i}" for i in range(80)]
    assert frame["x"].dtype == pl.Int64
    assert frame["x"].null_count() == 40
    assert strip or frame["when"][0] == date(2026, 1, 2)


def test_a_broken_file_among_many_is_told_as_it_is_alone(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 40)
    (folder / "00" / "0030.csv").write_text("id,x,kind,label\n1,2,a,yes,more\n")
    with pytest.raises(DataError, match=r"line 2 of \S+0030\.csv has 5 values, where there are 4 columns"):
        hl.profile(folder)
    (folder / "00" / "0030.csv").write_bytes(b"id,x,kind,label\n1,2,\xff,yes\n")
    with pytest.raises(DataError, match=r"0030\.csv is not UTF-8"):
        FileSource(path=str(folder)).load()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2", r"line 3 of \S+0030\.csv has 2 values, where there are 4 columns"),
        ('1,2,"a,yes', r"line 3 of \S+0030\.csv opens a quote that is not closed"),
        ("1,2,\0,yes", r"0030\.csv is no text: it holds a NUL byte"),
    ],
)
def test_a_short_line_in_one_of_many_files_is_told_as_it_is_alone(tmp_path: Path, line: str, message: str) -> None:
    folder = filled(tmp_path / "data", 40)
    broken = folder / "00" / "0030.csv"
    broken.write_text(f"id,x,kind,label\n1,2,a,yes\n{line}\n")
    for path in (folder, broken):
        with pytest.raises(DataError, match=message):
            FileSource(path=str(path)).load().frame.collect()


def test_a_separator_or_a_line_break_inside_of_quotes_makes_no_line_uneven(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", 40, 'id,x,kind,label\n{i},1,"a,b",yes\n{j},1,"c\nd",no\n')
    frame = FileSource(path=str(folder)).load().frame.collect()
    assert frame["id"].to_list() == list(range(80))
    assert frame["kind"].to_list() == ["a,b", "c\nd"] * 40


def test_dates_are_found_where_the_first_rows_hold_none(tmp_path: Path) -> None:
    rows = "".join(f"{i},\n" for i in range(150)) + "150,2026-01-02\n"
    (tmp_path / "a.csv").write_text("id,day\n" + rows)
    assert FileSource(path=str(tmp_path / "a.csv")).load().frame.collect_schema()["day"] == pl.Date
