"""A suite of data sets and pipelines: checked before the first run, kept, gone on with, ranked and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hookline as hl
from hookline.errors import ConfigError, StoreError, UnknownName
from hookline.registry.registry import load_registry
from hookline.sweeps.benching.bench import load_bench
from hookline.sweeps.benching.ranking import critical_difference, pareto, ranked, relative
from hookline.sweeps.benching.results import RESULTS, Result, keep, results_in
from hookline.sweeps.benching.suite import checked, read_suite, suites
from hookline.sweeps.benching.versus import compare_benches
from kit.command_line import Told

SMALL: dict[str, Any] = {
    "title": "Small",
    "common": ["monitor=[]", "packager=[]"],
    "metric": "accuracy",
    "data": {"iris": ["source=iris"], "wine": ["source=wine"]},
    "pipelines": {"stump": ["trainer=decision_tree", "trainer.max_depth=1"], "tree": ["trainer=decision_tree"]},
}


@pytest.fixture
def home_of_benches(tmp_path: Path) -> Path:
    return tmp_path / "home"


def written(folder: Path, suite: Any = SMALL) -> str:
    path = folder / "small.yaml"
    path.write_text(json.dumps(suite), "utf-8")
    return str(path)


@pytest.mark.parametrize(("pipelines", "sets", "q"), [(4, 14, 2.569), (5, 30, 2.728), (10, 20, 3.164)])
def test_the_critical_difference_is_that_of_the_table_of_demsar(pipelines: int, sets: int, q: float) -> None:
    wanted = q * (pipelines * (pipelines + 1) / (6 * sets)) ** 0.5
    assert critical_difference(pipelines, sets) == pytest.approx(wanted, abs=5e-3)


def test_ranks_are_means_over_data_sets_with_ties_halved_and_a_test_that_scipy_knows() -> None:
    values = {
        "a": {"x": 0.9, "y": 0.8, "z": 0.7},
        "b": {"x": 0.9, "y": 0.9, "z": 0.7},
        "c": {"x": 3.0, "y": 2.0, "z": 4.0},
    }
    found = ranked(values, greater={"a": True, "b": True, "c": False})
    assert found.ranks == pytest.approx({"x": (1 + 1.5 + 2) / 3, "y": (2 + 1.5 + 1) / 3, "z": 3.0})
    matrix = np.array([[1, 2, 3], [1.5, 1.5, 3], [2, 1, 3]])
    assert found.p == pytest.approx(stats.friedmanchisquare(*matrix.T).pvalue)
    assert found.alike == (("x", "y", "z"),)
    assert "no difference between the pipelines is shown" in found.verdict


def test_a_data_set_without_a_result_of_every_pipeline_takes_no_part() -> None:
    values = {"a": {"x": 0.9, "y": float("nan"), "z": 0.1}, "b": {"x": 0.9, "y": 0.8, "z": 0.1}}
    assert ranked(values, greater={"a": True, "b": True}).sets == ("b",)


def test_pipelines_apart_by_more_than_the_critical_difference_are_told_apart() -> None:
    values = {str(number): {"x": 0.9, "y": 0.8, "z": 0.1} for number in range(20)}
    found = ranked(values, greater=dict.fromkeys(values, True))
    assert found.alike == ()
    assert "it is told apart from all others" in found.verdict


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    assert pareto({"a": (1.0, 5.0), "b": (2.0, 1.0), "c": (2.0, 2.0), "d": (3.0, 3.0)}) == ("a", "b")
    assert relative({"one": {"x": 1.0, "y": 4.0}, "two": {"x": 9.0, "y": 1.0}}) == pytest.approx({"x": 3.0, "y": 2.0})


def test_a_suite_that_is_wrong_runs_nothing_and_tells_everything() -> None:
    wrong = {**SMALL, "data": {"iris": ["source=irs"], "wine": ["source=wine"]}}
    wrong["pipelines"] = {"stump": ["trainer=decision_tree", "trainer.max_dept=1"], "tree": ["trainer=decision_tree"]}
    with pytest.raises(ConfigError) as caught:
        hl.bench(wrong)
    assert "iris x tree: no source named 'irs'" in str(caught.value)
    assert "wine x stump: trainer.max_dept: unknown field; did you mean 'max_depth'?" in str(caught.value)
    assert hl.runs().is_empty()
    with pytest.raises(ConfigError, match=r"pipelins: unknown field; did you mean 'pipelines'"):
        hl.bench({"data": {"iris": ["source=iris"]}, "pipelins": {}})
    with pytest.raises(UnknownName, match="no suite named 'sklern'"):
        hl.bench("sklern")


def test_the_suite_that_comes_with_hookline_is_right() -> None:
    registry = load_registry()
    assert "sklearn" in suites(registry)
    assert len(checked(registry, read_suite(registry, "sklearn"))) == 4 * 4 * 3


def test_a_bench_that_was_stopped_goes_on_and_what_a_kill_cut_off_is_run_again() -> None:
    told: list[str] = []
    made = hl.bench(SMALL, tell=told.append)
    assert len(told) == 4
    lines = (made.path / RESULTS).read_text("utf-8").splitlines(keepends=True)
    (made.path / RESULTS).write_text("".join(lines[:2]) + lines[2][:40], "utf-8")
    assert load_bench().missing == 2
    again = hl.bench(SMALL, tell=told.append)
    assert again.id == made.id
    assert [line[:3] for line in told[4:]] == ["3/4", "4/4"]
    assert again.means == made.means
    assert all(result.seconds > 0 for result in again.results)  # What is cached has the time of its making.
    assert hl.bench(SMALL).id == made.id
    assert hl.bench(SMALL, again=True).id != made.id


def test_a_bench_is_run_listed_shown_and_compared_from_the_command_line(hookline: Told, tmp_path: Path) -> None:
    path = written(tmp_path)
    code, out, said = hookline("bench", "run", path)
    assert code == 0, said
    assert out.splitlines()[1].startswith("tree")
    assert "4/4 wine x tree #1: accuracy 0.9" in said
    assert "tree has the best mean rank, 1.00 over 2 data sets" in said
    shown = json.loads(hookline("bench", "show", "--json")[1])
    assert shown["ranking"]["ranks"] == {"tree": 1.0, "stump": 2.0}
    assert shown["rows"][0]["iris"] > 0.9
    page = (load_bench().path / "bench.html").read_text("utf-8")
    assert "Mean ranks, 1 the best" in page
    assert "small" in hookline("bench", "list")[1]
    assert hookline("bench", "show", "2020")[0] == 2
    assert hookline("bench", "run", path, "--again")[0] == 0
    first, second = sorted(one["bench"] for one in json.loads(hookline("bench", "list", "--json")[1])["benches"])
    found = compare_benches(first, second)
    assert [row["verdict"] for row in found.rows] == ["the same", "the same"]
    assert found.versions == ()
    assert hookline("bench", "compare", first, second)[0] == 0


def test_times_of_two_benches_are_held_where_both_have_one(home_of_benches: Path) -> None:
    for begun, slow, also in (("20200101-1", 100.0, True), ("20200101-2", 2.0, False)):
        folder = home_of_benches / "benches" / begun
        folder.mkdir(parents=True)
        facts = {"name": "small", "suite": {**SMALL, "repeats": 1}, "environment": {"packages": {}}}
        (folder / "suite.json").write_text(json.dumps(facts), "utf-8")
        for data, seconds in (("iris", 2.0 if also else 1.0), ("wine", slow)):
            status = "finished" if also or data == "iris" else "failed"
            metrics: Any = {"accuracy": (0.9, True)} if status == "finished" else {}
            keep(folder / RESULTS, Result(data, "tree", 0, "", status, metrics, seconds))
    found = compare_benches("20200101-1", "20200101-2", home=home_of_benches)
    assert [row["times"] for row in found.rows if row["pipeline"] == "tree"] == [pytest.approx(0.5)]


def test_times_are_told_over_the_data_sets_on_which_every_pipeline_finished(home_of_benches: Path) -> None:
    folder = home_of_benches / "benches" / "20200101-1"
    folder.mkdir(parents=True)
    facts = {"name": "small", "suite": {**SMALL, "repeats": 1}, "environment": {"packages": {}}}
    (folder / "suite.json").write_text(json.dumps(facts), "utf-8")
    for data, pipeline, seconds in (("iris", "tree", 10.0), ("iris", "stump", 1.0), ("wine", "tree", 10.0)):
        keep(folder / RESULTS, Result(data, pipeline, 0, "", "finished", {"accuracy": (0.9, True)}, seconds))
    keep(folder / RESULTS, Result("wine", "stump", 0, "", "failed", {}, 0.0, error="it broke"))
    found = load_bench("20200101-1", home=home_of_benches)
    assert {row["pipeline"]: row["times"] for row in found.rows()} == {
        "tree": pytest.approx(10.0),
        "stump": pytest.approx(1.0),
    }


@pytest.mark.parametrize(
    "facts",
    [[], 5, {"suite": [], "name": "s", "environment": {"packages": {}}}]
    + [{"suite": SMALL, "name": "s", "environment": one} for one in ({}, [], {"packages": [1]})]
    + [{"suite": {"data": 5}, "name": "s"}],
    ids=str,
)
def test_a_bench_whose_facts_are_damaged_is_told_with_its_file(home_of_benches: Path, facts: Any) -> None:
    folder = home_of_benches / "benches" / "20200101-1"
    folder.mkdir(parents=True)
    (folder / "suite.json").write_text(json.dumps(facts), "utf-8")
    with pytest.raises(StoreError, match=r"suite\.json is damaged: "):
        load_bench(home=home_of_benches)


@pytest.mark.parametrize("line", ["[]", "5", '{"data": []}', "null", "[" * 100_000, '{"data": "iris"'], ids=len)
def test_a_line_that_holds_no_result_is_passed_over(tmp_path: Path, line: str) -> None:
    kept = Result("iris", "tree", 0, "", "finished", {"accuracy": (0.9, True)}, 1.0)
    keep(tmp_path / RESULTS, kept)
    with (tmp_path / RESULTS).open("a") as file:
        file.write(line)
    assert results_in(tmp_path) == (kept,)


def test_a_cell_that_fails_is_told_and_its_data_set_left_out(hookline: Told, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("x,y\n" + "\n".join(f"{one},{one * 0.5}" for one in range(40)), "utf-8")
    suite = {**SMALL, "data": {"iris": ["source=iris"], "numbers": [f"{numbers}", "target=y"]}}
    suite["pipelines"] = {"tree": ["trainer=decision_tree"], "logistic": ["trainer=logistic_regression"]}
    code, _, said = hookline("bench", "run", written(tmp_path, suite))
    assert code == 1
    assert "failed: numbers x logistic #1: " in said
    assert load_bench().ranking.sets == ("iris",)
