"""The cleaning ledger: what each transform did to the rows, counted exactly."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.data.cleaning.cells import differs
from hookline.data.cleaning.ledger import CleaningLedger
from hookline.data.cleaning.replay import Move, keep_ledger
from hookline.data.parts import SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Roles, Split
from hookline.kinds.fitted import FittedTransform
from hookline.kinds.kinds import Transform
from hookline.packages.pipeline import FittedStage, apply_transforms
from hookline_polars import (
    CastTransform,
    ClipTransform,
    DedupeTransform,
    DropMissingTargetTransform,
    FilterRowsTransform,
    ImputeTransform,
    MapValuesTransform,
    NormalizeTextTransform,
    RareCategoriesTransform,
)
from kit.tables import with_row_ids

ROLES = Roles(target="y", id="name")


class DoubleAndDrop(Transform):
    """A third party's: changes values, makes a column, and drops rows, before the split."""

    name = "double_and_drop"
    applies = "dataset"

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        doubled = frame.with_columns(x=pl.col("x") * 2, size=pl.col("x").abs()).drop("word")
        return doubled.filter(pl.col(ROW_ID) != 3).reverse()


class DrawTwice(Transform):
    """A third party's: draws training rows again, and drops one."""

    name = "draw_twice"
    applies = "training"

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return pl.concat([frame.slice(1), frame.slice(1, 2)])


class Shuffle(Transform):
    """A third party's that breaks the contract."""

    name = "shuffle"

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.reverse()


@dataclass(frozen=True)
class Cleaned:
    """A ledger, with what it was made of."""

    ledger: CleaningLedger
    split: Split
    moves: tuple[Move, ...]
    source: Dataset


def clean(folder: Path, frame: pl.DataFrame, *transforms: Transform, roles: Roles = ROLES) -> Cleaned:
    """Apply transforms as a run does, on a random split in halves."""
    rows = with_row_ids(frame)
    source = Dataset(rows, roles)
    moves, current = [], source
    for transform in (each for each in transforms if each.applies == "dataset"):
        fit = partial(fitted_to, transform, source)
        moves.append(Move(f"transform.{transform.name}", transform.name, "dataset", fit))
        current = current.with_frame(moves[-1].transform(current.frame))
    folder.mkdir(parents=True, exist_ok=True)
    method, counts = prepare(current, SplitOptions(method="random", test=0.5), 0, folder)
    split = read_split(folder, SplitFacts(source.name, method, counts), source.roles)
    stages: list[FittedStage] = []
    for transform in (each for each in transforms if each.applies != "dataset"):
        train = split.train.with_frame(apply_transforms(tuple(stages), split.train.frame))
        fitted = transform.fit(train)
        stages.append(FittedStage(f"transform.{transform.name}", transform.name, fitted))
        moves.append(Move(stages[-1].key, transform.name, transform.applies, partial(as_fitted, fitted)))
    (folder / "scratch").mkdir()
    return Cleaned(keep_ledger(source, moves, split, folder / "scratch"), split, tuple(moves), source)


def fitted_to(transform: Transform, source: Dataset, frame: pl.LazyFrame) -> FittedTransform:
    return transform.fit(source.with_frame(frame))


def as_fitted(fitted: FittedTransform, frame: pl.LazyFrame) -> FittedTransform:
    return fitted


@pytest.fixture
def table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "name": [f"n{i}" for i in range(12)],
            "x": [1, 2, 2, 4, None, 6, 7, 8, 9, None, 11, 100],
            "word": ["a", "b", "b", " a", "A", "a", None, "a", "rare", "a", "a", "a"],
            "y": ["no", "yes", "yes", "no", None, "no", "yes", "no", "yes", "no", "yes", "no"],
        }
    )


def ids(rows: Sequence[Any]) -> list[Any]:
    return [row.id for row in rows]


