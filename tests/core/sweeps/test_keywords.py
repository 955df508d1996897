"""What Python callers say of a sweep by keyword means what they would have typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import UsageError
from hookline.registry.registry import Registry
from hookline.sweeps.hydra.nulls import without_choice_of_null
from hookline.sweeps.keywords import overrides_of


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"trainer": ["ridge", "random_forest"]}, ["trainer=ridge,random_forest"]),
        ({"seed": range(3)}, ["seed=0,1,2"]),
        ({"target": "a b"}, ["target='a b'"]),
        ({"target": "true"}, ["target='true'"]),
        ({"ignore": ["a", "b"]}, ["ignore=[a,b]"]),
        ({"transform": ["dedupe", "impute"]}, ["transform=[dedupe,impute]"]),
        ({"transform": [["dedupe"], ["dedupe", "impute"]]}, ["transform=[dedupe],[dedupe,impute]"]),
        ({"evaluator": "standard"}, ["evaluator=[standard]"]),
        (
            {"trainer": {"component": "decision_tree", "max_depth": [None, 3]}},
            ["trainer=decision_tree", "trainer.max_depth=null,3"],
        ),
        (
            {"transform": [{"component": "impute", "columns": [["a", "b"]]}]},
            ["transform=[impute]", "transform.impute.columns=[a,b]"],
        ),
        ({"split": {"folds": 5}, "repeats": 2}, ["split.folds=5", "repeats=2"]),
        ({"roles": hl.Roles(target="y", ignore=("k",))}, ["roles.target=y", "roles.ignore=[k]"]),
        ({"gates": {"accuracy": [0.7, 0.8]}}, ["gates.accuracy=0.7,0.8"]),
        ({"source": "iris"}, ["source=iris"]),
        ({"source": ["iris", "wine"]}, ["source=iris,wine"]),
        ({"source": "it's (1).csv"}, ["source=file", 'source.path="it\'s (1).csv"']),
        ({"source": [Path("a.csv"), "b.csv"]}, ["source=file", "source.path='a.csv','b.csv'"]),
    ],
)
def test_keywords_mean_overrides(given: dict[str, Any], meant: list[str], registry: Registry) -> None:
    assert overrides_of(registry, given) == meant


def test_a_component_says_what_it_does_not_leave_at_its_default(registry: Registry) -> None:
    trainer = registry.build("trainer", "decision_tree", {"max_depth": 3}, "trainer")
    assert overrides_of(registry, {"trainer": trainer}) == ["trainer=decision_tree", "trainer.max_depth=3"]


def test_a_component_that_no_worker_could_build_is_refused(registry: Registry) -> None:
    class Mine(hl.Trainer):
        """One of this function's own."""

        name = "decision_tree"

        def fit(self, train: hl.Features, valid: hl.Features | None) -> Any: ...

    with pytest.raises(UsageError, match="no plugin's"):
        overrides_of(registry, {"trainer": Mine()})


@pytest.mark.parametrize("given", [{"seed": []}, {"seed": object()}])
def test_what_cannot_be_tried_is_refused(given: dict[str, Any], registry: Registry) -> None:
    with pytest.raises(UsageError):
        overrides_of(registry, given)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trainer.max_depth=choice(null,3,5)", "trainer.max_depth=null,3,5"),
        ("trainer.max_depth=choice( 3 , NULL )", "trainer.max_depth= 3 , NULL "),
        ("trainer.max_depth=choice(3,5)", "trainer.max_depth=choice(3,5)"),
        ("a='choice(null,3)'", "a='choice(null,3)'"),
        ("a=choice(nullable,3)", "a=choice(nullable,3)"),
    ],
)
def test_a_choice_of_null_is_typed_as_hydra_takes_it(typed: str, meant: str) -> None:
    assert without_choice_of_null(typed) == meant


@pytest.fixture
def frame() -> pl.DataFrame:
    rows = range(200)
    return pl.DataFrame(
        {
            "a": [i % 7 for i in rows],
            "b": [None if i % 9 == 0 else i * 37 % 11 for i in rows],
            "y": ["yes" if i % 7 > 3 else "no" for i in rows],
        }
    )


def test_a_sweep_over_a_frame_gives_a_leaderboard_the_best_run_and_failures(
    frame: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "elsewhere"
    depths: Sequence[str] = ("trainer.max_depth=choice(null,1)",)
    done = hl.sweep(*depths, source=frame, target="y", trainer="decision_tree", transform=["impute"], home=home)
    assert done.leaderboard["accuracy"].max() == 1.0
    assert done.leaderboard["trainer.max_depth"].sort().to_list() == [None, 1]
    assert done.failures.is_empty()
    assert done.path.is_relative_to(home)
    assert done.best.predict(frame.head(8)).values.tolist() == frame.head(8)["y"].to_list()
    assert done.verdict
    assert done.verdict in repr(done)
    assert "trainer.max_depth" in repr(done)
    assert "<table" in done._repr_html_()
    facts = done.plain()
    assert facts["best"] == done.best.id == facts["rows"][0]["run"]
    err = capsys.readouterr().err
    assert "2 jobs, each with source=file" in err
    listed = hl.runs(home=home)
    assert sorted(listed["id"]) == [f"{done.id}-{number}" for number in (0, 1)]
    assert listed["accuracy"].max() == 1.0
    assert hl.runs(home=home, status="failed").is_empty()
    assert hl.runs().is_empty()


def test_jobs_that_fail_are_told_and_the_best_of_none_is_an_error(frame: pl.DataFrame) -> None:
    done = hl.sweep(source=frame, target="y", trainer=["logistic_regression"], transform=[], progress=False)
    assert done.failures["status"].to_list() == ["failed"]
    assert "missing values" in done.failures["error"][0]
    with pytest.raises(UsageError, match="no job of sweep"):
        _ = done.best


def test_a_script_that_sweeps_at_its_top_sweeps_once(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = tmp_path / "script.py"
    script.write_text(
        'import hookline as hl\nprint(len(hl.sweep(source="iris", trainer="decision_tree", seed=[0, 1]).jobs))\n'
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
    assert done.stderr.count(": 2 jobs") == 1


def test_runs_is_a_function_and_a_folder_of_modules_whichever_is_asked_for_first(tmp_path: Path) -> None:
    import subprocess
    import sys

    ways = (
        "import hookline as hl; hl.runs(); import hookline.runs.result as r; print(hl.runs().height, r.Run is hl.Run)",
        "import hookline.runs.result as r; import hookline as hl; print(hl.runs().height, r.Run is hl.Run)",
        "from hookline import runs; print(runs().height, True)",
    )
    for way in ways:
        done = subprocess.run([sys.executable, "-c", way], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.stdout == "0 True\n", done.stderr
