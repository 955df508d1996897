"""The file source: what it reads, and what it says of files that it cannot read."""

from __future__ import annotations

import bz2
import io
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
from hookline_polars import FileSource
from kit.tables import rows_of

ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
)  # fmt: skip


def written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def test_csv_columns_get_the_types_that_all_their_values_have(tmp_path: Path) -> None:
    text = "whole,fraction,word,flag,day\n1,0.5,a,true,2026-01-02\n2,NA,,false,2026-01-03\n"
    frame = rows_of(FileSource(path=written(tmp_path / "a.csv", text)))
    assert frame.schema == {
        "whole": pl.Int64,
        "fraction": pl.Float64,
        "word": pl.String,
        "flag": pl.Boolean,
        "day": pl.Date,
    }
    assert frame.row(1) == (2, None, None, False, date(2026, 1, 3))


def test_a_value_far_down_decides_the_type(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 2_000 + "x,2\n"
    assert rows_of(FileSource(path=written(tmp_path / "a.csv", text)))["a"].dtype == pl.String


def test_the_dataset_is_named_after_the_file(tmp_path: Path) -> None:
    assert FileSource(path=written(tmp_path / "churn.csv", "a,b\n1,2\n")).load().name == "churn"


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, 1.5]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.TSV", separator="\t")
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_ndjson(tmp_path / "t.jsonl")
    frame.write_ipc(tmp_path / "t.arrow")
    for file in sorted(tmp_path.iterdir()):
        assert rows_of(FileSource(path=str(file))).equals(frame), file.name


def test_a_format_can_be_named_where_the_suffix_says_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.dump", "a,b\n1,2\n")
    with pytest.raises(DataError, match="not known from its suffix") as caught:
        FileSource(path=path).load()
    assert caught.value.hint == "say it: source.format=csv"
    assert rows_of(FileSource(path=path, format="csv")).row(0) == (1, 2)


def test_a_missing_file_suggests_the_closest(tmp_path: Path) -> None:
    written(tmp_path / "penguins.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="there is no file") as caught:
        FileSource(path=str(tmp_path / "pengins.csv")).load()
    assert "penguins.csv" in str(caught.value.hint)


def test_a_missing_folder_is_named_with_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*nowhere/a\.csv") as caught:
        FileSource(path=str(tmp_path / "nowhere" / "a.csv")).load()
    assert caught.value.hint == f"there is no folder {tmp_path}/nowhere either; what is there: ls {tmp_path}"


def test_a_missing_file_unlike_any_other_says_which_tables_are_there(tmp_path: Path) -> None:
    def hint() -> str:
        with pytest.raises(DataError, match="there is no file") as caught:
            FileSource(path=str(tmp_path / "zzz.csv")).load()
        return str(caught.value.hint)

    written(tmp_path / "notes.md", "no table")
    assert hint() == f"no table lies in {tmp_path}; give the path of one, or see what is there: ls {tmp_path}"
    for name in "gfedcba":
        written(tmp_path / f"{name * 9}.csv", "x\n1\n")
    shown = ", ".join(f"{name * 9}.csv" for name in "abcde")
    assert hint() == f"tables there: {shown} and 2 more; a run of one: hookline {tmp_path}/aaaaaaaaa.csv target=COLUMN"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="is empty"):
        FileSource(path=written(tmp_path / name, "")).load()


@pytest.mark.parametrize("strip", [False, True])
def test_a_header_without_rows_is_refused(tmp_path: Path, strip: bool) -> None:
    with pytest.raises(DataError, match="has a header but no rows"):
        FileSource(path=written(tmp_path / "a.csv", "a,b\n"), strip=strip).load()


