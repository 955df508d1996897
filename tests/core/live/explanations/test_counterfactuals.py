"""What would have to be otherwise in a row: few columns, by little, within the contract, or nothing that was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import UsageError

ROW: dict[str, Any] = {"class": 3, "sex": "male", "age": None, "fare": 8.0, "port": "S"}


def passengers(n: int) -> pl.DataFrame:
    """Women, and children of good classes, are saved; ages are often missing, ports never matter."""
    rng = np.random.default_rng(0)
    sex, place = rng.choice(["male", "female"], n), rng.integers(1, 4, n)
    age: Any = [None if rng.random() < 0.2 else float(rng.integers(1, 75)) for _ in range(n)]
    young = np.array([one is not None and one < 14 for one in age])
    saved = (sex == "female") | (young & (place < 3))
    return pl.DataFrame(
        {
            "class": place,
            "sex": sex,
            "age": pl.Series(age, dtype=pl.Float64),
            "fare": np.round(rng.lognormal(3, 0.5, n), 2),
            "port": rng.choice(np.array(["S", "C", None], dtype=object), n).tolist(),
            "survived": np.where(saved, "yes", "no"),
        }
    )


def packaged(home: Path, target: str, **config: Any) -> Path:
    without: dict[str, Any] = {kind: [] for kind in ("evaluator", "monitor")}
    run = hl.run(
        *("trainer=random_forest", "trainer.n_estimators=20", "packager=[skops]", "deployer=null"),
        source=passengers(500),
        target=target,
        home=home,
        **without,
        **config,
    )
    return run.package("skops")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaged(tmp_path_factory.mktemp("home"), "survived")


def test_one_change_that_does_it_comes_first(package: Path) -> None:
    found = hl.counterfactual(package, ROW)
    assert (found.answer, found.want) == ("no", "yes")
    first = found.found[0]
    assert first.changes == {"sex": ("male", "female")}
    assert first.answer == "yes"
    assert first.probability is not None
    assert first.probability > 0.5
    again = hl.load(package)
    assert again.predict(pl.DataFrame([first.row])).values[0] == "yes"  # type: ignore[union-attr]


def test_columns_that_are_kept_stay_and_a_number_moves_no_further_than_it_must(package: Path) -> None:
    found = hl.counterfactual(package, ROW | {"age": 40.0, "class": 2}, keep=["sex", "port", "fare"])
    (first, *_) = found.found
    assert [*first.changes] == ["age"]
    before, after = first.changes["age"]
    assert before == 40.0
    assert 9 <= after < 14.5
    for one in found.found:
        assert {"sex", "port", "fare"}.isdisjoint(one.changes)


def test_each_way_changes_other_columns_and_none_more_than_it_needs(package: Path) -> None:
    found = hl.counterfactual(package, ROW, n=5)
    sets = [frozenset(one.changes) for one in found.found]
    assert len(set(sets)) == len(sets)
    assert not any(one < other for one in sets for other in sets)
    assert [len(one) for one in sets] == sorted(map(len, sets))


def test_values_are_of_their_type_and_never_taken_away(package: Path) -> None:
    found = hl.counterfactual(package, ROW | {"class": 3}, keep=["sex"], n=5)
    for one in found.found:
        for name, (_, after) in one.changes.items():
            assert after is not None
            assert isinstance(after, int) or name != "class"


def test_nothing_found_is_said_with_what_came_closest(package: Path) -> None:
    found = hl.counterfactual(package, ROW, keep=["sex", "age", "class"])
    assert found.found == ()
    assert found.told.startswith("none found")
    assert found.closest is not None
    assert {*found.closest.changes} <= {"fare", "port"}
    assert found.frame().height == 0


def test_a_spent_budget_is_said(package: Path) -> None:
    found = hl.counterfactual(package, ROW, keep=["sex"], most_asked=10)
    assert "the budget ended it (10 rows, 10 s)" in found.told


def test_what_a_contract_refuses_is_not_proposed(package: Path, tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text("columns:\n  sex: {categories: [male], on_violation: reject}\n")
    found = hl.counterfactual(package, ROW, contract=contract)
    assert all("sex" not in one.changes for one in found.found)


def test_the_same_is_found_twice(package: Path) -> None:
    assert hl.counterfactual(package, ROW).plain() == hl.counterfactual(package, ROW).plain()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"want": "maybe"}, "no class 'maybe'"),
        ({"want": "no"}, "answered as wanted already"),
        ({"keep": ["sexx"]}, "no column 'sexx'"),
        ({"n": 0}, "greater than 0"),
    ],
    ids=["no such class", "wanted already", "no such column", "no ways"],
)
def test_what_cannot_be_asked_is_refused(package: Path, given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        hl.counterfactual(package, ROW, **given)


def test_one_row_is_changed_at_a_time(package: Path) -> None:
    with pytest.raises(UsageError, match="2 are given"):
        hl.counterfactual(package, [ROW, ROW])


def test_a_number_is_wanted_within_bounds(tmp_path: Path) -> None:
    fares = packaged(tmp_path, "fare")
    row = {name: value for name, value in ROW.items() if name != "fare"} | {"survived": "no"}
    with pytest.raises(UsageError, match="not said which is wanted"):
        hl.counterfactual(fares, row)
    answer = hl.load(fares).predict([row]).values[0]  # type: ignore[union-attr]
    found = hl.counterfactual(fares, row, want=(answer + 1, None))
    assert found.want.startswith(">= ")
    assert all(one.answer >= answer + 1 and one.probability is None for one in found.found)


def test_the_command_says_ways_and_what_it_asked(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["explain", str(package), json.dumps(ROW), "--counterfactual"]
    assert main(asked) == 0
    shown = capsys.readouterr()
    assert "answered no; wanted yes" in shown.out
    assert "way 1: yes" in shown.out
    assert "rows asked" in shown.err
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == hl.counterfactual(package, ROW).plain()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--keep", "sex"], "--keep is for --counterfactual"),
        (["--counterfactual", "--by", "shap"], "leave --by out"),
        (["--counterfactual", "--keep", "clas"], "did you mean 'class'?"),
    ],
    ids=["keep alone", "by whom", "a slip"],
)
def test_a_slip_is_one_clear_error(
    package: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["explain", str(package), json.dumps(ROW), *words]) == 2
    assert told in capsys.readouterr().err
