"""Splits are exact, repeatable, and keep to what they promise."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.data.parts import SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split
from hookline.errors import ConfigError, DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Roles, Split
from kit.tables import with_row_ids


def split(folder: Path, frame: pl.DataFrame, roles: Roles, seed: int = 0, **options: object) -> Split:
    dataset = Dataset(with_row_ids(frame), roles)
    folder.mkdir(parents=True, exist_ok=True)
    method, rows = prepare(dataset, SplitOptions(**options), seed, folder)  # type: ignore[arg-type]
    return read_split(folder, SplitFacts(dataset.name, method, rows), roles)


def ids(dataset: Dataset) -> list[int]:
    return dataset.frame.select(ROW_ID).collect()[ROW_ID].to_list()


TABLE = pl.DataFrame(
    {
        "y": ["a"] * 80 + ["b"] * 20,
        "group": [i // 5 for i in range(100)],
        "when": list(range(100, 0, -1)),
        "part": ["train"] * 60 + ["valid"] * 10 + ["test"] * 30,
    }
)


def test_every_row_is_in_exactly_one_part(tmp_path: Path) -> None:
    made = split(tmp_path, TABLE, Roles(target="y"), test=0.2, valid=0.1)
    assert made.valid is not None
    everywhere = ids(made.train) + ids(made.valid) + ids(made.test)
    assert sorted(everywhere) == list(range(100))
    assert len(ids(made.test)) == 20


def test_a_stratified_split_keeps_the_shares_of_classes(tmp_path: Path) -> None:
    made = split(tmp_path, TABLE, Roles(target="y"), test=0.25)
    assert made.method == "stratified"
    assert made.test.frame.collect()["y"].value_counts(sort=True)["count"].to_list() == [20, 5]


def test_the_seed_alone_decides(tmp_path: Path) -> None:
    first, again, other = (
        ids(split(tmp_path / str(i), TABLE, Roles(target="y"), seed=seed).test) for i, seed in enumerate((1, 1, 2))
    )
    assert first == again != other


def test_groups_stay_together(tmp_path: Path) -> None:
    made = split(tmp_path, TABLE, Roles(target="y", group="group"))
    groups = [set(part.frame.collect()["group"].to_list()) for part in (made.train, made.test)]
    assert made.method == "group"
    assert not groups[0] & groups[1]


def test_a_time_split_tests_on_the_latest_rows(tmp_path: Path) -> None:
    made = split(tmp_path, TABLE, Roles(target="y", time="when"))
    assert made.train.frame.collect()["when"].max() < made.test.frame.collect()["when"].min()  # type: ignore[operator]


def test_a_column_can_say_the_part(tmp_path: Path) -> None:
    made = split(tmp_path, TABLE, Roles(target="y"), method="column", column="part")
    assert made.valid is not None
    assert [len(ids(part)) for part in (made.train, made.valid, made.test)] == [60, 10, 30]


def test_other_words_of_a_column_can_say_the_part(tmp_path: Path) -> None:
    table = TABLE.with_columns(year=pl.Series([2019] * 50 + [2020] * 20 + [2021] * 30))
    values = {"train_values": (2019, "2020"), "test_values": (2021,)}
    made = split(tmp_path, table, Roles(target="y"), method="column", column="year", **values)
    assert (ids(made.train), ids(made.test)) == (list(range(70)), list(range(70, 100)))
    assert made.valid is None
    assert "year" not in made.train.feature_columns()


NAMED = TABLE.with_columns(part=pl.when(pl.col("part") == "valid").then(pl.lit("train")).otherwise("part"))


def test_training_rows_give_the_validation_rows_that_a_column_does_not_name(tmp_path: Path) -> None:
    made = split(tmp_path, NAMED, Roles(target="y"), method="column", column="part", valid=0.2)
    assert made.valid is not None
    assert sorted(ids(made.train) + ids(made.valid)) == list(range(70))
    assert (len(ids(made.valid)), ids(made.test)) == (20, list(range(70, 100)))


def test_groups_and_times_stay_together_where_training_rows_give_validation_rows(tmp_path: Path) -> None:
    options = {"method": "column", "column": "part", "valid": 0.2}
    grouped = split(tmp_path / "groups", NAMED, Roles(target="y", group="group"), **options)
    assert grouped.valid is not None
    groups = [set(part.frame.collect()["group"].to_list()) for part in (grouped.train, grouped.valid)]
    assert not groups[0] & groups[1]
    timed = split(tmp_path / "times", NAMED, Roles(target="y", time="when"), **options)
    assert timed.valid is not None
    assert ids(timed.valid) == list(range(20))


def test_validation_rows_that_a_column_names_are_no_more_than_it_names(tmp_path: Path) -> None:
    made = split(tmp_path, TABLE, Roles(target="y"), method="column", column="part", valid=0.2)
    assert made.valid is not None
    assert ids(made.valid) == list(range(60, 70))


def test_validation_rows_must_leave_some_for_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"split\.valid is 114% of the rows that split\.column leaves for training"):
        split(tmp_path, NAMED, Roles(target="y"), method="column", column="part", valid=0.8)


def test_booleans_can_say_the_part(tmp_path: Path) -> None:
    table = TABLE.with_columns(held=pl.col("when") < 30)
    options = {"train_values": (False,), "test_values": (True,)}
    assert len(ids(split(tmp_path, table, Roles(target="y"), method="column", column="held", **options).test)) == 29


@pytest.mark.parametrize("strange", ["later", None])
def test_a_value_that_says_no_part_is_named(tmp_path: Path, strange: str | None) -> None:
    table = TABLE.with_columns(part=pl.when(pl.col("part") == "valid").then(pl.lit(strange)).otherwise("part"))
    with pytest.raises(DataError, match=rf"may hold only train, valid and test, got {strange}"):
        split(tmp_path, table, Roles(target="y"), method="column", column="part")


def test_a_value_cannot_mean_two_parts(tmp_path: Path) -> None:
    options = {"method": "column", "column": "part", "test_values": ("train",)}
    with pytest.raises(ConfigError, match=r"split\.test_values: train is also in split\.train_values"):
        split(tmp_path, TABLE, Roles(target="y"), **options)


def test_a_split_that_leaves_a_part_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        split(tmp_path, TABLE.head(2), Roles(target="y"), test=0.01)


def test_one_row_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 rows, too few"):
        split(tmp_path, TABLE.head(1), Roles(target="y"))


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 400), st.floats(0.1, 0.5), st.integers(0, 1000))
def test_shares_are_exact_to_a_row(rows: int, test: float, seed: int) -> None:
    import tempfile

    frame = pl.DataFrame({"y": [float(i) + 0.5 for i in range(rows)]})
    with tempfile.TemporaryDirectory() as folder:
        made = split(Path(folder), frame, Roles(target="y"), seed=seed, test=test)
        assert abs(len(ids(made.test)) - rows * test) <= 1
