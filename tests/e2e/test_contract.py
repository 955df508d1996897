"""A contract that a person edited: at the run, in every package format, at predict, serve, monitor and check."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import ConfigError, DataError, RejectedRows
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.many import predict
from hookline_serving.http.replies import Answer, answered

SIZE = 200
ROWS = pl.DataFrame(
    {
        "age": [20 + i % 50 for i in range(SIZE)],
        "plan": [("basic", "pro", "free")[i % 3] for i in range(SIZE)],
        "bill": [None if i % 7 == 0 else i % 90 / 2 for i in range(SIZE)],
        "left": ["yes" if i % 50 > 25 else "no" for i in range(SIZE)],
    }
)
CONTRACT = """
columns:
  age: {minimum: 18, maximum: 120, on_violation: reject}
  plan: {categories: [basic, pro, free, gold], on_violation: reject}
  bill: {required: false, maximum: 40}
"""
BAD = [{"age": 200, "plan": "vip", "bill": 50}, {"age": None, "plan": "gold"}, {"age": 30, "plan": "pro", "bill": 1}]
WORDS = [
    (0, "age", "200 is outside the contract's range [18, 120]"),
    (0, "plan", "'vip' is not among the contract's categories"),
    (1, "age", "is missing, which the contract does not allow"),
]
WARNING = "bill: 41 is outside the contract's range [0, 40]"
CONFIG: dict[str, Any] = {
    "source": ROWS,
    "target": "left",
    "trainer": "logistic_regression",
    "featurizer": {"component": "tabular", "missing": "zero"},
    "evaluator": [],
    "name": "churn",
}


@pytest.fixture(scope="module")
def contract(home: Path) -> Path:
    path = home / "contract.yaml"
    path.write_text(CONTRACT)
    return path


@pytest.fixture(scope="module")
def made(home: Path, contract: Path) -> hl.Run:
    packagers = ["onnx", "skops", "pickle"]
    return hl.run(CONFIG, packager=packagers, deployer="local", contract=contract, home=home)


def package(made: hl.Run, name: str) -> Any:
    return hl.load(made.package(name), trust=hl.Trust(pickle=True))


def breaches(ask: Callable[[], Any]) -> list[tuple[int, str, str]]:
    with pytest.raises(RejectedRows) as caught:
        ask()
    return [(breach.row, breach.column, breach.message) for breach in caught.value.breaches]


def served(predictor: Any, rows: list[dict[str, Any]]) -> tuple[int, Any]:
    desk = desk_of(predictor, {"model": "churn", "version": 1}, None, Bounds())
    answer = asyncio.run(answered(predict(desk.traffic, json.dumps({"rows": rows}).encode())))
    return answer.status, json.loads(answer.body)


def by_frame(predictor: Any) -> list[tuple[int, str, str]]:
    return breaches(lambda: predictor.predict(pl.DataFrame(BAD)))


def by_http(predictor: Any) -> list[tuple[int, str, str]]:
    status, answer = served(predictor, BAD)
    assert status == 422
    return [(problem["row"], problem["column"], problem["message"]) for problem in answer["problems"]]


@pytest.mark.parametrize(
    ("of", "door"),
    [
        (lambda run: run.predictor, by_frame),
        (lambda run: package(run, "pickle").predictor, by_frame),
        (lambda run: package(run, "skops").predictor, by_frame),
        (lambda run: package(run, "onnx").predictor, by_frame),
        (lambda run: package(run, "onnx").predictor, by_http),
        (lambda run: package(run, "skops").predictor, by_http),
    ],
    ids=["native", "pickle", "skops", "onnx", "onnx by http", "skops by http"],
)
def test_every_door_says_the_same_of_the_same_rows(made: hl.Run, of: Any, door: Any) -> None:
    assert sorted(door(of(made))) == WORDS


@pytest.mark.usefixtures("at_home")
def test_the_command_lines_say_the_same_too(made: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "bad.csv"
    pl.DataFrame(BAD).write_csv(rows)
    wanted = [f"  row {row}, {column}: {message}" for row, column, message in WORDS]
    for verb in (["predict", "churn"], ["monitor", "run", "churn"]):
        assert main([*verb, str(rows)]) == 1
        assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("  row")] == wanted
    assert main(["data", "check", str(rows), "--model", "churn", "--json"]) == 3
    broken = json.loads(capsys.readouterr().out)["broken"]
    found = [(e["row"], e["column"], e["message"]) for check in broken if check["rejects"] for e in check["examples"]]
    assert sorted(found) == WORDS


def test_what_only_warns_is_answered_with_the_contracts_words(made: hl.Run) -> None:
    row = {"age": 30, "plan": "gold", "bill": 41}
    for name in ("onnx", "skops", "pickle"):
        assert package(made, name).predict([row]).warnings == {0: (WARNING,)}
    _, answer = served(package(made, "onnx").predictor, [row, {"age": 30, "plan": "pro"}])
    assert [item["warnings"] for item in answer["predictions"]] == [[WARNING], []]


def test_rows_that_a_run_loads_become_findings_where_they_break_it(made: hl.Run) -> None:
    found = [finding for finding in made.findings if finding["statistic"] == "contract_range"]
    assert [(finding["subject"], finding["severity"]) for finding in found] == [("bill", "warning")]
    over = ROWS["bill"].drop_nulls().gt(40).sum()
    assert found[0]["message"].startswith(f"bill: {over} of {SIZE} rows break the contract: row 8")


def test_a_rejected_value_fails_the_run_before_any_training(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "strict.yaml"
    path.write_text("columns: {age: {minimum: 0, maximum: 65, on_violation: reject}}")
    with pytest.raises(DataError, match=r"age: 16 of 200 rows break the contract: row 46: 66 is outside"):
        hl.run(CONFIG, contract=path, home=home)
    stages = hl.load("last", home=home).evidence["plan"]  # type: ignore[union-attr]
    assert {stage["key"]: stage["status"] for stage in stages}["trainer"] == "not reached"


def test_what_is_inferred_for_a_rejecting_column_goes_by_the_held_out_rows_too(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("columns: {age: {on_violation: reject}, bill: {on_violation: reject}}")
    run = hl.run(CONFIG, contract=path, home=home)
    assert (run.predictor.schema["age"].minimum, run.predictor.schema["age"].maximum) == (20, 69)
    assert len(run.predict(ROWS).values) == SIZE


def test_another_contract_is_another_package_and_the_same_model(made: hl.Run, contract: Path, tmp_path: Path) -> None:
    wider = tmp_path / "wider.yaml"
    wider.write_text(contract.read_text().replace("maximum: 120", "maximum: 130"))
    config = CONFIG | {"packager": ["onnx"], "deployer": "local"}
    plans = [{stage.key: stage.fingerprint for stage in hl.plan(config, contract=p).stages} for p in (contract, wider)]
    assert plans[0]["trainer"] == plans[1]["trainer"]
    assert plans[0]["packager.onnx"] != plans[1]["packager.onnx"]


@pytest.mark.usefixtures("at_home")
def test_a_contract_on_the_command_line_stands_above_the_packages_own(made: hl.Run, tmp_path: Path) -> None:
    rows, lax, out = tmp_path / "bad.csv", tmp_path / "lax.yaml", tmp_path / "out.csv"
    pl.DataFrame(BAD).write_csv(rows)
    lax.write_text("columns: {age: {on_violation: warn, maximum: null}, plan: {on_violation: warn}}")
    assert main(["predict", "churn", str(rows), "-o", str(out)]) == 1
    assert main(["predict", "churn", str(rows), "--contract", str(lax), "-o", str(out)]) == 0
    assert "is not among the contract's categories" in out.read_text()
    assert main(["monitor", "run", "churn", str(rows)]) == 1
    assert main(["monitor", "run", "churn", str(rows), "--contract", str(lax)]) == 0
    loaded = cast("Any", hl.load("churn", contract=lax))
    assert loaded.schema["age"].maximum is None


@pytest.mark.usefixtures("at_home")
def test_a_written_contract_is_used_as_it_is(made: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "written.yaml"
    assert main(["data", "contract", "churn", "-o", str(path)]) == 0
    assert "on_violation: reject" in path.read_text()
    with pytest.raises(RejectedRows):
        cast("Any", hl.load("churn", contract=path)).predict(pl.DataFrame(BAD))
    assert main(["data", "contract", "churn", "-o", str(path)]) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.usefixtures("at_home")
def test_a_table_is_checked_against_a_file_alone(
    contract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    ROWS.with_columns(age=pl.lit("x")).write_csv(rows)
    assert main(["data", "check", str(rows), "--contract", str(contract)]) == 3
    assert "the contract rejects 200 values in age" in capsys.readouterr().err
    ROWS.write_csv(rows)
    assert main(["data", "check", str(rows), "--contract", str(contract)]) == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [("nix.yaml", "there is no file 'nix.yaml'"), ("pyproject.toml", "bad contract pyproject.toml")],
)
def test_a_contract_that_cannot_be_read_is_told_before_anything_runs(path: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        hl.plan(CONFIG, contract=path)


def test_a_request_that_is_refused_does_not_fail_another_that_came_with_it(made: hl.Run) -> None:
    desk = desk_of(package(made, "onnx").predictor, {"model": "churn", "version": 1}, None, Bounds())

    async def both() -> list[Answer]:
        bodies = [json.dumps({"rows": [row]}).encode() for row in ({"age": 30, "plan": "pro", "bill": 1}, BAD[0])]
        return await asyncio.gather(*(answered(predict(desk.traffic, body)) for body in bodies))

    good, bad = asyncio.run(both())
    assert (good.status, bad.status) == (200, 422)
    assert json.loads(good.body)["predictions"][0]["prediction"] in ("no", "yes")
    assert len(json.loads(bad.body)["problems"]) == 2