def test_transforms_before_the_split_are_told_one_by_one(tmp_path: Path, table: pl.DataFrame) -> None:
    filtered = FilterRowsTransform(column="x", op="!=", value=100)
    ledger = clean(tmp_path, table, DedupeTransform(), DropMissingTargetTransform(), filtered).ledger
    assert [(e.name, e.rows_in, e.rows_out, e.rows_dropped, e.cells) for e in ledger.entries] == [
        ("dedupe", 12, 11, 1, 0),
        ("drop_missing_target", 11, 10, 1, 0),
        ("filter_rows", 10, 9, 1, 0),
    ]
    assert [ids(entry.dropped) for entry in ledger.entries] == [["n2"], ["n4"], ["n11"]]
    assert ledger["dedupe"].dropped[0].position == 2
    assert ledger.summary == "dedupe -1 row, drop_missing_target -1 row, filter_rows -1 row"


def test_filled_gaps_are_counted_over_every_part(tmp_path: Path, table: pl.DataFrame) -> None:
    entry = clean(tmp_path, table, ImputeTransform(columns=("x", "word"))).ledger["impute"]
    assert (entry.rows_in, entry.rows_out, entry.rows_changed) == (12, 12, 3)
    assert entry.cells_changed == {"x": 2, "word": 1}
    assert ids(entry.changed) == ["n4", "n6", "n9"]


def test_a_new_type_alone_is_no_change(tmp_path: Path, table: pl.DataFrame) -> None:
    clipped = clean(tmp_path, table, ClipTransform(upper=10))
    assert clipped.moves[0].transform(clipped.split.train.frame).collect_schema()["x"] == pl.Float64
    assert clipped.ledger["clip"].cells_changed == {"x": 2}
    assert ids(clipped.ledger["clip"].changed) == ["n10", "n11"]


def test_categories_are_followed_though_polars_cannot_write_computed_ones(tmp_path: Path, table: pl.DataFrame) -> None:
    coded = table.with_columns(pl.col("word").cast(pl.Categorical), x=pl.col("x").cast(pl.UInt8))
    ledger = clean(tmp_path, coded, DedupeTransform(columns=("x",)), ImputeTransform(columns=("word", "x"))).ledger
    assert ledger["dedupe"].rows_dropped == 2
    assert ledger["impute"].cells_changed == {"word": 1, "x": 1}


def test_texts_that_cannot_be_read_are_the_changes_of_a_cast(tmp_path: Path, table: pl.DataFrame) -> None:
    texts = table.with_columns(x=pl.col("x").cast(pl.String).replace("7", "seven"))
    cast = CastTransform(dtypes={"x": "number"}, errors="null")
    assert clean(tmp_path, texts, cast).ledger["cast"].cells_changed == {"x": 1}


def test_the_target_counts_too(tmp_path: Path, table: pl.DataFrame) -> None:
    mapped = MapValuesTransform(column="y", old=("no",), new=("never",))
    assert clean(tmp_path, table, mapped).ledger["map_values"].cells_changed == {"y": 6}


def test_texts_written_anew_and_rare_ones_are_counted_in_turn(tmp_path: Path, table: pl.DataFrame) -> None:
    written = NormalizeTextTransform(columns=("word",), case="lower")
    ledger = clean(tmp_path, table, written, RareCategoriesTransform(columns=("word",), min_count=3)).ledger
    assert ledger["normalize_text"].cells_changed == {"word": 2}
    assert ids(ledger["normalize_text"].changed) == ["n3", "n4"]
    # The text `rare` is the label already.
    assert ledger["rare_categories"].cells_changed == {"word": 2}
    assert ids(ledger["rare_categories"].changed) == ["n1", "n2"]


def test_a_third_party_may_change_values_before_the_split(tmp_path: Path, table: pl.DataFrame) -> None:
    ledger = clean(tmp_path, table, DoubleAndDrop(), DedupeTransform(columns=("x",))).ledger
    entry = ledger["double_and_drop"]
    assert (entry.rows_in, entry.rows_out, ids(entry.dropped)) == (12, 11, ["n3"])
    assert entry.cells_changed == {"x": 9}
    assert (entry.columns_added, entry.columns_removed) == (("size",), ("word",))
    # Rows stand in reverse, so the later of two equal ones is kept.
    assert ids(ledger["dedupe"].dropped) == ["n1", "n4"]


