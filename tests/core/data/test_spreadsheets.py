"""CSV files that a person opens: no text in them is taken for a formula, and no number is touched."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.data.spreadsheets import without_formulas
from hookline.packages.parts import parts_of
from hookline.registry.registry import Registry
from hookline.sweeps.leaderboard import Leaderboard
from hookline.sweeps.searching import write

ACTING = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\r=1", "=", "-", "\n=1"]
TEXTS = ["", "a", "a=b", "'=1", " =1", "a-b", "-1", "+1.5", "-1e-3", "+.5", "-0", "1-2"]


@pytest.mark.parametrize("text", ACTING, ids=ascii)
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_a_text_that_would_be_calculated_gets_a_mark(text: str, dtype: type[pl.DataType]) -> None:
    assert without_formulas(pl.DataFrame({"x": pl.Series([text], dtype=dtype)}))["x"].to_list() == [f"'{text}"]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_other_texts_stay_and_so_do_numbers_in_texts(text: str) -> None:
    assert without_formulas(pl.DataFrame({"x": [text]}))["x"].to_list() == [text]


def test_numbers_dates_and_what_is_missing_stay() -> None:
    rows = pl.DataFrame({"n": [-1, 2], "f": [-0.5, None], "b": [True, None], "s": [None, "x"]})
    assert without_formulas(rows).equals(rows)
    assert without_formulas(rows.lazy()).collect().equals(rows)


@given(st.lists(st.text(), min_size=1))
def test_no_cell_begins_as_a_formula_and_each_can_be_read_back(texts: list[str]) -> None:
    marked = without_formulas(pl.DataFrame({"x": texts}))["x"].to_list()
    for text, cell in zip(texts, marked, strict=True):
        assert cell in (text, f"'{text}")
        assert not cell.startswith(("=", "@", "\t", "\r"))


def test_a_leaderboard_is_safe_to_open_and_whole_as_parquet(tmp_path: Path, registry: Registry) -> None:
    about = {"jobs": 1, "seconds": 1.0, "peak_memory_mib": 1.0, "pruned_at": "", "status": "finished", "path": ""}
    rows = ({"rank": 1, "trial": 0, "trainer": "=HYPERLINK(1)", "accuracy": -0.5, "error": "-x", **about},)
    write(Leaderboard("s", "accuracy", ("trainer",), rows, ()), (), tmp_path, registry)
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        (told,) = csv.DictReader(file)
    assert (told["trainer"], told["accuracy"], told["error"]) == ("'=HYPERLINK(1)", "-0.5", "'-x")
    assert pl.read_parquet(tmp_path / "leaderboard.parquet")["trainer"].to_list() == ["=HYPERLINK(1)"]


@pytest.mark.parametrize(
    ("name", "formulas", "told"),
    [("p.csv", False, "'=1+1"), ("p.csv", True, "=1+1"), ("p.parquet", False, "=1+1"), ("p.ndjson", False, "=1+1")],
)
def test_predictions_in_a_csv_file_are_safe_to_open_unless_somebody_wants_them_as_they_are(
    tmp_path: Path, name: str, formulas: bool, told: str
) -> None:
    with parts_of(tmp_path / name, None) as parts:
        parts.write(0, pl.DataFrame({"row_id": [0], "prediction": ["=1+1"]}), 0)
        parts.join(formulas=formulas, publish=None)
    read = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".ndjson": pl.read_ndjson}[Path(name).suffix]
    assert read(tmp_path / name)["prediction"].to_list() == [told]