UNEVEN = {
    "too many": (b"1,2\n" * 9 + b"1,2,3\n", "line 11 of .* has 3 values, where there are 2 columns"),
    "too few": (b"1,2\n" * 9 + b"1\n" + b"1,2\n", "line 11 of .* has 1 value, where there are 2 columns"),
    "far down": (b"1,2\n" * 150_000 + b"1\n" + b"1,2\n", "line 150002 of"),
    "one short, one long": (b"1\n1,2,3\n", "line 2 of .* has 1 value"),
    "among quotes": (b'"x,y",2\n"a ""b"",\nc",3\n1\n', "line 5 of .* has 1 value"),
    "cut": (b"1,2\n1", "line 3 of .* has 1 value"),
    "cut in a quote": (b'1,2\n1,"unfinis', "line 3 of .* opens a quote that is not closed"),
    "a quote that is not closed": (b'1,"2\n' + b"3,4\n" * 5, "line 2 of .* opens a quote that is not closed"),
    "a row of several lines": (b'1,"2\n3",4\n', "the row in lines 2 to 3 of .* has 3 values"),
    "a quote that swallows all": (b'1,"2\n' + b"3,4\n" * 150_000, "line 2 of .* opens a quote that is not closed"),
}


@pytest.mark.parametrize("rows", UNEVEN)
def test_a_row_of_another_width_is_refused_by_its_line(tmp_path: Path, rows: str) -> None:
    content, told = UNEVEN[rows]
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + content)
    with pytest.raises(DataError, match=told):
        FileSource(path=str(tmp_path / "a.csv")).load().frame.collect()


def test_a_short_line_is_refused_in_a_large_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_polars.sources.formats.base.WHOLE_FILE", 1)
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 9 + "1\n")
    with pytest.raises(DataError, match="line 11 of .* has 1 value"):
        FileSource(path=str(tmp_path / "a.csv")).load()


@pytest.mark.parametrize("text", ['"5"" nail",2\n', '"x\ny",2\n', 'a,"b, ""c"""\n', "1,2\r\n \r\n3,4\r\n"])
def test_quotes_and_blank_lines_make_no_row_uneven(tmp_path: Path, text: str) -> None:
    assert rows_of(FileSource(path=written(tmp_path / "a.csv", f"a,b\n{text}"))).width == 2


@pytest.mark.parametrize("strip", [False, True])
def test_a_column_name_that_stands_twice_is_refused(tmp_path: Path, strip: bool) -> None:
    with pytest.raises(DataError, match="has the column name 'age' 2 times"):
        FileSource(path=written(tmp_path / "a.csv", "age,b,age\n1,2,3\n"), strip=strip).load()


def test_names_that_differ_only_by_spaces_clash_once_stripped(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "age, age\n1,2\n")
    assert rows_of(FileSource(path=path)).columns == ["age", " age"]
    with pytest.raises(DataError, match="'age' 2 times"):
        FileSource(path=path, strip=True).load()


@pytest.mark.parametrize("content", ["name,n\ncafé,1\n", "café,n\nx,1\n"])
def test_bytes_that_are_no_utf8_are_refused_with_the_option_that_reads_them(tmp_path: Path, content: str) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8") as caught:
        FileSource(path=str(path)).load()
    assert caught.value.hint == "source.encoding=utf8-lossy"
    assert rows_of(FileSource(path=str(path), encoding="utf8-lossy")).height == 1


