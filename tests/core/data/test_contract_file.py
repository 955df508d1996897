"""Contracts as files: what is written reads back the same, and everything wrong with one is told at once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.data.columns import conform, infer_schema
from hookline.data.contract.file import read_contract
from hookline.data.contract.rules import check_rows, require_accepted, unlike_training
from hookline.data.contract.text import contract_text
from hookline.errors import ConfigError, DataError, RejectedRows
from hookline.kinds.artifacts import Column, Schema

FRAME = pl.DataFrame(
    {
        "age": [30, 40, None],
        "city": ["Bonn", "Ulm", "no"],
        "member": [True, False, True],
        "since": [datetime(2020, 1, 1), datetime(2021, 1, 1), datetime(2022, 1, 1, 5, 6, 7, 89)],
    }
)
SCHEMA = infer_schema(FRAME.lazy(), FRAME.columns)


def said(path: Path, text: str, schema: Schema = SCHEMA) -> Schema:
    path.write_text(text, "utf-8")
    return read_contract(path).over(schema, "the data have")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contract.yaml"


def limits(schema: Schema) -> list[tuple[Any, ...]]:
    return [(c.name, c.kind, c.nullable, c.minimum, c.maximum, c.categories, c.pattern) for c in schema.columns]


def test_what_is_written_reads_back_to_the_same_limits(path: Path) -> None:
    assert limits(said(path, contract_text(SCHEMA, "of a test"))) == limits(SCHEMA)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(TEXT, st.lists(TEXT, min_size=1, max_size=60, unique=True), st.floats(-1e300, 1e300))
def test_odd_names_texts_and_numbers_survive(
    tmp_path_factory: pytest.TempPathFactory, name: str, categories: list[str], bound: float
) -> None:
    columns = (
        Column(name, "String", "string", False, tuple(categories)),
        Column(f"{name}2", "Float64", "number", True, None, bound, bound),
    )
    path = tmp_path_factory.getbasetemp() / "odd.yaml"
    assert limits(said(path, contract_text(Schema(columns), "x"), Schema(columns))) == limits(Schema(columns))


def test_many_categories_are_listed_at_the_end_and_stay_in_force(path: Path) -> None:
    schema = Schema((Column("zip", "String", "string", True, tuple(f"z{i}" for i in range(200))),))
    text = contract_text(schema, "x")
    assert text.index("\nlong_categories:") > text.index("on_violation: warn")
    assert said(path, text, schema)["zip"].categories == schema["zip"].categories


def test_what_an_entry_leaves_out_stays_as_inferred_and_null_is_no_limit(path: Path) -> None:
    laid = said(path, "columns: {age: {maximum: null}, city: {on_violation: reject}}")
    assert (laid["age"].minimum, laid["age"].maximum) == (30, None)
    assert laid["city"].categories == SCHEMA["city"].categories
    assert not laid["since"].stated


BAD = """
columns:
  age: {minimum: 5, maximum: 2, on_violation: refuse}
  city: {catgories: [a], categories: [1, a]}
  bill-a(x): {nullable: maybe}
  since: {kind: datetime, maximum: 7}
  member: {kind: boolean, pattern: "["}
  gone: {required: false, nullable: false}
  7: {}
