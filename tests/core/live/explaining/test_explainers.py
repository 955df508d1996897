"""Who explains: whom a model's run named, else a stated order; and the same numbers whoever is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import UsageError
from hookline.live.batch import predicting
from hookline.live.explaining import moving
from hookline.live.explaining.explainers import explainer_of
from hookline.live.fleet import SinglePackage
from hookline.packages.loading import load_package
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import Registry, load_registry

pytest.importorskip("shap")

ROW = {"class": "third", "sex": "male", "age": None, "fare": 8.05}


def passengers(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    sex, place = rng.choice(["male", "female"], n), rng.choice(["first", "second", "third"], n)
    age: Any = [None if rng.random() < 0.2 else float(rng.integers(1, 75)) for _ in range(n)]
    sure = 0.15 + 0.6 * (sex == "female") + 0.2 * (place == "first")
    return pl.DataFrame(
        {
            "class": place,
            "sex": sex,
            "age": pl.Series(age, dtype=pl.Float64),
            "fare": np.round(rng.lognormal(3, 0.5, n), 2),
            "survived": np.where(rng.random(n) < sure, "yes", "no"),
        }
    )


TABLE = passengers(300)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def package(home: Path) -> Path:
    """A package whose run was told to explain by shap first, and to let rows travel."""
    run = hl.run(
        *("trainer=hist_gradient_boosting", "trainer.max_iter=15", "packager=[skops]", "deployer=null", "monitor=[]"),
        *("evaluator=[standard,shap,permutation_importance]", "evaluator.standard.n_bootstrap=20"),
        *("evaluator.shap.keep_rows=40", "evaluator.shap.n_background=25", "evaluator.shap.max_rows=20"),
        source=TABLE,
        target="survived",
        home=home,
    )
    return run.package("skops")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def configured(*names: str) -> Sequence[Mapping[str, Any]]:
    return [{"key": name, "component": name, "fields": {}} for name in names]


def test_the_first_that_the_run_named_explains(registry: Registry) -> None:
    assert type(explainer_of(registry, None, configured("shap", "permutation_importance"))).__name__ == "ShapEvaluator"
    named = explainer_of(registry, None, configured("permutation_importance", "shap"))
    assert type(named).__name__ == "PermutationImportanceEvaluator"


def test_where_none_is_named_who_needs_no_further_library_explains(registry: Registry) -> None:
    assert type(explainer_of(registry)).__name__ == "PermutationImportanceEvaluator"


def test_whom_the_run_named_and_nobody_has_here_is_passed_over(registry: Registry) -> None:
    found = explainer_of(registry, None, configured("acme.unknown", "shap"))
    assert type(found).__name__ == "ShapEvaluator"


def test_a_package_says_who_explains_it_with_what_fields(package: Path, registry: Registry) -> None:
    told = read_manifest(package)["explainers"]
    assert [(one["key"], one["component"]) for one in told] == [
        ("shap", "shap"),
        ("permutation_importance", "permutation_importance"),
    ]
    made: Any = SinglePackage(load_package(package, registry), 1).explainer(1)
    assert (type(made).__name__, made.n_background) == ("ShapEvaluator", 25)


def test_the_rows_that_a_package_keeps_are_what_a_server_holds_answers_against(
    package: Path, registry: Registry
) -> None:
    told, rows = SinglePackage(load_package(package, registry), 1).ordinary(1)
    assert (told, rows.height) == ("rows that travel with the package", 40)


def test_batch_and_one_row_say_the_same_numbers(package: Path) -> None:
    rows = TABLE.head(30).drop("survived")
    alone = hl.explain(package, rows)
    batch: Any = hl.predict(package, rows, explain=True)
    moved = batch.select(f"moved_{name}" for name in alone.explanation.columns).to_numpy()
    np.testing.assert_array_equal(moved, alone.explanation.values)
    np.testing.assert_array_equal(batch["base"].to_numpy(), alone.explanation.base)
    assert batch.columns[-1] == "warnings"
    one = hl.explain(package, rows[7:8])
    np.testing.assert_array_equal(one.explanation.values[0], moved[7])


def test_rows_are_explained_in_lots_which_say_the_same(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = TABLE.head(23).drop("survived")
    whole: Any = hl.predict(package, rows, explain=True)
    monkeypatch.setattr(moving, "LOT", 4)
    monkeypatch.setattr(predicting, "EXPLAINED_ROWS", 10)
    lots: Any = hl.predict(package, rows, explain=True)
    assert lots.equals(whole)


def test_the_command_writes_what_moved_each_answer(package: Path, tmp_path: Path) -> None:
    TABLE.head(12).drop("survived").write_csv(tmp_path / "rows.csv")
    asked = ["predict", str(package), str(tmp_path / "rows.csv"), "-o", str(tmp_path / "out.ndjson"), "--explain"]
    assert main([*asked, "--by", "permutation_importance"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    alone = hl.explain(package, TABLE.head(12).drop("survived"), by="permutation_importance")
    assert [line["moved_sex"] for line in lines] == pytest.approx(alone.explanation.values[:, 1])


def test_by_whom_without_explaining_is_refused(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("class\n")
    assert main(["predict", str(package), str(tmp_path / "rows.csv"), "--by", "shap"]) == 2
    assert "--explain is not there" in capsys.readouterr().err


def test_several_say_what_moved_a_row_and_how_far_they_agree(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(package), json.dumps(ROW), "--by", "shap,permutation_importance"]) == 0
    out = capsys.readouterr().out
    assert ", by shap" in out
    assert ", by permutation_importance" in out
    assert "row 0, shap and permutation_importance: rank correlation " in out


def test_who_does_not_explain_cannot_explain_a_table(package: Path) -> None:
    with pytest.raises(UsageError, match="'standard' does not explain"):
        hl.predict(package, TABLE.head(2), explain="standard")


def test_a_run_with_several_tells_how_far_they_agree(
    home: Path, package: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    evidence: Any = hl.load("last", home=home).evidence  # type: ignore[union-attr]
    (pair,) = evidence["concordance"]["pairs"]
    assert (pair["first"], pair["second"]) == ("shap", "permutation_importance")
    assert evidence["concordance"]["ranks"][0][0] == "sex"
    page = (hl.load("last", home=home).path / "report.html").read_text()  # type: ignore[union-attr]
    assert "Do the explanations agree?" in page
    assert main(["runs", "show", "last"]) == 0
    assert "explanations by shap and permutation_importance: rank correlation" in "".join(capsys.readouterr())