def test_rows_drawn_again_are_added_and_the_rest_is_followed(tmp_path: Path, table: pl.DataFrame) -> None:
    cleaned = clean(tmp_path, table, DrawTwice(), ImputeTransform(columns=("x",)))
    train = cleaned.split.train.frame.collect()
    entry = cleaned.ledger["draw_twice"]
    assert (entry.rows_in, entry.rows_out, entry.rows_dropped, entry.rows_added) == (6, 7, 1, 2)
    assert ids(entry.dropped) == train["name"].head(1).to_list()
    assert entry.cells_changed == {}
    drawn = pl.concat([train.slice(1), train.slice(1, 2)])["x"].null_count()
    held_out = cleaned.split.test.frame.collect()["x"].null_count()
    assert cleaned.ledger["impute"].rows_in == 13
    assert cleaned.ledger["impute"].cells == drawn + held_out


def test_a_transform_that_reorders_rows_at_inference_is_refused(tmp_path: Path, table: pl.DataFrame) -> None:
    with pytest.raises(DataError, match=r"transform.shuffle applies always, but drops, adds or reorders train rows"):
        clean(tmp_path, table, Shuffle())


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([1, 2, None], [1.0, 2.5, None], [False, True, False]),
        ([1.0, None, float("nan")], [1, None, None], [False, False, False]),
        ([2**53 + 1, 2**53], [float(2**53), float(2**53)], [True, False]),
        (["5", "x", None, "7"], [5, None, None, 8], [False, True, False, True]),
        ([5, 6], ["5", "six"], [False, True]),
        ([True, False, True], [1, 0, 2], [False, False, True]),
        (["a", None], [None, "a"], [True, True]),
        ([[1], [2]], [[1], [3]], [False, True]),
        (["yes", None], [True, None], [True, False]),
    ],
)
def test_what_counts_as_another_value(before: list[Any], after: list[Any], changed: list[bool]) -> None:
    assert differs(pl.Series(before), pl.Series(after)).to_list() == changed


def test_categories_and_wide_integers_compare_by_value() -> None:
    texts = pl.Series(["a", "b"])
    assert not differs(texts.cast(pl.Enum(["a", "b"])), texts.cast(pl.Categorical)).any()
    big = 2**63 - 1
    assert differs(pl.Series([big]), pl.Series([big + 1], dtype=pl.UInt64)).to_list() == [True]


CELLS = st.one_of(st.none(), st.integers(-3, 3))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["a", " a", "B", None])), min_size=6, max_size=30))
def test_the_ledger_equals_a_recount_by_hand(rows: list[tuple[Any, Any, Any]]) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.Int64, "z": pl.Int64, "word": pl.String}, orient="row")
    frame = frame.with_columns(y=pl.int_range(pl.len()) % 2, name=pl.int_range(pl.len()) * 10)
    moving = [FilterRowsTransform(column="x", op="!=", value=3), DedupeTransform(columns=("x", "z"))]
    changing = [
        NormalizeTextTransform(columns=("word",), case="lower"),
        ImputeTransform(columns=("x", "z"), number="constant", number_value=1),
        ClipTransform(columns=("z",), lower=0),
    ]
    assume(len({row[:2] for row in rows if row[0] != 3}) >= 2)
    with tempfile.TemporaryDirectory() as folder:
        cleaned = clean(Path(folder) / "run", frame, *moving, *changing)
        assert told(cleaned.ledger) == recount(cleaned)


def told(ledger: CleaningLedger) -> list[tuple[Any, ...]]:
    return [(entry.name, entry.rows_dropped, entry.rows_changed, dict(entry.cells_changed)) for entry in ledger.entries]


def recount(cleaned: Cleaned) -> list[tuple[Any, ...]]:
    """Count again in plain Python: rows by id, cell by cell."""
    split, parts = cleaned.split, {}
    current = {"source": rows_of(cleaned.source.frame)}
    counts: dict[str, list[Any]] = {move.component: [0, set(), Counter()] for move in cleaned.moves}
    for move in cleaned.moves:
        if move.applies == "always" and not parts:
            parts = {"train": split.train.frame, "test": split.test.frame}
            current = {name: rows_of(part) for name, part in parts.items()}
        for name, before in current.items():
            frame = pl.DataFrame(list(before.values()), infer_schema_length=None).lazy()
            after = rows_of(move.transform(frame))
            count_changes(counts[move.component], before, after)
            current[name] = after
    return [(name, dropped, len(changed), dict(cells)) for name, (dropped, changed, cells) in counts.items()]


