"""Tables are scored in batches, in order, into a file that is whole or not there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, UsageError
from hookline.kinds.fitted import Predictor
from hookline.packages import scoring
from hookline.packages.loading import LoadedPackage
from hookline.packages.scoring import Answer, Tally, ask, score, score_to


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    frame = pl.DataFrame(
        {"x": [float(i % 10) for i in range(200)], "y": ["a" if i % 10 < 5 else "b" for i in range(200)]}
    )
    home = tmp_path_factory.mktemp("home")
    return hl.run(source=frame, target="y", trainer="decision_tree", packager=["onnx"], home=home)


def asking(predictor: Predictor) -> Answer:
    return partial(map, partial(ask, predictor))


@pytest.fixture
def rows() -> pl.LazyFrame:
    return pl.LazyFrame({"x": [float(i % 10) for i in range(1050)]})


def test_batches_keep_order_and_positions(run: hl.Run, rows: pl.LazyFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", 100)
    tally = Tally()
    whole = pl.concat(list(score(asking(run.predictor), rows, tally)))
    assert whole["row_id"].to_list() == list(range(1050))
    assert whole["prediction"].to_list() == ["a" if i % 10 < 5 else "b" for i in range(1050)]
    assert (tally.rows, tally.strange) == (1050, 0)


def test_a_file_of_many_parts_is_in_order(
    run: hl.Run, rows: pl.LazyFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", 100)
    monkeypatch.setattr(scoring, "PIECE_ROWS", 30)
    tally = score_to(asking(run.predictor), rows.with_columns(pl.col("x").replace(3.0, 99.0)), tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found["row_id"].to_list() == list(range(1050))
    assert found["warnings"].to_list() == [
        "x: 99 is outside the training range [0, 9]" if i % 10 == 3 else "" for i in range(1050)
    ]
    assert (tally.rows, tally.strange) == (1050, 105)


def test_the_settings_of_polars_are_as_before(run: hl.Run, rows: pl.LazyFrame) -> None:
    before = pl.Config.save()
    list(score(asking(run.predictor), rows, Tally()))
    assert pl.Config.save() == before


@pytest.mark.parametrize("suffix", scoring.FORMATS)
def test_every_format_holds_the_same(run: hl.Run, rows: pl.LazyFrame, tmp_path: Path, suffix: str) -> None:
    readers = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".ndjson": pl.read_ndjson, ".arrow": pl.read_ipc}
    path = tmp_path / f"out{suffix}"
    score_to(asking(run.predictor), rows, path)
    found = readers[suffix](path)
    assert found["prediction"].to_list() == run.predict(rows.collect()).values.tolist()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith((".out", "out"))] == [path.name]


def test_a_row_unlike_training_is_told_where_it_is(run: hl.Run, rows: pl.LazyFrame) -> None:
    tally = Tally()
    (frame,) = score(asking(run.predictor), pl.concat([rows, pl.LazyFrame({"x": [99.0]})]), tally)
    assert frame["warnings"].to_list()[-1] == "x: 99 is outside the training range [0, 9]"
    assert tally.strange == 1


def test_a_failure_leaves_no_half_written_file(run: hl.Run, tmp_path: Path) -> None:
    old = tmp_path / "out.csv"
    old.write_text("old")
    with pytest.raises(DataError):
        score_to(asking(run.predictor), pl.LazyFrame({"z": [1.0]}), old)
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_no_rows_are_an_error(run: hl.Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        score_to(asking(run.predictor), pl.LazyFrame(schema={"x": pl.Float64}), tmp_path / "out.csv")


def test_a_folder_that_cannot_be_written_is_one_clear_error(run: hl.Run, rows: pl.LazyFrame, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        score_to(asking(run.predictor), rows, tmp_path / "file" / "out.csv")


@pytest.mark.parametrize("name", ["out[1].csv", "out*.csv", "out?.csv"])
def test_an_output_whose_name_reads_as_a_glob_is_a_name(
    run: hl.Run, rows: pl.LazyFrame, tmp_path: Path, name: str
) -> None:
    (tmp_path / "out1.csv").write_text("another")
    assert score_to(asking(run.predictor), rows, tmp_path / name).rows == 1050
    assert (tmp_path / name).read_text().count("\n") == 1051
    assert (tmp_path / "out1.csv").read_text() == "another"


def test_a_format_that_is_not_written_is_refused_before_any_row_is_read(run: hl.Run, tmp_path: Path) -> None:
    unread = pl.LazyFrame({"x": [1.0]}).map_batches(lambda _: pytest.fail("rows are read"))
    with pytest.raises(UsageError, match=r"out\.xlsx"):
        score_to(asking(run.predictor), unread, tmp_path / "out.xlsx")
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_an_output_that_is_a_folder_is_refused_before_any_row_is_read(run: hl.Run, tmp_path: Path) -> None:
    unread = pl.LazyFrame({"x": [1.0]}).map_batches(lambda _: pytest.fail("rows are read"))
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(UsageError, match=r"out\.csv' is a folder\nhint: name a file"):
        score_to(asking(run.predictor), unread, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out.csv"]


LARGE = 2**53 + 1


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    frame = pl.DataFrame(
        {"id": range(200), "x": [float(i % 10) for i in range(200)], "y": ["a", "b"] * 100},
        schema_overrides={"id": pl.Int32},
    )
    home = tmp_path_factory.mktemp("home")
    roles = hl.Roles(target="y", id="id")
    return hl.run(source=frame, roles=roles, trainer="decision_tree", packager=["onnx"], home=home)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Decimal(20, 0)])
def test_ids_of_which_some_are_missing_are_as_they_came_in_every_batch(
    named: hl.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: pl.DataType
) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", 2)
    monkeypatch.setattr(scoring, "PIECE_ROWS", 2)
    ids = pl.Series("id", [LARGE, None, None, None, 4, 5], dtype=dtype)
    package = hl.load(named.package())
    assert isinstance(package, LoadedPackage)
    score_to(asking(package), pl.LazyFrame({"id": ids, "x": [1.0] * 6}), tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet")["row_id"].equals(ids.alias("row_id"), check_dtypes=True)


def test_ids_of_twenty_digits_come_back_digit_by_digit(named: hl.Run, tmp_path: Path) -> None:
    ids = [21_898_512_345_678_901_339 + i for i in range(3)]
    rows = pl.DataFrame({"id": pl.Series(ids, dtype=pl.Int128), "x": [1.0, 2.0, 3.0]})
    assert named.predict(rows).frame()["row_id"].to_list() == ids
    score_to(asking(named.predictor), rows.lazy(), tmp_path / "out.csv")
    assert [line.split(",")[0] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [*map(str, ids)]


def test_a_missing_id_makes_no_floats_of_the_others(named: hl.Run) -> None:
    found = named.predict(pl.DataFrame({"id": [LARGE, None], "x": [1.0, 2.0]})).frame()["row_id"]
    assert found.to_list() == [LARGE, None]
    assert found.dtype == pl.Int64