colums: 3
"""


def test_every_problem_is_told_at_once_with_its_path(path: Path) -> None:
    path.write_text(BAD)
    with pytest.raises(ConfigError) as caught:
        read_contract(path)
    told = {problem.path: problem.message for problem in caught.value.problems}
    assert told["colums"].endswith("did you mean 'columns'?")
    assert told["columns.age.on_violation"] == "must be 'warn' or 'reject', got 'refuse'"
    assert told["columns.age.minimum"] == "5 is above the maximum, 2"
    assert told["columns.city.catgories"].endswith("did you mean 'categories'?")
    assert "quote it: '1'" in told["columns.city.categories"]
    assert set(told) >= {
        "columns.bill-a(x).nullable", "columns.since.maximum", "columns.member.pattern",
        "columns.gone.required", "columns.7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("columns: {a: [}", "line 1, column 15"),
        ("columns:\n  a: {minimum: 1}\n  a: {maximum: 2}", "line 3.*'a' is said twice"),
        ("columns: {a: !!python/object:os.system {}}", "could not determine a constructor"),
        ("", "columns: required"),
        ("format: 9\ncolumns: {a: {}}", "format: this hookline reads 1"),
    ],
)
def test_a_file_that_is_no_contract_says_where(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_contract(path)


def test_a_column_that_the_data_lack_suggests_the_closest(path: Path) -> None:
    with pytest.raises(DataError, match="columns.agee: the data have no such column; did you mean 'age'"):
        said(path, "columns: {agee: {}}")


def test_another_kind_than_the_data_hold_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="says string, and the column holds a number"):
        said(path, "columns: {age: {kind: string}}")


def test_a_bound_beyond_the_inferred_other_one_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="41 is above the maximum that was inferred, 40"):
        said(path, "columns: {age: {minimum: 41}}")
    with pytest.raises(DataError, match="columns.age.maximum: 29 is below the minimum that was inferred, 30"):
        said(path, "columns: {age: {maximum: 29}}")
    with pytest.raises(
        DataError, match="columns.since.maximum: 2019-01-01 00:00:00 is below the minimum .*, 2020-01-01"
    ):
        said(path, "columns: {since: {maximum: 2019-01-01}}")


def test_a_rejected_value_names_row_and_column(path: Path) -> None:
    laid = said(path, "columns: {city: {pattern: '[A-Z].*', categories: null, on_violation: reject}}")
    with pytest.raises(RejectedRows, match=r"row 2, city: 'no' does not match the contract's pattern '\[A-Z\].\*'"):
        unlike_training(conform(FRAME, laid), laid)


def test_a_rejecting_column_that_is_absent_is_refused_though_none_other_rejects(path: Path) -> None:
    laid = said(path, "columns: {city: {on_violation: reject}}")
    with pytest.raises(RejectedRows) as caught:
        require_accepted(FRAME.drop("city").lazy(), laid)
    assert (caught.value.count, caught.value.breaches[0].column) == (3, "city")


def test_an_optional_column_that_is_absent_is_missing_in_every_row(path: Path) -> None:
    laid = said(path, "columns: {age: {required: false}}")
    rows = conform(FRAME.drop("age"), laid)
    assert rows["age"].null_count() == 3
    assert unlike_training(rows, laid) == {}


def test_a_check_counts_by_rule_and_finds_the_values_that_cannot_be_read(path: Path) -> None:
    rows = FRAME.with_columns(age=pl.Series(["31", "x", "99"]), city=pl.Series(["Rome", "Ulm", None])).drop("member")
    checked = check_rows([rows], said(path, "columns: {age: {on_violation: reject}}"))
    found = {key[:2]: (check.rejects, check.count, check.examples[0].row) for key, check in checked.broken.items()}
    assert found == {
        ("age", "type"): (True, 1, 1),
        ("age", "range"): (True, 1, 2),
        ("city", "nullable"): (False, 1, 2),
        ("city", "categories"): (False, 1, 0),
        ("member", "absent"): (True, 3, 0),
    }


@pytest.mark.parametrize("values", ["[yes, no]", "[on, 'off']", "[Yes, NO]"])
def test_yes_and_no_among_values_are_the_words_that_somebody_wrote(path: Path, values: str) -> None:
    path.write_text(f"columns:\n  optin: {{categories: {values}, nullable: no}}\n", "utf-8")
    rule = read_contract(path).columns["optin"]
    assert rule.categories == tuple(word.strip(" '") for word in values.strip("[]").split(","))
    assert rule.nullable is False
    words = list(rule.categories)
    schema = read_contract(path).alone({"optin": "string"})
    assert not check_rows([pl.DataFrame({"optin": words})], schema).broken


def test_true_and_false_are_words_of_a_column_of_texts_and_values_of_one_of_booleans(path: Path) -> None:
    path.write_text("columns:\n  optin: {categories: [true, false]}\n", "utf-8")
    contract = read_contract(path)
    assert contract.alone({"optin": "string"}).columns[0].kind == "string"
    assert contract.alone({"optin": "boolean"}).columns[0].kind == "boolean"
    assert not check_rows([pl.DataFrame({"optin": ["true", "false"]})], contract.alone({"optin": "string"})).broken


def test_long_lists_keep_words_too(path: Path) -> None:
    path.write_text("columns:\n  optin: {nullable: yes}\nlong_categories:\n  optin: [yes, no]\n", "utf-8")
    assert read_contract(path).columns["optin"].categories == ("yes", "no")
