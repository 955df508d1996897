"""What a run says of rows that were read otherwise than they are meant."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import DataError
from hookline.kinds.reports import ColumnProfile
from hookline.quality.reading import names_of_values


def number(name: str) -> ColumnProfile:
    return ColumnProfile(name, "Int64", "number", 100, 0, 50)


def texts(name: str, *values: str) -> ColumnProfile:
    top = tuple((value, 10) for value in values)
    return ColumnProfile(name, "String", "string", 100, 0, len(values), top=top)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ([number("4"), number("12"), number("2.5")], True),
        ([number("4"), texts("good", "good", "bad")], True),
        ([texts("good", "good", "bad"), texts("x", "x", "y")], True),
        ([number("4"), number("age")], False),
        ([number("4"), texts("kind", "good", "bad")], False),
        ([number("0"), number("1"), number("2")], False),
        ([number("1990"), number("2000"), number("2010")], False),
        ([number("7")], False),
        ([texts("name", *map(str, range(40)))], False),
        ([], False),
    ],
)
def test_names_that_may_be_values_are_told_from_names(columns: list[ColumnProfile], found: bool) -> None:
    assert names_of_values(columns) == ([column.name for column in columns] if found else [])


def messages(run: hl.Run) -> list[str]:
    return [point["text"] for point in run.evidence["verdict"]["points"] if point["level"] == "warning"]


def test_a_row_that_was_taken_for_names_is_told_with_the_line_that_works(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{i * 7 % 40},{i % 3},{'good' if i * 7 % 40 > 20 else 'bad'}\n" for i in range(3, 200)))
    options = ["source=file", f"source.path={path}", "trainer=decision_tree"]
    told = [text for text in messages(hl.run(*options, "roles.target=good")) if "first line" in text]
    (text,) = told
    assert "'21', '0', 'good'" in text
    advice = text.partition("; ")[2].partition(" reads")[0]
    again = hl.run(*options, *shlex.split(advice), "roles.target=c3")
    assert not [text for text in messages(again) if "first line" in text]
    assert again.evidence["data"]["rows"] == 197


def test_a_target_that_numbers_stand_for_is_told_with_the_option(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("4,12,7\n5,13,8\n")
    with pytest.raises(DataError, match="roles names columns") as caught:
        hl.run("source=file", f"source.path={path}", "roles.target=c3", "trainer=decision_tree")
    assert caught.value.hint == "source.header=false"


def test_marks_among_values_are_told_with_the_line_that_works(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(
        f"{'?' if i % 9 == 0 else i % 10},{('none', 'some')[i % 2]},{'ab'[i % 10 > 4]}\n" for i in range(200)
    )
    path.write_text(f"x,kind,y\n{rows}")
    options = ["source=file", f"source.path={path}", "roles.target=y", "trainer=decision_tree"]
    told = [text for text in messages(hl.run(*options)) if "missing value" in text]
    (text,) = told
    assert text.startswith("'?' stands in 'x' as a text")
    advice = text.partition("which ")[2].removesuffix(" makes it")
    again = hl.run(*options, *shlex.split(advice))
    assert not [text for text in messages(again) if "missing value" in text]
    assert {c["name"]: c["kind"] for c in again.evidence["data"]["profile"]["columns"]}["x"] == "number"


def test_texts_behind_a_space_are_told_with_the_line_that_works(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,kind,y\n" + "".join(f"{i % 10}, {i % 7}, {'ab'[i % 10 > 4]}\n" for i in range(200)))
    options = ["source=file", f"source.path={path}", "trainer=decision_tree"]
    told = [text for text in messages(hl.run(*options, "roles.target=y")) if "a space" in text]
    (text,) = told
    assert text.startswith("texts of 'kind', 'y' begin or end with a space, and what 'kind' holds looks like numbers")
    advice = text.partition("; ")[2].removesuffix(" takes it away")
    again = hl.run(*options, *shlex.split(advice), "roles.target=y")
    assert not [text for text in messages(again) if "a space" in text]
    assert {c["name"]: c["kind"] for c in again.evidence["data"]["profile"]["columns"]}["kind"] == "number"


def test_a_separator_at_the_end_of_every_line_makes_a_column_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y,\n" + "".join(f"{i % 10},{'ab'[i % 10 > 4]},\n" for i in range(200)))
    run = hl.run("source=file", f"source.path={path}", "roles.target=y", "trainer=decision_tree")
    told = [point["text"] for point in run.evidence["verdict"]["points"] if "no value" in point["text"]]
    assert told == [
        "'column_3' has no value in the training rows: it makes no feature, and rows to predict may lack it"
    ]
