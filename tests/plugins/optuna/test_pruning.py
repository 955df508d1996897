"""Pruning in real sweeps: a trial that goes badly ends early, and everybody is told."""

from __future__ import annotations

import contextlib
import io
import json
import textwrap
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest

import hookline as hl
from hookline.cli import main
from hookline.kinds.fitting import Step
from hookline.sweeps.ledger import Ledger
from hookline.workspace.catalog.sql.engine import WAIT_SECONDS
from hookline.workspace.workspace import open_workspace
from hookline_optuna.pruners import read_pruner
from hookline_optuna.space import Choices, Parameter, Space
from hookline_optuna.storage import catalog_storage
from hookline_optuna.study import Search
from kit.processes import HOOKLINE, heard, started

CURVY = """
    import os, time
    from hookline import Features, SklearnModel, Trainer, hookimpl, report_step

    class CurvyTrainer(Trainer):
        '''Learns as well as its field says, in 12 steps that it notes in a file.'''

        name = "curvy"
        level: float = 0.0
        pause: float = 0.0
        seed: int = 0

        def fit(self, train: Features, valid: Features | None) -> SklearnModel:
            from sklearn.linear_model import LogisticRegression

            for step in range(1, 13):
                with open(os.environ["STEPS_OF_A_TEST"], "a") as out:
                    out.write(f"{self.level:g}/{self.seed} {step}\\n")
                time.sleep(self.pause)
                report_step(step, self.level + 1 / step, name="valid_loss")
            return SklearnModel.of(LogisticRegression().fit(train.X, train.y), train)

    @hookimpl
    def register_trainers():
        return [CurvyTrainer]
"""
SEARCH = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.sampler=grid", "hydra.launcher.n_jobs=1", "source=iris")
LEAN = ("packager=[]", "monitor=[]")
MEDIAN = ("hydra.sweeper.pruner=median", "hydra.sweeper.pruner_options.n_startup_trials=1")


@dataclass(frozen=True)
class Swept:
    """A folder in which the trainer of this module is a plugin, and what was said in it."""

    folder: Path
    code: int = 0
    said: str = ""

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("HOOKLINE_HOME", str(self.folder / "home"))
        patch.setenv("HOOKLINE_PLUGINS", "curvy_of_a_test")
        patch.setenv("STEPS_OF_A_TEST", str(self.folder / "steps"))
        patch.setenv("PYTHONPATH", str(self.folder))
        patch.syspath_prepend(str(self.folder))

    def steps(self) -> Counter[str]:
        """Return how many steps each fit took, by `level/seed`."""
        return Counter(line.split()[0] for line in (self.folder / "steps").read_text().splitlines())

    def study(self) -> optuna.Study:
        storage = catalog_storage(open_workspace(self.folder / "home").catalog.database.url, WAIT_SECONDS)
        (name,) = optuna.get_all_study_names(storage)
        return optuna.load_study(study_name=name, storage=storage)

    def jobs(self) -> list[Any]:
        ledger = Ledger(open_workspace(self.folder / "home").catalog)
        return ledger.jobs(ledger.sweep("last").id)


def begun(folder: Path) -> Swept:
    (folder / "curvy_of_a_test.py").write_text(textwrap.dedent(CURVY))
    return Swept(folder)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """A sweep of good and bad trials, of which the bad ones should end at step 3."""
    made = begun(tmp_path_factory.mktemp("swept"))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as said:
        made.enter(patch)
        patch.delenv("CI", raising=False)
        space = ("trainer=curvy,logistic_regression", "trainer.level=0,5,6,-1")
        warm = "hydra.sweeper.pruner_options.n_warmup_steps=3"
        code = main([*SEARCH, *LEAN, *MEDIAN, warm, "hydra.sweeper.n_jobs=1", *space])
    return Swept(made.folder, code, said.getvalue())


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swept:
    made = begun(tmp_path)
    made.enter(monkeypatch)
    return made


def test_bad_trials_end_early_and_good_ones_finish(swept: Swept) -> None:
    assert swept.code == 0, swept.said
    assert swept.steps() == {"0/0": 12, "5/0": 3, "6/0": 3, "-1/0": 12}
    assert [job.status for job in swept.jobs()] == ["finished", "pruned", "pruned", "finished", "finished"]
    assert "pruned: step 3, valid_loss 5.333" in swept.said
    assert "5 trials by grid, of which 2 pruned" in swept.said


def test_the_study_knows_steps_the_way_its_own_metric_is_better(swept: Swept) -> None:
    study = swept.study()
    assert study.direction.name == "MAXIMIZE"
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "PRUNED", "COMPLETE", "COMPLETE"]
    assert study.trials[1].intermediate_values == pytest.approx({1: -6, 2: -5.5, 3: -5 - 1 / 3})
    assert study.trials[1].value == pytest.approx(-5 - 1 / 3)
    assert sorted(study.trials[3].intermediate_values) == list(range(1, 13))


