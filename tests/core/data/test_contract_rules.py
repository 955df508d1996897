"""Rules across columns and of whole tables: what people write is read by polars, asked of rows, and told with their ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hookline.cli import main
from hookline.data.columns import conform, infer_schema
from hookline.data.contract.checked import Checked
from hookline.data.contract.file import read_contract
from hookline.data.contract.rules import batches_of, check_rows, rejected_mask, require_accepted, unlike_training
from hookline.data.contract.tables import check_table
from hookline.data.contract.text import contract_text
from hookline.errors import ConfigError, DataError, MissingBackend, RejectedRows
from hookline.kinds.artifacts import Schema

FRAME = pl.DataFrame(
    {
        "order": ["A1", "A2", "A3", "A4", "A2"],
        "start": [1, 5, 3, None, 9],
        "end": [2, 4, 3, 7, 8],
        "net amount": [1.0, 2.0, 3.0, 4.0, 5.0],
        "day": [datetime(2024, 5, day) for day in (1, 2, 3, 4, 5)],
    }
)
COLUMNS = ["start", "end", "net amount", "day"]
SCHEMA = infer_schema(FRAME.lazy(), COLUMNS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contract.yaml"


def said(path: Path, text: str, schema: Schema = SCHEMA) -> Schema:
    path.write_text(text, "utf-8")
    return read_contract(path).over(schema, "the data have", FRAME.schema)


def test_a_rule_is_asked_of_each_row_and_one_with_a_missing_value_keeps_it(path: Path) -> None:
    schema = said(path, "rules: ['\"end\" >= start']\n")
    checked = check_rows(batches_of(FRAME.lazy()), schema, "order")
    (check,) = checked.broken.values()
    assert (check.rule, check.count, check.rejects) == ("rule", 2, False)
    assert [(one.row, one.id) for one in check.examples] == [(1, "A2"), (4, "A2")]
    assert check.examples[0].message == "breaks the contract's rule '\"end\" >= start' (end=4, start=5)"


def test_a_rule_warns_or_rejects_wherever_rows_are_admitted(path: Path) -> None:
    rows = conform(FRAME, SCHEMA)
    warning = unlike_training(rows, said(path, "rules: [{rule: '\"net amount\" <= 3', name: small}]\n"))
    assert list(warning) == [3, 4]
    assert warning[3][-1].startswith("small: breaks the contract's rule")
    rejecting = said(path, "rules: [{rule: '\"net amount\" <= 3', on_violation: reject}]\n")
    with pytest.raises(RejectedRows, match="2 values break the input contract"):
        unlike_training(rows, rejecting)
    with pytest.raises(RejectedRows):
        require_accepted(FRAME.lazy(), rejecting)
    assert rejected_mask(rows, rejecting).to_list() == [False, False, False, True, True]


def test_what_only_a_rule_names_may_be_absent_where_rows_are_watched(path: Path) -> None:
    rejecting = said(path, "rules: [{rule: '\"net amount\" <= 3', on_violation: reject}]\n")
    require_accepted(FRAME.lazy().drop("net amount"), rejecting)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("end >=", "is no expression of polars' SQL"),
        ("strat > 3", "names 'strat', which is no column; did you mean 'start'?"),
        ("SUM(start) > 3", "asks several rows at once"),
        ("start >= AVG(start)", "asks several rows at once (MEAN)"),
        ("ROW_NUMBER() OVER (ORDER BY start) > 1", "asks several rows at once (OVER)"),
        ("start", "must be true or false of a row, and is a Int64"),
        ("day LIKE '2024%'", "does not fit the columns"),
        ("1 > 0", "names no column"),
        ("start > (SELECT 1)", "asks several rows at once"),
        ("start > 0" + " + 0" * 300, "is nested too deeply"),
        ("read_csv('x') > start", "unsupported function 'read_csv'"),
        ("start > 1; drop table x", "is no expression"),
    ],
)
def test_what_is_no_rule_of_a_row_is_refused_before_any_row_is_read(path: Path, rule: str, message: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        said(path, f'rules: ["{rule}"]\n')
    assert message in str(caught.value)


def test_every_fault_of_a_file_is_told_at_its_place(path: Path) -> None:
    path.write_text(
        "rules: [{rule: 'start > 1'}, {rule: 'start > 1'}, 3]\n"
        "unique: [{columns: []}, {column: order}]\n"
        "freshness: [{column: day, within: soon}]\n"
        "rows: {minimum: 9, maximum: 3}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        read_contract(path)
    places = [problem.path for problem in caught.value.problems]
    for place in ("rules.1", "rules.2", "unique.0.columns", "freshness.0.within", "rows.minimum"):
        assert place in places


def test_rules_of_a_table_tell_what_repeats_is_old_or_too_little(path: Path) -> None:
    text = "unique: [{columns: [order], on_violation: reject}]\nfreshness: [{column: day, within: 2d}]\nrows: {minimum: 9}\n"
    schema = said(path, text)
    now = datetime(2024, 5, 8, tzinfo=UTC)
    checked = check_rows(batches_of(FRAME.lazy()), Schema(()))
    check_table(FRAME.lazy(), schema.table, checked, id_column="order", now=now)
    told = {check.rule: check.told(5) for check in checked.broken.values()}
    assert "row 4 (A2): repeats row 1 in order=A2" in told["unique"]
    assert told["freshness"] == (
        "the table breaks the contract: is 3d old at its newest, 2024-05-05 00:00:00; the contract allows 2d"
    )
    assert told["rows"] == "the table breaks the contract: there are 5 rows; the contract allows at least 9"
    fresh = Checked(rows=9)
    check_table(FRAME.lazy().unique("order"), schema.table, fresh, now=now - timedelta(days=2))
    assert not fresh.broken


def test_missing_values_repeat_nothing(path: Path) -> None:
    schema = said(path, "unique: [{columns: [start]}]\n")
    checked = Checked()
    check_table(pl.concat([FRAME, FRAME.filter(pl.col("start").is_null())]).lazy(), schema.table, checked)
    assert not checked.broken


def over_table(path: Path, frame: pl.DataFrame, text: str, now: datetime | None = None) -> Checked:
    path.write_text(text, "utf-8")
    checked = Checked(rows=frame.height)
    check_table(frame.lazy(), read_contract(path).table, checked, id_column="id", now=now)
    return checked


def test_rows_repeat_each_other_in_whatever_they_hold(path: Path) -> None:
    frame = pl.DataFrame({"a": [float("nan"), float("nan"), 1.0], "b": [[1], [1], [2]]})
    for columns in ("[a]", "[b]", "[a, b]"):
        (check,) = over_table(path, frame, f"unique: [{{columns: {columns}}}]\n").broken.values()
        assert check.count == 1
        assert check.examples[0].message.startswith("repeats row 0 in ")


def test_a_time_that_is_days_ahead_makes_no_table_fresh(path: Path) -> None:
    now = datetime(2024, 5, 8, tzinfo=UTC)
    text = "freshness: [{column: day, within: 2d}]\n"
    days = [datetime(2024, 5, 5), datetime(2099, 1, 1)]
    (check,) = over_table(path, pl.DataFrame({"day": days}), text, now).broken.values()
    assert check.examples[0].message.startswith("is 3d old at its newest, 2024-05-05")
    assert not over_table(path, pl.DataFrame({"day": [datetime(2024, 5, 8, 9)]}), text, now).broken
    with pytest.raises(DataError, match="freshness is of dates and times, and 'day' holds Duration"):
        over_table(path, pl.DataFrame({"day": [timedelta(3)]}), text)


def test_of_two_rules_of_a_column_the_one_that_rejects_rejects(path: Path) -> None:
    text = "freshness: [{column: day, within: 1d}, {column: day, within: 2d, on_violation: reject}]\n"
    checked = over_table(path, FRAME, text, datetime(2024, 5, 8, tzinfo=UTC))
    assert [len(checked.warned), len(checked.rejected)] == [1, 1]


def test_every_row_that_breaks_a_rule_is_warned_of(path: Path) -> None:
    rows = pl.DataFrame({"self": [1] * 1_500, "b": [-1] * 1_500})
    schema = infer_schema(rows.lazy(), ["self", "b"])
    path.write_text("rules: [b > self]\n", "utf-8")
    schema = read_contract(path).over(schema, "the data have")
    assert len(unlike_training(rows, schema)) == 1_500
    (check,) = check_rows(batches_of(rows.lazy()), schema).broken.values()
    assert check.count == 1_500


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("freshness: [{column: day, within: 999999999w}]\n", "freshness.0.within"),
        ("rows: {maximum: -1}\n", "rows.maximum"),
    ],
    ids=["length", "count"],
)
def test_a_number_that_no_table_can_keep_is_told_at_its_place(path: Path, text: str, place: str) -> None:
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_contract(path)
    assert [problem.path for problem in caught.value.problems] == [place]


def test_a_contract_with_rules_is_written_and_reads_back_the_same(path: Path) -> None:
    text = (
        "rules: [{rule: '\"end\" >= start', name: later, on_violation: reject}, 'start > 0']\n"
        "unique: [{columns: [start, day]}]\nfreshness: [{column: day, within: 36h}]\nrows: {maximum: 1000}\n"
    )
    schema = said(path, text)
    again = said(path, contract_text(schema, "of a test"))
    assert (again.rules, again.table) == (schema.rules, schema.table)


def test_a_rule_of_the_target_is_checked_in_a_run_and_does_not_travel(path: Path) -> None:
    schema = said(path, "rules: ['start > 0', '\"order\" <> ''A9''']\n")
    assert [rule.rule for rule in schema.rules] == ["start > 0"]


def test_the_command_writes_every_row_that_breaks_a_rule(
    tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, rows = tmp_path / "t.csv", tmp_path / "broken.csv"
    FRAME.write_csv(table)
    path.write_text(
        "rules: [{rule: '\"end\" >= start', on_violation: reject}]\nunique: [{columns: [order]}]\n", "utf-8"
    )
    line = ["data", "check", str(table), "--contract", str(path), "--id", "order", "--rows", str(rows)]
    assert main(line) == 3
    assert "row 1 (A2): breaks the contract's rule" in capsys.readouterr().out
    found = pl.read_csv(rows)
    assert found["row"].to_list() == [1, 4, 4]
    assert found["order"].to_list() == ["A2", "A2", "A2"]
    assert main([*line, "--json"]) == 3
    broken = json.loads(capsys.readouterr().out)["broken"]
    assert {one["rule"]: one["count"] for one in broken} == {"rule": 2, "unique": 1}


def test_columns_that_are_called_as_those_of_the_written_rows_stay(tmp_path: Path, path: Path) -> None:
    table, rows = tmp_path / "t.csv", tmp_path / "broken.csv"
    FRAME.with_columns(row=pl.lit("mine"), then=pl.lit(7)).write_csv(table)
    path.write_text("rules: [{rule: '\"end\" >= start', on_violation: reject}]\n", "utf-8")
    assert main(["data", "check", str(table), "--contract", str(path), "--rows", str(rows)]) == 3
    found = pl.read_csv(rows).to_dicts()[0]
    assert (found["row"], found["contract_row"], found["then"], found["contract_then"]) == ("mine", 1, 7, "reject")


PANDERA = """
schema_type: polars_dataframe
api: polars
columns:
  start: {dtype: Int64, nullable: true, greater_than_or_equal_to: 2}
  end: {dtype: Int64, in_range: {min_value: 0, max_value: 8, include_min: true, include_max: false}}
  order: {dtype: String, unique: true, str_matches: 'A[0-9]'}
