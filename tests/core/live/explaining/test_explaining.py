"""Answers explained from a package alone: as a server does, against rows that it keeps or tells of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Explanation, Predictor, Report, Scored
from hookline.cli import main
from hookline.errors import DataError, StoreError, UsageError
from hookline.live.explaining.background import background_of, ordinary_rows, profile_of
from hookline.packages.loading import LoadedPackage
from hookline_serving.http.answers import frame_of
from hookline_serving.http.rows import Reader
from hookline_sklearn import PermutationImportanceEvaluator

ROW = {"age": 31.0, "plan": None, "since": "2026-03-01T00:00:00", "member": True}
TRUST = hl.Trust(pickle=True)


def table(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(n)
    age, plan = rng.normal(40, 10, n), rng.choice(["basic", "gold"], n)
    return pl.DataFrame(
        {
            "age": age,
            "plan": plan,
            "since": [datetime(2026, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 300, n)],
            "member": rng.random(n) < 0.3,
            "y": np.where(0.1 * (age - 40) + 2.0 * (plan == "gold") - 1 + rng.normal(0, 0.5, n) > 0, "yes", "no"),
        }
    )


class Keeping(hl.Evaluator):
    """Leaves rows with the package."""

    name = "keeping"

    def evaluate(self, scored: Scored) -> Report:
        rows = scored.rows().frame.collect().head(7)
        return Report("Kept", files={"background.json": json.dumps(rows.to_dicts(), default=str).encode()})


def made(home: Path, *evaluators: Any) -> Path:
    run = hl.run(
        *("trainer=logistic_regression", "transform=[impute]", "deployer=null", "packager=[pickle]", "monitor=[]"),
        evaluator=[*evaluators],
        source=table(300),
        target="y",
        home=home,
    )
    return run.package("pickle")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def package(home: Path) -> Path:
    return made(home)


def loaded(folder: Path) -> LoadedPackage:
    found = hl.load(folder, trust=TRUST)
    assert isinstance(found, LoadedPackage)
    return found


def test_ordinary_rows_are_those_of_a_server(package: Path) -> None:
    alone = loaded(package)
    profile = profile_of(alone)
    assert profile is not None
    reader = Reader(alone.schema, alone.roles)
    values = [reader.read([row]).values[0] for row in ordinary_rows(alone.schema, profile)]
    usual = background_of(alone)
    assert usual.told == "the training rows' columns, one by one"
    assert usual.rows.equals(frame_of(values, alone.schema).cast(dict(usual.rows.schema)))


def test_rows_that_travel_with_a_package_are_what_is_ordinary(home: Path) -> None:
    folder = made(home, Keeping())
    usual = background_of(loaded(folder))
    assert (usual.told, usual.rows.height) == ("rows that travel with the package", 7)
    assert set(usual.rows["plan"]) <= {"basic", "gold"}
    (folder / "evaluators" / "keeping" / "background.json").write_text("[{")
    with pytest.raises(StoreError):
        hl.explain(folder, ROW, trust=TRUST)


@pytest.mark.parametrize("many", [False, True], ids=["a mapping", "a frame"])
def test_a_package_is_explained_as_whoever_explains_does_it(package: Path, *, many: bool) -> None:
    explainer = PermutationImportanceEvaluator()
    rows: Any = table(4).drop("y") if many else ROW
    found = hl.explain(package, rows, by="permutation_importance", trust=TRUST)
    alone = loaded(package)
    expected = explainer.explain(alone.predictor, found.rows, background_of(alone).rows)
    np.testing.assert_array_equal(found.explanation.values, expected.values)
    assert found.rows.height == (4 if many else 1)
    assert found.explanation.columns == ("age", "plan", "since", "member")
    told = found.plain()["explanations"][0]
    assert told["values"]["age"] == expected.values[0, 0]
    assert told["prediction"] == found.prediction.values[0]


@dataclass
class First:
    """Explains by the first column of what is ordinary."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        values = np.zeros((rows.height, rows.width))
        values[:, 0] = float(background["age"].mean())  # type: ignore[arg-type]
        return Explanation(tuple(rows.columns), values, np.zeros(rows.height), "first")


def test_rows_that_are_given_stand_in_for_the_packages_own(package: Path) -> None:
    usual = pl.DataFrame({"age": [1.0, 3.0], "plan": ["gold"] * 2, "since": [None] * 2, "member": [True] * 2})
    found = hl.explain(package, ROW, by=First(), background=usual, trust=TRUST)
    assert (found.background, found.explanation.values[0, 0]) == ("rows that were given", 2.0)


def test_the_weightiest_column_of_a_row_stands_first(package: Path) -> None:
    lines = hl.explain(package, [ROW, ROW], by="permutation_importance", trust=TRUST).frame()
    first = lines.filter(pl.col("row") == 0)
    assert first["moved"].abs().is_sorted(descending=True)
    assert first.height == 4
    assert dict(zip(first["column"], first["value"], strict=True))["plan"] is None


@pytest.mark.parametrize(
    ("by", "told"), [("standard", "'standard' does not explain"), ("nobody", "no evaluator named 'nobody'")]
)
def test_who_does_not_explain_is_refused(package: Path, by: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        hl.explain(package, ROW, by=by, trust=TRUST)


def test_no_rows_are_refused(package: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        hl.explain(package, table(4).drop("y").clear(), trust=TRUST)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code = main(["explain", *words, "--allow-pickle", "--by", "permutation_importance"])
    shown = capsys.readouterr()
    assert code == 0, shown.err
    return shown.out


def test_the_command_says_in_json_what_a_server_does(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = json.loads(told(capsys, str(package), json.dumps(ROW), "--json"))
    alone = hl.explain(package, ROW, by="permutation_importance", trust=TRUST)
    assert said == alone.plain()
    assert {*said} == {"model", "version", "method", "unit", "background", "explanations"}


def test_the_command_shows_the_first_rows_of_a_file(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(9).drop("y").write_csv(tmp_path / "rows.csv", separator=";")
    out = told(capsys, str(package), str(tmp_path / "rows.csv"), "--rows", "2", "--top", "1", "source.separator=;")
    assert [line.partition(":")[0] for line in out.splitlines() if line.startswith("row ")] == ["row 0", "row 1"]
    assert out.count("... and 3 columns more") == 2


def test_a_row_that_is_no_json_is_refused(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(package), "{age: 3}", "--allow-pickle"]) == 2
    assert "ROW is no JSON" in capsys.readouterr().err