def test_the_leaderboard_shows_where_a_trial_was_pruned(
    swept: Swept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    swept.enter(monkeypatch)
    assert main(["sweeps", "show", "last", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["status"] for row in rows] == ["finished"] * 3 + ["pruned"] * 2
    assert [row["pruned_at"] for row in rows[3:]] == ["step 3, valid_loss 5.333", "step 3, valid_loss 6.333"]
    assert not any(row["error"] for row in rows)
    page = next((swept.folder / "home" / "sweeps").glob("*/leaderboard.html")).read_text()
    assert "step 3, valid_loss 5.333" in page


def test_a_pruned_run_keeps_its_curve(swept: Swept) -> None:
    run = hl.load(swept.jobs()[1].path)
    assert isinstance(run, hl.Run)
    assert run.status == "pruned"
    assert [step for step, _ in run.evidence["learning"]["points"]] == [1, 2, 3]
    assert [point["level"] for point in run.evidence["verdict"]["points"] if "valid_loss" in point["text"]] == ["info"]
    (stage,) = [stage for stage in run.evidence["plan"] if stage["key"] == "trainer"]
    assert (stage["status"], stage["summary"]) == ("pruned", "step 3, valid_loss 5.333")
    assert 'data-chart="learning"' in run.report.read_text()
    assert open_workspace(swept.folder / "home").catalog.runs.get(run.id).status == "pruned"


def test_a_trainer_that_reports_nothing_is_named_once(swept: Swept) -> None:
    warning = "warning: trainer 'logistic_regression' reports no steps; nothing of it is pruned"
    assert swept.said.count(warning) == 1
    assert "trainer 'curvy' reports" not in swept.said


def test_resuming_runs_nothing_that_was_pruned(
    swept: Swept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    swept.enter(monkeypatch)
    before = swept.steps()
    assert main(["resume", "last", "--failed"]) == 0
    assert "5 of 5 jobs are done" in capsys.readouterr().err
    assert swept.steps() == before


def test_the_first_repeat_speaks_for_the_others(fresh: Swept) -> None:
    space = ("trainer=curvy", "trainer.level=0,5", "repeats=2", "hydra.sweeper.n_jobs=1")
    assert main([*SEARCH, *LEAN, *MEDIAN, *space]) == 0
    assert fresh.steps() == {"0/0": 12, "0/1": 12, "5/0": 1}
    assert [job.status for job in fresh.jobs()] == ["finished", "finished", "pruned", "pruned"]
    assert fresh.jobs()[3].error == "its trial was given up in job 2"
    assert [trial.state.name for trial in fresh.study().trials] == ["COMPLETE", "PRUNED"]


@pytest.mark.long
def test_a_killed_search_goes_on_pruning_as_it_began(fresh: Swept) -> None:
    space = ("trainer=curvy", "trainer.level=0,5,7", "trainer.pause=0.1", "hydra.sweeper.n_jobs=3")
    with started([HOOKLINE, *SEARCH, *LEAN, *MEDIAN, *space]) as sweep:
        heard(sweep, "#0")
        while fresh.steps()["5/0"] < 3:
            time.sleep(0.02)
        sweep.kill()
    done = fresh.steps()
    assert (done["0/0"], done["7/0"]) == (12, 0)
    going_on = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.sampler=grid", "hydra.launcher.n_jobs=1")
    # The pruner is the one that the study began with.
    assert main([*going_on, "hydra.sweeper.study=last"]) == 0
    assert [trial.state.name for trial in fresh.study().trials] == ["COMPLETE", "PRUNED", "PRUNED"]
    assert fresh.steps() == done | {"5/0": done["5/0"] + 1, "7/0": 1}


def test_a_network_reports_its_epochs_in_a_run() -> None:
    small = {"component": "mlp", "max_epochs": 3, "hidden": [16], "accelerator": "cpu"}
    run = hl.run(source="digits", trainer=small)
    learning = run.evidence["learning"]
    assert (learning["name"], learning["greater_is_better"]) == ("valid_loss", False)
    assert [step for step, _ in learning["points"]] == [1, 2, 3]
    assert learning["points"][0][1] > learning["points"][2][1] > 0
    again = hl.run(source="digits", trainer=small, name="again")
    assert {stage["key"]: stage["status"] for stage in again.evidence["plan"]}["trainer"] == "cached"
    assert again.evidence["learning"] == learning


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["pruner=medain"], "did you mean 'median'"),
        (["pruner=median", "pruner_options.patience=3"], "pruner_options.patience: unknown field"),
        (["pruner=median", "pruner_options.n_min_trials=0"], "pruner_options.n_min_trials: must be greater than 0"),
        (["pruner_options.patience=3"], "no pruner is chosen"),
        (["pruner=asha", "metric=[accuracy,log_loss]", "sampler=random"], "several metrics cannot be pruned"),
    ],
    ids=str,
)
def test_what_cannot_be_pruned_is_refused(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [*SEARCH, "trainer=logistic_regression", "trainer.C=1,2", *(f"hydra.sweeper.{option}" for option in given)]
        )
        == 2
    )
    assert told in capsys.readouterr().err
    assert Ledger(open_workspace().catalog).sweeps() == []