def test_bytes_that_are_no_utf8_far_down_are_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(b"name,n\n" + b"abc,1\n" * 50_000 + "café,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=f"at byte {7 + 6 * 50_000 + 3}") as caught:
        FileSource(path=str(path)).load()
    assert caught.value.hint == "source.encoding=utf8-lossy"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.parquet", "a.parquet is CSV, not Parquet"),
        ("a.arrow", "a.arrow is CSV, not Arrow IPC"),
        ("a.ndjson", "a.ndjson cannot be read: line 1 is not JSON"),
    ],
)
def test_junk_is_refused_as_the_format_that_it_is_not(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        FileSource(path=written(tmp_path / name, "junk junk junk")).load()


def test_a_byte_order_mark_and_blank_lines_are_no_data(tmp_path: Path) -> None:
    frame = rows_of(FileSource(path=written(tmp_path / "a.csv", "\ufeff\na,b\n1,2\n\n")))
    assert frame.columns == ["a", "b"]
    assert frame.rows() == [(1, 2)]


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n\r\n", "\n  \n \n  "])
def test_a_row_of_nothing_but_gaps_is_a_row_wherever_it_is(tmp_path: Path, strip: bool, end: str) -> None:
    source = FileSource(path=written(tmp_path / "a.csv", f"a,b,c\n,,\n1,x,2\n,,\n\n3,y,4\n,,{end}"), strip=strip)
    gaps = (None, None, None)
    rows = [tuple(str(value) if value else None for value in row) for row in rows_of(source).rows()]
    assert rows == [gaps, ("1", "x", "2"), gaps, gaps, ("3", "y", "4"), gaps]
    assert source.load().frame.select(pl.len()).collect().item() == 6


def test_blank_lines_at_the_end_may_be_more_than_are_read_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b\n1,2\n" + " \n" * 100_000)
    assert rows_of(FileSource(path=path, strip=True)).rows() == [(1, 2)]


def test_a_line_of_separators_is_a_row_even_where_they_are_blanks(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", "a\tb\n1\t2\n\t\n\n")
    assert rows_of(FileSource(path=path)).rows() == [(1, 2), (None, None)]


def test_in_a_file_of_one_column_a_blank_line_is_a_missing_value(tmp_path: Path) -> None:
    assert rows_of(FileSource(path=written(tmp_path / "a.csv", "a\n1\n\n")))["a"].to_list() == [1, None]


def test_every_row_of_a_file_is_predicted(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": range(40), "s": ["u", "v"] * 20, "y": ["no", "yes"] * 20})
    run = hl.run(source=frame, target="y", trainer="hist_gradient_boosting")
    path = written(tmp_path / "a.csv", "a,s\n1,u\n,\n2,v\n,\n\n")
    assert len(run.predict(FileSource(path=path).load().frame).values) == 4


def test_skipped_rows_come_before_the_header(tmp_path: Path) -> None:
    frame = rows_of(FileSource(path=written(tmp_path / "a.csv", "made by hand\na,b\n1,2\n"), skip_rows=1))
    assert frame.to_dicts() == [{"a": 1, "b": 2}]


def test_a_separator_is_taken_at_its_word(tmp_path: Path) -> None:
    assert rows_of(FileSource(path=written(tmp_path / "a.csv", "a;b\n1;2\n"), separator=";")).row(0) == (1, 2)


def test_missing_says_which_texts_are_no_values(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b\n?,1\nNA,2\n")
    assert rows_of(FileSource(path=path, missing=("?",)))["a"].to_list() == [None, "NA"]


def test_a_text_column_keeps_its_leading_zeros(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "zip,n\n01234,1\n00012,2\n")
    assert rows_of(FileSource(path=path, dtypes={"zip": "string"}))["zip"].to_list() == ["01234", "00012"]


KINDS: dict[str, tuple[list[str | None], list[object]]] = {
    "string": (["007", "010", None], ["007", "010", None]),
    "number": (["007", "1", None], [7.0, 1.0, None]),
    "boolean": (["0", "1", None], [False, True, None]),
    "datetime": (["2026-01-02", "2026-01-03", None], [datetime(2026, 1, 2), datetime(2026, 1, 3), None]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("header", [True, False])
def test_dtypes_say_every_kind_of_a_csv_column(tmp_path: Path, kind: Any, strip: bool, header: bool) -> None:
    texts, values = KINDS[kind]
    lines = [f"{' ' * strip}{text or ''}{' ' * strip},1\n" for text in texts]
    path = written(tmp_path / "a.csv", ("code,n\n" if header else "") + "".join(lines))
    source = FileSource(path=path, dtypes={"code": kind}, strip=strip, columns=() if header else ("code", "n"))
    assert rows_of(source)["code"].to_list() == values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["parquet", "ndjson", "arrow"])
def test_dtypes_say_every_kind_of_a_text_column_in_other_formats(tmp_path: Path, kind: Any, suffix: str) -> None:
    texts, values = KINDS[kind]
    frame = pl.DataFrame({"code": texts, "n": [1, 2, 3]})
    path = tmp_path / f"a.{suffix}"
    {"parquet": frame.write_parquet, "ndjson": frame.write_ndjson, "arrow": frame.write_ipc}[suffix](path)
    assert rows_of(FileSource(path=str(path), dtypes={"code": kind}))["code"].to_list() == values


@pytest.mark.parametrize(
    ("kind", "stored", "expected"),
    [("string", [7, None], ["7", None]), ("boolean", [1, 0], [True, False]), ("number", [7, None], [7.0, None])],
)
def test_dtypes_cast_what_a_parquet_file_holds(tmp_path: Path, kind: Any, stored: Any, expected: Any) -> None:
    pl.DataFrame({"code": stored}).write_parquet(tmp_path / "a.parquet")
    assert rows_of(FileSource(path=str(tmp_path / "a.parquet"), dtypes={"code": kind}))["code"].to_list() == expected


@pytest.mark.parametrize("strip", [False, True])
def test_dtypes_read_words_and_moments(tmp_path: Path, strip: bool) -> None:
    path = written(tmp_path / "a.csv", "paid,at,day,n\nyes,2026-01-02 03:04:05,2026-01-02,1\nNo,,2026-01-03,2\n")
    dtypes = {"paid": "boolean", "at": "datetime", "day": "date", "n": "number"}
    frame = rows_of(FileSource(path=path, dtypes=dtypes, strip=strip))
    assert frame.rows() == [
        (True, datetime(2026, 1, 2, 3, 4, 5), date(2026, 1, 2), 1.0),
        (False, None, date(2026, 1, 3), 2.0),
    ]


def test_a_value_far_down_that_is_not_of_the_given_type_is_refused_at_load(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 5_000 + "x,2\n")
    with pytest.raises(DataError, match="'x'"):
        FileSource(path=path, dtypes={"a": "number"}).load()


def test_dtypes_of_an_unknown_column_suggest_the_closest(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "amount,b\n1,2\n")
    with pytest.raises(DataError, match=r"amuont.*did you mean 'amount'"):
        FileSource(path=path, dtypes={"amuont": "number"}).load()


def test_columns_must_be_as_many_as_the_file_has(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names 1 columns, but .* has 2"):
        FileSource(path=written(tmp_path / "a.csv", "1,2\n"), columns=("a",)).load()


def test_a_file_without_a_header_is_read_with_columns_strip_and_missing(shared_data: Path) -> None:
    source = FileSource(path=str(shared_data / "adult-train.csv"), columns=ADULT_COLUMNS, strip=True, missing=("?",))
    frame = rows_of(source)
    # Counts as the UCI repository states them for adult.data.
    assert frame.height == 32_561
    assert frame["workclass"].null_count() == 1_836
    assert frame["occupation"].null_count() == 1_843
    assert frame["native_country"].null_count() == 583
    assert sorted(frame["income"].unique()) == ["<=50K", ">50K"]
    assert frame["age"].dtype == pl.Int64
    assert frame["workclass"][0] == "State-gov"


def test_a_glob_puts_files_one_below_the_other_in_order_of_their_names(tmp_path: Path) -> None:
    for name, value in (("b.csv", 2), ("a.csv", 1), ("c.csv", 3)):
        written(tmp_path / name, f"x,y\n{value},0\n")
    written(tmp_path / "other.txt", "x,y\n9,9\n")
    assert rows_of(FileSource(path=str(tmp_path / "*.csv")))["x"].to_list() == [1, 2, 3]


def test_rows_tell_the_file_they_came_from(tmp_path: Path) -> None:
    for name, value in (("b.csv", 1), ("a.csv", 2)):
        (tmp_path / name).write_text(f"x\n{value}\n{value}\n")
    rows = FileSource(tmp_path / "*.csv", file_column="file").load().frame.collect()
    assert rows.rows() == [(2, "a.csv"), (2, "a.csv"), (1, "b.csv"), (1, "b.csv")]


def test_a_file_column_that_the_files_already_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,file\n1,2\n")
    with pytest.raises(DataError, match="has a column 'file' of its own"):
        FileSource(tmp_path / "a.csv", file_column="file").load()


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "[ab]?.tsv", "[a].parquet", "a[1].ndjson", "[a].arrow"])
def test_a_file_that_is_there_is_no_glob(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"x": [1], "y": ["u"]})
    for path in (tmp_path / name, tmp_path / f"a1{Path(name).suffix}"):
        rows = frame if path.name == name else frame.with_columns(x=pl.lit(2))
        if path.suffix in (".csv", ".tsv"):
            rows.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
        else:
            {".parquet": rows.write_parquet, ".ndjson": rows.write_ndjson, ".arrow": rows.write_ipc}[path.suffix](path)
    assert rows_of(FileSource(path=str(tmp_path / name))).rows() == [(1, "u")]


def test_a_glob_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file fits"):
        FileSource(path=str(tmp_path / "*.csv")).load()


def test_files_of_whole_numbers_and_of_fractions_go_together(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", "x,y\n1,2\n")
    written(tmp_path / "b.csv", "y,x\n,1.5\n")
    frame = rows_of(FileSource(path=str(tmp_path / "*.csv")))
    assert frame.schema == {"x": pl.Float64, "y": pl.Int64}
    assert frame.rows() == [(1.0, 2), (1.5, None)]


def test_files_of_different_columns_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", "x,y\n1,2\n")
    written(tmp_path / "b.csv", "x,z\n1,2\n")
    with pytest.raises(DataError, match=r"b\.csv has no column 'y', unlike .*a\.csv"):
        FileSource(path=str(tmp_path / "*.csv")).load()


def test_a_folder_gives_the_rows_of_every_file_below_it(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    written(tmp_path / "a.csv", "x,y\n1,0\n")
    written(tmp_path / "later" / "b.csv", "x,y\n2,0\n")
    written(tmp_path / "README.md", "no data")
    assert rows_of(FileSource(path=str(tmp_path)))["x"].to_list() == [1, 2]


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "README.md", "no data")
    with pytest.raises(DataError, match="holds no file of a known format"):
        FileSource(path=str(tmp_path)).load()


def test_a_folder_of_two_formats_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", "x,y\n1,0\n")
    written(tmp_path / "b.ndjson", '{"x": 1, "y": 0}\n')
    with pytest.raises(DataError, match="mixes formats: csv, ndjson"):
        FileSource(path=str(tmp_path)).load()


def test_the_fingerprint_follows_content_and_not_the_place(tmp_path: Path) -> None:
    source = FileSource(path=written(tmp_path / "a.csv", "x,y\n1,0\n"))
    before = source.fingerprint()
    assert source.fingerprint() == before
    written(tmp_path / "a.csv", "x,y\n2,0\n")
    assert source.fingerprint() != before


def test_moments_with_a_zone_are_told_in_utc(tmp_path: Path) -> None:
    frame = rows_of(FileSource(path=written(tmp_path / "a.csv", "at,y\n2026-01-02T03:04:05+02:00,0\n")))
    assert frame["at"].to_list() == [datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)]


TABLE = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
CSV = TABLE.write_csv().encode()


def _bytes_of(suffix: str) -> bytes:
    buffer = io.BytesIO()
    {"parquet": TABLE.write_parquet, "arrow": TABLE.write_ipc, "ndjson": TABLE.write_ndjson}[suffix](buffer)
    return buffer.getvalue()


FOREIGN = {
    "parquet as csv": ("a.csv", _bytes_of("parquet"), "is Parquet, not CSV", "source.format=parquet"),
    "ndjson as csv": ("a.csv", _bytes_of("ndjson"), "is NDJSON, not CSV", "source.format=ndjson"),
    "csv as parquet": ("a.parquet", CSV, "is CSV, not Parquet", "source.format=csv"),
    "arrow as parquet": ("a.parquet", _bytes_of("arrow"), "is Arrow IPC, not Parquet", "source.format=ipc"),
    "half a zip as csv": ("a.csv", b"PK\x03\x04" + b"0" * 99, "is damaged, or cut short, as zip", "pack it again"),
    "UTF-16 as csv": ("a.csv", CSV.decode().encode("utf-16"), "is UTF-16 text", "iconv -f UTF-16"),
    "UTF-16 without a mark": ("a.csv", CSV.decode().encode("utf-16-le"), "NUL byte at byte 1", "iconv"),
    "NUL bytes": ("a.csv", CSV[:6] + b"\0" + CSV[6:], "NUL byte at byte 6", "write it again"),
    "carriage returns": ("a.csv", CSV.replace(b"\n", b"\r"), "end with carriage returns alone", "tr '"),
    "cut parquet": ("a.parquet", _bytes_of("parquet")[:-40], "is cut short", "copy or write it again"),
    "cut arrow": ("a.arrow", _bytes_of("arrow")[:-200], "cannot be read", None),
    "cut ndjson": ("a.ndjson", _bytes_of("ndjson")[:-9], "line 3 is not JSON", None),
    "an array": ("a.ndjson", b'[{"a": 1}]', "line 1 is not a JSON object", "one row a line"),
    "nothing": ("a.parquet", b"", "is empty", "has filled it"),
    "semicolons": ("a.csv", CSV.replace(b",", b";"), "has one column, named 'a;b'", "source.separator=';'"),
    "tabs": ("a.csv", CSV.replace(b",", b"\t"), "has one column, named 'a\tb'", "source.separator=tab"),
    "bz2": ("a.csv.bz2", bz2.compress(CSV), "not known from its suffix", "unpack it first: bunzip2 -k "),
    "xls": ("a.xls", b"\xd0\xcf\x11\xe0", "not known from its suffix", "save it as .xlsx"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_file_that_is_not_what_its_name_says_is_refused_with_what_to_do(tmp_path: Path, case: str) -> None:
    name, content, told, hint = FOREIGN[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(told)) as caught:
        FileSource(path=str(tmp_path / name)).load().frame.collect()
    assert hint is None or hint in str(caught.value.hint)
    assert len(str(caught.value).splitlines()) <= 2


def test_a_damaged_block_of_a_parquet_file_is_one_line(tmp_path: Path) -> None:
    content = bytearray(_bytes_of("parquet"))
    content[10:60] = b"\xff" * 50
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        FileSource(path=str(tmp_path / "a.parquet")).load().frame.collect()


def test_columns_without_a_name_are_called_by_their_place(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", ",x,\n0,1,2\n")
    assert rows_of(FileSource(path=path)).to_dicts() == [{"column_1": 0, "x": 1, "column_3": 2}]


def test_a_type_that_does_not_fit_names_the_column_in_the_hint(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", f"n,b\n{10**40},1\n")
    with pytest.raises(DataError) as caught:
        FileSource(path=path).load()
    assert "source.dtypes={n: string}" in str(caught.value.hint)


def test_a_link_to_nothing_says_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match=r"a\.csv is a link to .*gone\.csv, which is not there"):
        FileSource(path=str(tmp_path / "a.csv")).load()


@pytest.mark.parametrize(("path", "told"), [("", "source.path is empty"), ("x" * 5_000, "File name too long")])
def test_a_path_that_can_be_no_file_is_refused(path: str, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        FileSource(path=path).load()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("ask", ["load", "fingerprint"])
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, ask: str) -> None:
    path = written(tmp_path / "a.csv", "a,b\n1,2\n")
    rows_of(FileSource(path=path))  # What is imported late is imported by now.
    Path(path).chmod(0)
    mode, user = tmp_path.stat().st_mode, os.geteuid()
    folders = [folder for folder in tmp_path.parents if not folder.stat().st_mode & 0o001]
    modes = [folder.stat().st_mode for folder in folders]
    for folder in (*folders, tmp_path):
        folder.chmod(0o755)
    try:
        if user == 0:  # Rights do not hold root back.
            os.seteuid(65534)
        with pytest.raises(DataError, match=r"a\.csv cannot be read: Permission denied"):
            getattr(FileSource(path=path), ask)()
    finally:
        os.seteuid(user)
        for folder, before in zip((*folders, tmp_path), (*modes, mode), strict=True):
            folder.chmod(before)


MONEY = 'name,price,share\na,"$1,234.50",4 %\nb,$3.20,12 %\n'
COMMAS = "name;bill;whole;at\na;1,5;1.234;2026-01-02\nb;2,25;5.678;2026-01-03\n"


def test_numbers_as_people_write_them_are_read_where_the_file_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", MONEY)
    assert rows_of(FileSource(path=path)).schema["price"] == pl.String
    read = rows_of(FileSource(path=path, decimal="."))
    assert read.select("price", "share").rows() == [(1234.5, 4.0), (3.2, 12.0)]
    assert read["name"].to_list() == ["a", "b"]
    assert rows_of(FileSource(path=path, thousands=",")).equals(read)
    assert rows_of(FileSource(path=path, decimal=".", strip=True)).equals(read)
    assert rows_of(FileSource(path=path, dtypes={"price": "number"}))["price"].to_list() == [1234.5, 3.2]


@pytest.mark.parametrize("options", [{"decimal": ","}, {"thousands": "."}, {"decimal": ",", "thousands": "."}])
def test_with_decimal_commas_a_point_means_thousands(tmp_path: Path, options: dict[str, Any]) -> None:
    read = rows_of(FileSource(path=written(tmp_path / "a.csv", COMMAS), separator=";", **options))
    assert read.rows() == [("a", 1.5, 1234.0, date(2026, 1, 2)), ("b", 2.25, 5678.0, date(2026, 1, 3))]


def test_many_small_files_with_decimal_commas_are_read_as_one_is(tmp_path: Path) -> None:
    for place in range(25):
        written(tmp_path / f"{place:02}.csv", COMMAS)
    read = rows_of(FileSource(path=str(tmp_path), separator=";", decimal=","))
    assert read["whole"].unique().sort().to_list() == [1234.0, 5678.0]


def test_a_column_of_fractions_with_points_stays_one_among_decimal_commas(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "p;q\n3.5;1,5\n1.25;2,5\n")
    assert rows_of(FileSource(path=path, separator=";", decimal=",")).rows() == [(3.5, 1.5), (1.25, 2.5)]


def test_blanks_among_numbers_are_missing_where_numbers_are_read_from_texts(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "p,q\n1.5,a\n ,b\n")
    assert rows_of(FileSource(path=path, decimal="."))["p"].to_list() == [1.5, None]
    assert rows_of(FileSource(path=path, dtypes={"p": "number"}))["p"].to_list() == [1.5, None]


def test_a_sign_between_digits_is_asked_rather_than_guessed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'p,q\n"1,234",4\n"6,000",5\n')
    with pytest.raises(DataError, match="'p' holds '1,234', which may be meant with thousands or with a fraction"):
        FileSource(path=path, dtypes={"p": "number"}).load()
    assert rows_of(FileSource(path=path, decimal=".", dtypes={"p": "integer"}))["p"].to_list() == [1234, 6000]
    assert rows_of(FileSource(path=path, decimal=","))["p"].to_list() == [1.234, 6.0]


def test_codes_with_zeros_in_front_stay_texts(tmp_path: Path) -> None:
    pl.DataFrame({"zip": ["00123", "1,5"]}).write_parquet(tmp_path / "a.parquet")
    assert rows_of(FileSource(path=str(tmp_path / "a.parquet"), decimal=","))["zip"].to_list() == ["00123", "1,5"]


def test_the_order_of_day_and_month_is_asked_and_never_guessed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "at,x\n03/04/2026,1\n05/06/2026,2\n")
    assert rows_of(FileSource(path=path))["at"].to_list() == ["03/04/2026", "05/06/2026"]
    with pytest.raises(DataError, match="the day or the month may stand first"):
        FileSource(path=path, dtypes={"at": "datetime"}).load()
    assert rows_of(FileSource(path=path, date_order="day_first"))["at"][0] == date(2026, 4, 3)
    assert rows_of(FileSource(path=path, date_order="month_first"))["at"][0] == datetime(2026, 3, 4)


def test_a_date_that_only_one_order_allows_tells_it_for_the_whole_column(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "at,x\n03/14/2026,1\n05/06/2026,2\n")
    assert rows_of(FileSource(path=path, dtypes={"at": "datetime"}))["at"].to_list() == [
        datetime(2026, 3, 14),
        datetime(2026, 5, 6),
    ]


def test_the_order_of_dates_is_kept_for_rows_of_elsewhere(tmp_path: Path) -> None:
    names = ("day", "month", "iso", "text")
    path = written(tmp_path / "a.csv", ",".join(names) + "\n14/03/2026,03/14/2026,2026-03-14,03/04/2026\n")
    source = FileSource(path=path, dtypes={"month": "date"})
    assert source.text_rules(names).dates == {"day": "day_first", "month": "month_first"}
    assert FileSource(path=path).text_rules(["day"]).dates == {"day": "day_first"}
    assert FileSource(path=path).text_rules().dates == {}
    assert FileSource(path=path, date_order="month_first").text_rules(names).dates["text"] == "month_first"
    # Of a column that is read as a text, and that a transform makes moments of, reading has learned nothing.
    assert FileSource(path=path, dtypes={"day": "string"}).text_rules(["day"]).dates == {}
    there = written(tmp_path / "b.csv", "day\n03/04/2026\n")
    assert rows_of(source.at(there, (), {"day": "day_first"}))["day"].to_list() == [date(2026, 4, 3)]
    assert rows_of(source.at(there, (), {"month": "month_first"}))["day"].to_list() == [datetime(2026, 3, 4)]
    own = FileSource(path=path, date_order="month_first")
    assert rows_of(own.at(there, (), {"day": "day_first"}))["day"].to_list() == [datetime(2026, 3, 4)]


def test_many_small_files_with_dates_that_tell_no_order_stay_texts(tmp_path: Path) -> None:
    for place in range(25):
        written(tmp_path / f"{place:02}.csv", "at,x\n03/04/2026,1\n")
    assert rows_of(FileSource(path=str(tmp_path)))["at"].unique().to_list() == ["03/04/2026"]
    assert rows_of(FileSource(path=str(tmp_path), date_order="month_first"))["at"][0] == datetime(2026, 3, 4)


def test_moments_of_several_offsets_are_read_as_the_type_that_was_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "at,x\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:00+02:00,2\n")
    read = rows_of(FileSource(path=path, dtypes={"at": "datetime"}))["at"].to_list()
    assert read == [datetime(2026, 1, 1), datetime(2025, 12, 31, 22)]


def test_texts_that_are_no_moments_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "at,x\n2026-01-01T00:00:00Z,1\nsoon,2\n")
    with pytest.raises(DataError, match=r"source\.dtypes: 'at' holds 'soon', which cannot be read as datetime"):
        FileSource(path=path, dtypes={"at": "datetime"}).load()


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("file:///data/train.csv", "source.path=/data/train.csv"),
        (
            "http://host:80/a/train.csv?x=1",
            "source 'http' reads it: source=http 'source.url=http://host:80/a/train.csv?x=1'",
        ),
    ],
)
def test_an_address_of_elsewhere_is_refused_with_what_to_type(path: str, hint: str) -> None:
    with pytest.raises(DataError, match="is a URL, and source 'file' reads files of this machine") as caught:
        FileSource(path=path).load()
    assert caught.value.hint == hint