"""


def test_a_schema_of_pandera_rejects_what_pandera_rejects(path: Path) -> None:
    pandera = pytest.importorskip("pandera.polars")
    path.write_text(PANDERA, "utf-8")
    contract = read_contract(path)
    schema = contract.alone({}, FRAME.schema)
    checked = check_rows(batches_of(FRAME.lazy()), schema)
    check_table(FRAME.lazy(), schema.table, checked)
    ours = {check.column.strip('"').split('"')[0] for check in checked.rejected}
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        pandera.DataFrameSchema.from_yaml(PANDERA).validate(FRAME, lazy=True)
    theirs = {case["column"] for case in caught.value.failure_cases.iter_rows(named=True)}
    assert ours == theirs == {"start", "end", "order"}


def test_a_check_of_pandera_that_no_contract_says_is_named(path: Path) -> None:
    pytest.importorskip("pandera.polars")
    path.write_text(PANDERA.replace("unique: true", "str_endswith: x"), "utf-8")
    with pytest.raises(ConfigError, match="a contract has no such check") as caught:
        read_contract(path)
    assert caught.value.problems[0].path == "columns.order.str_endswith"


def test_checks_of_one_column_of_pandera_hold_together(path: Path) -> None:
    pandera = pytest.importorskip("pandera.polars")
    check = pandera.Check
    checks = {
        "n": (pl.Int64, [check.ge(0), check.in_range(-10, 5), check.isin([1, 2, 9])]),
        "t": (pl.String, [check.isin(["a", "b"]), check.isin(["b", "c"])]),
        "d": (pl.Datetime, [check.gt(datetime(2024, 5, 1))]),
        "m": (pl.String, [check.str_matches("x")]),
    }
    columns = {name: pandera.Column(dtype, some) for name, (dtype, some) in checks.items()}
    path.write_text(pandera.DataFrameSchema(columns).to_yaml(), "utf-8")
    frame = pl.DataFrame(
        {
            "n": [1, -1, 9, 3],
            "t": ["b", "a", "c", "b"],
            "d": [datetime(2024, 5, day) for day in (2, 1, 2, 2)],
            "m": ["x\ny", "y", "xx", "x"],
        }
    )
    schema = read_contract(path).alone({}, frame.schema)
    assert rejected_mask(frame, schema).to_list() == [False, True, True, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("unique: true", "regex: true", "names each column"), ("unique: true", "notin: [LONG]", "at most 2,000")],
    ids=["pattern of names", "long"],
)
def test_what_no_contract_can_say_of_a_schema_of_pandera_is_named(path: Path, old: str, new: str, message: str) -> None:
    pytest.importorskip("pandera.polars")
    path.write_text(PANDERA.replace(old, new.replace("LONG", "x" * 2_000)), "utf-8")
    with pytest.raises(ConfigError, match=message):
        read_contract(path)


def test_a_schema_of_pandera_without_pandera_says_which_extra_brings_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    path.write_text(PANDERA, "utf-8")
    monkeypatch.setitem(sys.modules, "pandera.polars", None)
    with pytest.raises(MissingBackend, match="needs the library 'pandera'"):
        read_contract(path)


def test_rows_of_a_request_and_of_a_table_break_the_same_rules(path: Path) -> None:
    from hookline import Roles
    from hookline_serving.http.reading.faults import BadRows
    from hookline_serving.http.rows import Reader

    schema = said(path, "rules: [{rule: '\"end\" >= start', name: later}]\n")
    rows: list[dict[str, Any]] = [
        {**row, "day": row["day"].isoformat()} for row in FRAME.select(COLUMNS).iter_rows(named=True)
    ]
    asked = Reader(schema, Roles()).read_body(json.dumps({"rows": rows}).encode())
    assert asked.warnings == unlike_training(conform(FRAME, schema), schema)
    rejecting = said(path, "rules: [{rule: '\"end\" >= start', name: later, on_violation: reject}]\n")
    with pytest.raises(BadRows) as caught:
        Reader(rejecting, Roles()).read_body(json.dumps({"rows": rows}).encode())
    assert [(one.row, one.column) for one in caught.value.problems] == [(1, "later"), (4, "later")]
