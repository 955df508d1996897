"""A study that begins with what an earlier sweep measured, and trials that are given up on parts of the rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.sweeps.ledger import Ledger
from hookline.workspace.catalog.sql.engine import WAIT_SECONDS
from hookline.workspace.workspace import open_workspace
from hookline_optuna.storage import catalog_storage

QUIET = ("hydra.launcher.n_jobs=1", "packager=[]", "monitor=[]", "evaluator=[standard]")
SEARCH = ("-m", "hydra/sweeper=optuna", *QUIET)
TREE = ("source=iris", "trainer=decision_tree")


def study_of(sweep: str) -> optuna.Study:
    storage = catalog_storage(open_workspace().catalog.database.url, WAIT_SECONDS)
    return optuna.load_study(study_name=sweep, storage=storage)


def last() -> str:
    return Ledger(open_workspace().catalog).sweep("last").id


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a sweep without optuna, and its id; some of its trials are outside of the space that is searched later."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(home))
        assert main(["-m", *QUIET, *TREE, "trainer.max_depth=1,2,9", "trainer.min_samples_leaf=1,20"]) == 0
        return home, last()


@pytest.fixture
def earlier(swept: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of that sweep, in whose home this is."""
    home, sweep = swept
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    return sweep


def test_trials_that_fit_are_the_first_of_the_study_with_what_they_were_worth(
    earlier: str, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = Ledger(open_workspace().catalog).jobs(earlier)
    space = ("trainer.max_depth=range(1,5)", "trainer.min_samples_leaf=1,20")
    warm = f"hydra.sweeper.warm_start={earlier[:15]}"
    assert main([*SEARCH, *TREE, *space, warm, "hydra.sweeper.n_trials=2", "hydra.sweeper.n_jobs=2"]) == 0
    told = capsys.readouterr().err
    assert f"warm start: 4 of 6 trials of sweep {earlier} are known already; 2 chose what is not searched here" in told
    assert "2 trials by tpe" in told
    study = study_of(last())
    assert len(study.trials) == 6
    assert [trial.user_attrs["warm"] for trial in study.trials[:4]] == [f"{earlier}:{trial}" for trial in (0, 1, 2, 3)]
    assert [trial.value for trial in study.trials[:4]] == [job.metrics["accuracy"][0] for job in jobs[:4]]
    assert [trial.params for trial in study.trials[:2]] == [
        {"trainer.max_depth": 1, "trainer.min_samples_leaf": 1},
        {"trainer.max_depth": 1, "trainer.min_samples_leaf": 20},
    ]
    assert study.direction.name == "MAXIMIZE"
    # It is gone on with under its own numbers.
    more = ("hydra.sweeper.study=last", "hydra.sweeper.n_trials=3")
    assert main(["-m", "hydra/sweeper=optuna", "hydra.launcher.n_jobs=1", *more]) == 0
    assert len(study_of(last()).trials) == 7


def test_what_would_be_measured_otherwise_is_left_out(earlier: str, capsys: pytest.CaptureFixture[str]) -> None:
    space = ("trainer.max_depth=range(1,5)", "trainer.min_samples_leaf=1,20", "seed=7")
    warm = (f"hydra.sweeper.warm_start={earlier}", "hydra.sweeper.n_trials=1")
    assert main([*SEARCH, *TREE, *space, *warm]) == 0
    told = capsys.readouterr().err
    assert "warm start: 0 of 6 trials" in told
    assert "would be measured otherwise now" in told
    assert len(study_of(last()).trials) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("hydra.sweeper.warm_start=nowhere",), "no sweep named 'nowhere'"),
        (("hydra.sweeper.warm_start=last", "hydra.sweeper.study=last"), "a study that is gone on with has its trials"),
        (("rungs=[0.1]",), "rungs: without a pruner no trial is given up by them"),
        (("rungs=[1.5]", "hydra.sweeper.pruner=median"), "rungs.0: "),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_trial(
    given: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SEARCH, *TREE, "trainer.max_depth=range(1,5)", *given]) == 2
    assert told in capsys.readouterr().err


def noisy(path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4))
    label = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
    pl.DataFrame(X, schema=["a", "b", "c", "d"]).with_columns(y=pl.Series(label)).write_csv(path)


def test_trials_without_steps_are_given_up_on_shares_of_the_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy(tmp_path / "rows.csv")
    halving = ("hydra.sweeper.pruner=successive_halving", "hydra.sweeper.pruner_options.min_resource=20")
    factor = "hydra.sweeper.pruner_options.reduction_factor=2"
    space = ("trainer=neighbors", "trainer.n_neighbors=1,3,60,70", "hydra.sweeper.sampler=grid")
    rows = ("source=file", f"source.path='{tmp_path / 'rows.csv'}'", "roles.target=y", "rungs=[0.2,0.5]")
    assert main([*SEARCH, *rows, *space, *halving, factor, "hydra.sweeper.n_jobs=4"]) == 0
    jobs = Ledger(open_workspace().catalog).jobs(last())
    ended = {job.config["trainer"]["n_neighbors"]: job for job in jobs}
    pruned = [job for job in jobs if job.status == "pruned"]
    assert pruned
    assert ended[60].status == ended[70].status == "pruned"
    assert all("accuracy_at_share" in job.error for job in pruned)
    done = next(job for job in jobs if job.status == "finished")
    learning = json.loads((Path(done.path) / "evidence.json").read_text("utf-8"))["learning"]
    assert [step for step, _ in learning["points"]] == [20, 50]
    # What is left of it is the model of all rows, as without shares.
    config: dict[str, Any] = {"packager": [], "monitor": [], "deployer": None, "evaluator": ["standard"]}
    trainer = {"component": "neighbors", "n_neighbors": done.config["trainer"]["n_neighbors"]}
    alone = hl.run(source=pl.read_csv(tmp_path / "rows.csv"), target="y", trainer=trainer, rungs=[0.2, 0.5], **config)
    assert alone.metrics["accuracy"] == done.metrics["accuracy"][0]
    # Nobody judges a single run, which is fitted to all rows at once.
    assert "learning" not in alone.evidence