def test_a_folder_whose_name_begins_like_a_protocol_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "s3-data").mkdir()
    written(tmp_path / "s3-data" / "a.csv", "a,b\n1,2\n")
    assert rows_of(FileSource(path=str(tmp_path / "s3-data"))).rows() == [(1, 2)]


def test_bytes_that_are_no_text_are_not_called_csv(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(bytes(range(128, 256)) * 20)
    with pytest.raises(DataError, match="is neither Parquet nor text: its first bytes are 80 81 82 83"):
        FileSource(path=str(tmp_path / "a.parquet")).load()


def test_an_uneven_row_is_named_and_not_a_long_text_before_it(tmp_path: Path) -> None:
    lines = ["a,b", f'1,"{"x" * 220_000}"', "2,y", "3"]
    with pytest.raises(DataError, match=r"line 4 of .* has 1 value, where there are 2 columns"):
        FileSource(path=written(tmp_path / "a.csv", "\n".join(lines) + "\n")).load()
    whole = rows_of(FileSource(path=written(tmp_path / "b.csv", "\n".join(lines[:3]) + "\n")))
    assert whole["b"].str.len_chars().to_list() == [220_000, 1]


def test_true_in_several_spellings_is_one_boolean(tmp_path: Path) -> None:
    assert rows_of(FileSource(path=written(tmp_path / "a.csv", "a,b\nTrue,1\ntrue,2\nFALSE,3\n")))["a"].to_list() == [
        True,
        True,
        False,
    ]
