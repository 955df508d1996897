"""`hydra/sweeper=optuna` from the command line: real sweeps of small models, in Hydra and in its own suite."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import polars as pl
import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite

from hookline.cli import main
from hookline.sweeps.leaderboard import headline_metric
from hookline.sweeps.ledger import Ledger
from hookline.sweeps.workers.pool import Pool
from hookline.version import install_line
from hookline.workspace.catalog.sql.engine import WAIT_SECONDS
from hookline.workspace.workspace import open_workspace
from hookline_optuna.storage import catalog_storage
from kit.processes import HOOKLINE, heard, run_python, started

SEARCH = ("-m", "hydra/sweeper=optuna", "hydra.launcher.n_jobs=1", "packager=[]", "monitor=[]")
IRIS = (*SEARCH, "source=iris")
BOTH = ("trainer=choice(decision_tree,logistic_regression)", "trainer.max_depth=range(1,4)")


def studies() -> list[optuna.Study]:
    """Return the studies of this home's catalog, the oldest first."""
    storage = catalog_storage(open_workspace().catalog.database.url, WAIT_SECONDS)
    return [optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)]


def headline() -> str:
    """Return the metric that heads the reports of the last sweep."""
    ledger = Ledger(open_workspace().catalog)
    found = headline_metric(ledger.jobs(ledger.sweep("last").id))
    assert found is not None
    return found


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the leaderboard of the last sweep."""
    capsys.readouterr()
    assert main(["sweeps", "show", "last", "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_a_search_leaves_out_what_the_chosen_component_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    space = (*BOTH, "trainer.C=tag(log,interval(0.001,10))")
    assert main([*IRIS, "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=3", *space]) == 0
    board = rows(capsys)
    assert {row["trainer"] for row in board} == {"decision_tree", "logistic_regression"}
    for row in board:
        tree = row["trainer"] == "decision_tree"
        assert (row["trainer.C"] is None) == tree
        assert (row["trainer.max_depth"] is None) != tree
    (study,) = studies()
    assert study.study_name == Ledger(open_workspace().catalog).sweep("last").id
    assert study.direction.name == "MAXIMIZE"
    assert study.best_value == max(row[headline()] for row in board)
    assert [trial.user_attrs["sweep_trial"] for trial in study.trials] == list(range(6))


def test_a_loss_is_minimized_and_the_leaderboard_ranks_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    grid = ("hydra.sweeper.sampler=grid", "hydra.sweeper.n_jobs=5", "hydra.sweeper.metric=log_loss")
    assert main([*IRIS, *grid, "trainer=logistic_regression", "trainer.C=0.01,1,100"]) == 0
    (study,) = studies()
    assert study.direction.name == "MINIMIZE"
    board = rows(capsys)
    assert [row["log_loss"] for row in board] == sorted(row["log_loss"] for row in board)
    assert study.best_value == board[0]["log_loss"]
    assert study.best_params == {"trainer.C": board[0]["trainer.C"]}


def test_several_metrics_have_a_front_that_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    several = ("hydra.sweeper.metric=[accuracy,log_loss]", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=6")
    assert main([*IRIS, *several, *BOTH, "trainer.C=tag(log,interval(0.001,10))"]) == 0
    assert "front" in capsys.readouterr().out.splitlines()[0].split()
    (study,) = studies()
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    front = {trial.user_attrs["sweep_trial"] for trial in study.best_trials}
    assert {row["trial"] for row in rows(capsys) if row["front"]} == front


def test_what_a_trial_costs_may_be_sought_beside_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    several = ("hydra.sweeper.metric=[accuracy,seconds]", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2")
    assert main([*IRIS, *several, "trainer=decision_tree", "trainer.max_depth=range(1,5)"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split().count("seconds") == 1
    (study,) = studies()
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    cost = {row["trial"]: row["seconds"] for row in rows(capsys)}
    assert {trial.user_attrs["sweep_trial"]: trial.values[1] for trial in study.trials} == cost


def test_repeats_are_means_of_one_trial(capsys: pytest.CaptureFixture[str]) -> None:
    grid = ("hydra.sweeper.sampler=grid", "repeats=2", "trainer=decision_tree", "trainer.max_depth=1,2")
    assert main([*IRIS, *grid, "hydra.sweeper.n_jobs=2"]) == 0
    jobs = Ledger(open_workspace().catalog).jobs(studies()[0].study_name)
    assert len(jobs) == 4
    for trial in studies()[0].trials:
        values = [job.metrics[headline()][0] for job in jobs if job.trial == trial.number]
        assert trial.value == pytest.approx(sum(values) / 2)


def test_a_trial_that_fails_is_told_and_the_study_goes_on(
    project_module: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    project_module(
        "moody",
        """
        from hookline import Features, Model, Trainer, hookimpl

        class MoodyTrainer(Trainer):
            '''Refuses the second mood.'''

            name = "moody"
            mood: int = 0

            def fit(self, train: Features, valid: Features | None) -> Model:
                if self.mood == 2:
                    raise RuntimeError("not in this mood")
                from sklearn.linear_model import LogisticRegression
                from hookline import SklearnModel
                return SklearnModel.of(LogisticRegression().fit(train.X, train.y), train)

        @hookimpl
        def register_trainers():
            return [MoodyTrainer]
        """,
    )
    grid = ("hydra.sweeper.sampler=grid", "hydra.sweeper.n_jobs=1", "trainer=moody", "trainer.mood=range(1,4)")
    assert main([*IRIS, *grid]) == 1
    (study,) = studies()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert "not in this mood" in study.trials[1].user_attrs["error"]
    assert "3 trials by grid, of which 1 failed" in capsys.readouterr().err


def test_a_space_beyond_a_component_s_bounds_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*IRIS, *BOTH[:1], "trainer.max_depth=range(0,4)"]) == 2
    told = capsys.readouterr().err
    assert "nothing was run" in told
    assert "trainer.max_depth: must be greater than 0, got 0" in told
    assert Ledger(open_workspace().catalog).sweeps() == []


def test_an_unknown_metric_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                *IRIS,
                "hydra.sweeper.metric=acuracy",
                "hydra.sweeper.n_trials=1",
                "trainer=logistic_regression",
                "trainer.C=1,2",
            ]
        )
        == 2
    )
    assert "did you mean 'accuracy'" in capsys.readouterr().err


def test_bounds_of_components_are_searched_by_their_kind() -> None:
    trainer = ("trainer=logistic_regression", "trainer.max_iter=20")
    assert main([*IRIS, *trainer, "hydra.sweeper.spaces=[trainer]", "hydra.sweeper.n_trials=1"]) == 0
    (study,) = studies()
    assert set(study.trials[0].params) == {"trainer.l1_ratio", "trainer.class_weight"}
    assert all(0 <= trial.params["trainer.l1_ratio"] <= 1 for trial in study.trials)


def test_a_study_goes_on_under_its_own_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    space = ("trainer=logistic_regression", "trainer.C=tag(log,interval(0.001,10))")
    assert main([*IRIS, *space, "hydra.sweeper.n_trials=2"]) == 0
    name = studies()[0].study_name
    again = ("-m", "hydra/sweeper=optuna", "hydra.launcher.n_jobs=1", f"hydra.sweeper.study={name[:18]}")
    assert main([*again, "hydra.sweeper.n_trials=4"]) == 0
    (study,) = studies()
    jobs = Ledger(open_workspace().catalog).jobs(name)
    assert [trial.number for trial in study.trials] == [job.number for job in jobs] == [0, 1, 2, 3]
    assert [job.trial for job in jobs] == [0, 1, 2, 3]
    assert len(list((open_workspace().home / "sweeps").iterdir())) == 1
    capsys.readouterr()
    assert (
        main([*IRIS, f"hydra.sweeper.study={name}", "trainer=logistic_regression", "trainer.C=interval(0.001,10)"]) == 2
    )
    assert "trainer.C: was 0.001..10.0 (log), now 0.001..10.0" in capsys.readouterr().err


def test_a_search_that_was_killed_goes_on_and_ends_with_all_its_trials() -> None:
    space = (
        "trainer=logistic_regression",
        "trainer.C=tag(log,interval(0.001,10))",
        "hydra.sweeper.n_trials=4",
        "hydra.sweeper.n_jobs=3",
    )
    with started([HOOKLINE, *IRIS, *space]) as sweep:
        heard(sweep, "#1")
        sweep.kill()
    assert [trial.state.name for trial in studies()[0].trials] == ["RUNNING"] * 3
    assert main([*IRIS, *space, "hydra.sweeper.study=last"]) == 0
    (study,) = studies()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
    jobs = Ledger(open_workspace().catalog).jobs(study.study_name)
    assert [job.status for job in jobs] == ["finished"] * 4
    assert pl.read_parquet(Path(jobs[0].path).parent / "leaderboard.parquet").height == 4


def test_another_launcher_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                "-m",
                "hydra/sweeper=optuna",
                "hydra/launcher=basic",
                "source=iris",
                "trainer=logistic_regression",
                "trainer.C=1,2",
            ]
        )
        == 2
    )
    assert "hydra/sweeper=optuna needs hydra/launcher=hookline or ray" in capsys.readouterr().err


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main([*IRIS, "trainer=logistic_regression", "trainer.C=1,2"]) == 2
    assert install_line([("hookline", "optuna", "optuna")]) in capsys.readouterr().err


def test_workers_are_kept_between_batches_and_a_dead_one_is_replaced() -> None:
    pool = Pool("operator:add", 1, 1, keep=True)
    pids = []
    try:
        for _ in range(3):
            assert [outcome.value for outcome in pool.run([(0, 1), (1, 2)])] == [2, 3]
            (worker,) = pool._held
            pids.append(worker.process.pid)
            if len(pids) == 2:
                worker.process.kill()
                worker.process.join()
    finally:
        pool.close()
    assert pids[0] == pids[1] != pids[2]


def test_nothing_to_search_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*IRIS, "trainer=logistic_regression", "trainer.C=3"]) == 2
    assert "nothing to search" in capsys.readouterr().err


def test_hydra_finds_the_sweeper_and_nobody_imports_optuna_for_it() -> None:
    code = (
        "import sys, hookline_optuna; from hookline.cli import main; from hydra.core.plugins import Plugins\n"
        "from hydra.plugins.sweeper import Sweeper\n"
        "print(*[c.__module__ for c in Plugins.instance().discover(Sweeper)])\n"
        "main(['-m', 'source=iris', 'seed=1', 'hydra.launcher.n_jobs=1', 'packager=[]', 'monitor=[]'])\n"
        "print('optuna' in sys.modules)"
    )
    done = run_python(code)
    lines = done.stdout.splitlines()
    assert "hydra_plugins.hookline_optuna_sweep" in lines[0].split()
    assert lines[-1] == "False"


@pytest.mark.usefixtures("fresh_hydra")
@pytest.mark.filterwarnings("ignore:Future Hydra versions:UserWarning")
@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        (name, ["hydra/sweeper=optuna", "hydra.sweeper.sampler=grid", "hydra.sweeper.n_jobs=2"])
        for name in ("basic", "hookline")
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    """Hydra's own tests of sweepers in batches."""


def test_the_sweeper_is_a_class_of_hydra() -> None:
    names = {cls.__name__ for cls in Plugins.instance().discover(Sweeper)}
    assert "OptunaSweeper" in names