# Studies without any job.

LEVELS = Space((Parameter("level", "level", Choices((1, 2, 3, 4), ("1", "2", "3", "4"))),))


def search(pruner: str, **options: Any) -> Search:
    built = read_pruner(pruner, options)
    assert built is not None
    return Search(LEVELS, "grid", 0, None, pruner=built)


def loss(step: int, value: float) -> Step:
    return Step(step, value, "loss", greater_is_better=False)


def steps_taken(found: Search, number: int, level: float, steps: int = 9) -> int:
    """Report a loss that falls towards a level; returns at which step the trial was stopped, or 0."""
    return next((step for step in range(1, steps + 1) if found.judge(number, loss(step, level + 1 / step))), 0)


def test_halving_gives_up_in_a_first_batch_whose_direction_is_not_known() -> None:
    found = search("successive_halving", min_resource=2, reduction_factor=2)
    numbers = [trial.number for trial in found.ask(4)]
    stopped = [steps_taken(found, number, level) for number, level in zip(numbers, (1, 3, 2, 0), strict=True)]
    assert stopped == [0, 2, 2, 0]
    found.direct(["minimize"])
    given_up = found.study.trials[1]
    assert given_up.intermediate_values == pytest.approx({1: 4, 2: 3.5})
    assert given_up.system_attrs["completed_rung_0"] == pytest.approx(3.5)
    found.give_up(1)
    assert found.study.trials[1].value == pytest.approx(3.5)


def test_an_accuracy_in_a_study_that_minimizes_is_turned_round() -> None:
    found = search("median", n_startup_trials=1)
    first, second = (trial.number for trial in found.ask(2))
    found.direct(["minimize"])
    accuracy = [Step(1, value, "accuracy", greater_is_better=True) for value in (0.9, 0.5)]
    assert not found.judge(first, accuracy[0])
    found.tell(first, [0.1])
    assert found.judge(second, accuracy[1])
    assert found.study.trials[1].intermediate_values == {1: -0.5}


def test_a_trial_that_reports_another_metric_is_compared_with_none() -> None:
    found = search("median", n_startup_trials=1)
    first, second = (trial.number for trial in found.ask(2))
    steps_taken(found, first, 0)
    found.tell(first, [1.0])
    assert not found.judge(second, Step(1, 99.0, "another_loss", greater_is_better=False))
    assert found.study.trials[1].intermediate_values == {}


def test_what_an_earlier_try_had_reported_later_is_not_known_to_the_next() -> None:
    found = search("median", n_startup_trials=1)
    first, second = (trial.number for trial in found.ask(2))
    found.fill(first, [loss(1, 1.0), loss(2, 1.0)])
    found.tell(first, [1.0])
    assert not any(found.judge(second, loss(step, 0.5)) for step in (1, 2))
    assert found.judge(second, loss(1, 5.0))


def test_patience_needs_no_others() -> None:
    found = search("patient", patience=2)
    (trial,) = found.ask(1)
    assert [found.judge(trial.number, loss(step, float(step))) for step in (1, 2, 3, 4)] == [False] * 3 + [True]


def test_a_trial_from_the_store_is_compared_with() -> None:
    found = search("median", n_startup_trials=1)
    first, second = (trial.number for trial in found.ask(2))
    assert found.is_comparable("loss", greater_is_better=False)
    found.fill(first, [loss(1, 0.5), loss(2, 0.4)])
    found.tell(first, [1.0])
    assert found.judge(second, loss(1, 0.6))


@pytest.mark.parametrize("name", ["median", "percentile", "successive_halving", "hyperband"])
def test_each_pruner_stops_what_is_worse_than_the_others(name: str) -> None:
    options = {
        "median": {"n_startup_trials": 2},
        "percentile": {"n_startup_trials": 2},
        "successive_halving": {"min_resource": 2},
        # One bracket: which of several a trial is in goes by the study's name, which is drawn.
        "hyperband": {"min_resource": 4, "max_resource": 9},
    }
    found = search(name, **options[name])
    for trial in found.ask(3):
        steps_taken(found, trial.number, trial.number)
        found.tell(trial.number, [-float(trial.number)])
    (bad,) = found.ask(1)
    assert 0 < steps_taken(found, bad.number, 50) < 9