def rows_of(frame: pl.LazyFrame) -> dict[int, dict[str, Any]]:
    return {row[ROW_ID]: row for row in frame.collect().to_dicts()}


def count_changes(count: list[Any], before: dict[int, dict[str, Any]], after: dict[int, dict[str, Any]]) -> None:
    count[0] += len(set(before) - set(after))
    for key in set(before) & set(after):
        for column, value in before[key].items():
            other = after[key][column]
            same = value == other or (
                isinstance(value, float) and isinstance(other, float) and math.isnan(value + other)
            )
            if not same:
                count[1].add(key)
                count[2][column] += 1


def test_a_run_keeps_its_ledger(tmp_path: Path, table: pl.DataFrame) -> None:
    options: dict[str, Any] = {"source": table.drop("name"), "target": "y", "trainer": "decision_tree"}
    options |= {"transform": ["drop_missing_target", "impute"], "packager": ["pickle"]}
    run = hl.run(options)
    stages = {row["key"]: row for row in run.stages().to_dicts()}
    assert stages["cleaning"]["summary"] == "drop_missing_target -1 row; impute changed 2 cells"
    assert [entry["stage"] for entry in run.evidence["cleaning"]] == [
        "transform.drop_missing_target",
        "transform.impute",
    ]
    assert run.cleaning.select("stage", "rows_dropped", "cells_changed").rows() == [
        ("transform.drop_missing_target", 1, 0),
        ("transform.impute", 0, 2),
    ]
    cells = run.cleaning.explode("columns").unnest("columns").drop_nulls("column").select("column", "cells").rows()
    assert sorted(cells) == [("word", 1), ("x", 1)]
    assert '"cleaning"' in (run.package() / "evidence" / "evidence.json").read_text("utf-8")
    again = hl.run(options)
    assert {row["key"]: row["status"] for row in again.stages().to_dicts()}["cleaning"] == "cached"
    assert again.cleaning.equals(run.cleaning)


def test_without_transforms_there_is_no_such_stage(table: pl.DataFrame) -> None:
    run = hl.run(source=table.drop_nulls(), target="y", roles={"id": "name"}, trainer="decision_tree", audit="off")
    assert "cleaning" not in run.stages()["key"].to_list()
    assert "cleaning" not in run.evidence
    assert run.cleaning.is_empty()


def test_a_split_by_column_hides_nothing(table: pl.DataFrame) -> None:
    parted = table.drop_nulls("y").with_columns(part=pl.Series(["train", "test"] * 5 + ["train"]))
    split = {"method": "column", "column": "part"}
    run = hl.run(source=parted, target="y", trainer="decision_tree", split=split, transform=["dedupe"], audit="off")
    (entry,) = run.evidence["cleaning"]
    assert (entry["rows_in"], entry["columns_removed"]) == (11, [])


def test_the_repeated_diamonds_are_counted(shared_data: Path) -> None:
    run = hl.run(
        source=shared_data / "diamonds.csv",
        target="price",
        transform=["dedupe", {"component": "clip", "upper_quantile": 0.9, "columns": ["carat"]}],
        trainer={"component": "decision_tree", "max_depth": 3},
        audit="off",
    )
    dedupe, clip = run.evidence["cleaning"]
    assert (dedupe["rows_in"], dedupe["rows_out"], dedupe["rows_dropped"]) == (53_940, 53_794, 146)
    assert [row["position"] for row in dedupe["dropped"]][:3] == [1005, 1006, 1007]
    kept = pl.read_csv(shared_data / "diamonds.csv").unique()
    bound = run.predictor.transforms[0].fitted.bounds["carat"][1]
    assert clip["cells_changed"] == {"carat": kept.filter(pl.col("carat") > bound).height}
