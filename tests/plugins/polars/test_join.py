"""The source of two sources, on keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline import TextRules
from hookline.cli import main
from hookline.errors import DataError
from hookline_polars import FileSource, JoinSource
from kit.components import Rows
from kit.tables import rows_of


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    pl.DataFrame({"person": [1, 2, 3, 9] * 30, "price": range(120), "bought": [0, 1, 1, 0] * 30}).write_csv(path)
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    pl.DataFrame({"person": [1, 2, 3], "age": [20, 30, 40], "price": [7, 8, 9]}).write_csv(path)
    return path


def joined(orders: Path, people: Path, **fields: Any) -> JoinSource:
    return JoinSource(left=FileSource(path=str(orders)), right=FileSource(path=str(people)), on=("person",), **fields)


def test_left_rows_keep_their_order_and_gaps_where_nobody_belongs_to_them(orders: Path, people: Path) -> None:
    frame = joined(orders, people).load().frame.collect()
    assert frame["price"].to_list() == list(range(120))
    assert frame["age"].to_list()[:4] == [20, 30, 40, None]
    assert frame["price_right"].to_list()[:4] == [7, 8, 9, None]


def test_inner_drops_rows_without_a_right_one(orders: Path, people: Path) -> None:
    frame = joined(orders, people, how="inner").load().frame.collect()
    assert frame.height == 90
    assert 9 not in frame["person"].to_list()


def test_a_right_source_that_would_multiply_rows_is_refused(orders: Path, people: Path) -> None:
    pl.DataFrame({"person": [1, 1], "age": [20, 21], "price": [0, 0]}).write_csv(people)
    with pytest.raises(DataError, match="cannot be read or transformed"):
        hl.run(source=joined(orders, people), target="bought", trainer="decision_tree", packager=[])


@pytest.mark.parametrize(("validate", "side"), [("m:1", "right"), ("1:m", "left")])
def test_a_key_that_repeats_is_named_with_its_side_and_a_way_out(
    orders: Path, people: Path, validate: Any, side: str
) -> None:
    people.write_text("person,age\n,1\n,2\n3,20\n3,21\n")
    with pytest.raises(DataError, match=rf"source\.{side} has person=\d more than once") as caught:
        hl.run(source=joined(orders, people, validate=validate), target="bought", trainer="decision_tree", packager=[])
    assert "source.validate=m:m" in str(caught.value.hint)
    repeated = joined(orders, people, validate="m:m").load().frame.collect()
    assert repeated.height == 150


def test_missing_keys_may_repeat(orders: Path, people: Path) -> None:
    people.write_text("person,age\n,1\n,2\n3,20\n")
    assert joined(orders, people).load().frame.collect().height == 120


def test_a_suffix_that_makes_a_name_that_is_taken_is_refused(orders: Path, people: Path) -> None:
    pl.read_csv(orders).with_columns(price_right=pl.lit(0)).write_csv(orders)
    with pytest.raises(DataError, match="the right column 'price' would be called 'price_right', as another") as caught:
        joined(orders, people).load()
    assert "source.suffix" in str(caught.value.hint)
    assert "price_of" in joined(orders, people, suffix="_of").load().frame.collect_schema()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_missing_key_names_the_side_and_what_it_has(orders: Path, people: Path, side: str) -> None:
    path = orders if side == "left" else people
    pl.read_csv(path).rename({"person": "human"}).write_csv(path)
    with pytest.raises(DataError, match=rf"source\.{side} has no column 'person' to join on; it has human"):
        joined(orders, people).load()


def test_keys_of_different_types_are_told_with_a_way_out(orders: Path, people: Path) -> None:
    pl.DataFrame({"person": ["a", "b"], "age": [1, 2]}).write_csv(people)
    with pytest.raises(DataError, match="is Int64 in source.left and String in source.right") as caught:
        joined(orders, people).load()
    assert "source.right.dtypes={person: string}" in str(caught.value.hint)


def test_a_change_on_either_side_changes_the_fingerprint(orders: Path, people: Path) -> None:
    seen = {joined(orders, people).fingerprint(), joined(orders, people, how="inner").fingerprint()}
    for path in (orders, people):
        path.write_text(path.read_text().replace("2", "4", 1))
        seen.add(joined(orders, people).fingerprint())
    assert len(seen) == 4


def test_a_run_learns_from_both_and_its_package_asks_for_both(
    orders: Path, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [
        f"source.left={{component: file, path: {orders}}}",
        f"source.right.component=file source.right.path={people}",
    ]
    words = ["source=join", sides[0], *sides[1].split(), "source.on=[person]", "roles.target=bought"]
    assert main([*words, "trainer=decision_tree", "name=joined"]) == 0
    package = hl.load("joined")
    assert set(package.schema.names) == {"person", "price", "age", "price_right"}
    capsys.readouterr()
    assert main(["plan", *words, "trainer=decision_tree", "name=joined"]) == 0
    assert "join" in capsys.readouterr().out


def test_rows_that_are_joined_already_are_read_as_the_left_source_reads_its_own(tmp_path: Path) -> None:
    left = FileSource(tmp_path / "left.csv", separator=";", missing=("", "?"))
    source = JoinSource(left=left, right=FileSource(tmp_path / "right.csv"), on=("id",))
    (tmp_path / "left.csv").write_text("id;x\n1;2\n")
    (tmp_path / "new.csv").write_text("id;x;name\n1;?;a\n")
    assert rows_of(source.at(str(tmp_path / "new.csv"))).row(0) == (1, None, "a")
    assert source.text_rules() == TextRules(("?",))
    alone = JoinSource(left=Rows(), right=left, on=("id",))
    assert (alone.at("").name, alone.text_rules()) == ("file", TextRules())
