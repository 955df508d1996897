"""A sweep cannot be lost: killed at any moment, resumed by any number of processes, refused where it has changed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hookline.cli import main
from hookline.sweeps.ledger import Ledger
from hookline.workspace.processes.owners import Owner
from hookline.workspace.workspace import open_workspace
from kit.places import at
from kit.processes import HOOKLINE, heard, run_hookline, run_together, started
from kit.workers import DYING

COST = ("seconds", "peak_memory_mib", "path")


def board(home: Path) -> pl.DataFrame:
    """Return the leaderboard of a home's only sweep, without what differs from one machine to the next."""
    (path,) = (home / "sweeps").glob("*/leaderboard.parquet")
    return pl.read_parquet(path).drop(COST)


@pytest.fixture
def dying(project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project with a trainer that ends as it is told to, where workers find it too."""
    project_module("dying", DYING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "project"))


@pytest.mark.parametrize(
    ("trials", "folds", "longest"),
    [(4, 2, 0.4), pytest.param(40, 5, 2.5, marks=pytest.mark.long)],
    ids=["8 jobs", "200 jobs"],
)
def test_a_sweep_killed_three_times_ends_as_if_nothing_had_been(
    tmp_path: Path, trials: int, folds: int, longest: float
) -> None:
    kills = 3
    varied = f"trainer.min_samples_leaf={','.join(map(str, range(1, trials + 1)))}"
    sweep = ("-m", "source=wine", "trainer=decision_tree", varied, f"split.folds={folds}", "packager=[]", "monitor=[]")
    sweep = (*sweep, "evaluator=[standard]")
    whole = run_hookline(*sweep, env=at(tmp_path / "whole"), check=True)
    assert len(whole.stdout.splitlines()) == trials + 1
    home, delays = tmp_path / "killed", random.Random(7)
    command: tuple[str, ...] = sweep
    for _ in range(kills):
        with started([HOOKLINE, *command], env=at(home)) as running:
            heard(running, "#")
            time.sleep(delays.uniform(0.05, longest))
            running.kill()
        command = ("resume", "last")
    done = run_hookline("resume", "last", env=at(home))
    assert done.returncode == 0, done.stderr
    assert board(home).equals(board(tmp_path / "whole"))
    assert set(board(home)["status"]) == {"finished"}
    assert not list((home / "store" / "tmp").glob("*[!k]"))


def test_two_resumers_run_no_job_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    sweep = ("-m", "source=wine", "trainer=random_forest", "trainer.n_estimators=20,21,22,23", "seed=0,1")
    with started([HOOKLINE, *sweep], env=at(home)) as first:
        heard(first, "#")
        first.kill()
    run_together([[HOOKLINE, "resume", "last", "--n-jobs", "1"]] * 2, env=at(home))
    finished = run_hookline("resume", "last", env=at(home))
    assert finished.returncode == 0
    listed = run_hookline("runs", "list", "--limit", "100", "--json", env=at(home), check=True)
    jobs = [run["id"].split("-")[3] for run in json.loads(listed.stdout) if run["status"] == "finished"]
    assert sorted(set(jobs), key=int) == [str(number) for number in range(8)]
    assert len(jobs) == len(set(jobs))


@pytest.mark.usefixtures("dying")
def test_a_job_that_dies_is_named_and_the_others_finish(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["-m", "source=iris", "trainer=dying", "trainer.how=well,exit,segfault,raise"])
    out, err = capsys.readouterr()
    assert code == 1
    assert "sys.exit(5)" in out
    assert "SIGSEGV" in out
    assert "ValueError: on purpose" in out
    assert "3 of 4 jobs did not finish" in err
    assert " --failed` runs them again" in err
    assert [row["status"] for row in rows()] == ["finished", "failed", "crashed", "failed"]


@pytest.mark.usefixtures("dying")
def test_on_error_stop_leaves_the_others_for_later(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["-m", "source=iris", "trainer=dying", "trainer.how=raise,well", "seed=0,1,2,3", "on_error=stop"]
    assert main([*sweep, "hydra.launcher.n_jobs=1"]) == 1
    assert "hookline resume" in capsys.readouterr().err
    statuses = [row["status"] for row in rows()]
    assert statuses.count("failed") == 1
    assert statuses.count("pending") >= 5


def test_a_job_that_ended_as_its_sweep_was_killed_is_not_run_again() -> None:
    assert main(["-m", "source=iris", "trainer=decision_tree", "seed=0,1", "hydra.launcher.n_jobs=1"]) == 0
    catalog = open_workspace().catalog
    ledger = Ledger(catalog)
    (before,) = [job for job in ledger.jobs(ledger.sweep("last").id) if job.number == 1]
    with (
        catalog.database.writing() as connection
    ):  # As a sweep leaves it that is killed between a job's end and its own note of it.
        jobs = catalog.database.tables["jobs"]
        gone = str(replace(Owner.here(), pid=2**22 + 1))
        lost = {"status": "running", "owner": gone, "metrics": "{}", "path": "", "run_id": ""}
        connection.execute(jobs.update().where(jobs.c.number == 1).values(**lost))
    assert main(["resume", "last"]) == 0
    (after,) = [job for job in ledger.jobs(ledger.sweep("last").id) if job.number == 1]
    assert len(catalog.runs.newest()) == 2
    assert (after.status, after.run_id, after.metrics) == ("finished", before.run_id, before.metrics)
    assert after.seconds > 0


@pytest.mark.usefixtures("dying")
def test_a_resumed_sweep_keeps_its_limits() -> None:
    sweep = ["-m", "source=iris", "trainer=dying", "trainer.how=raise,hang", "on_error=stop"]
    assert main([*sweep, "hydra.launcher.n_jobs=1", "hydra.launcher.timeout=15"]) == 1
    assert [row["status"] for row in rows()] == ["failed", "pending"]
    assert main(["resume", "last"]) == 1
    assert [row["status"] for row in rows()] == ["failed", "timed out"]


def test_nothing_runs_if_one_job_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", "source=iris", "trainer=decision_tree", "trainer.max_depth=1,0,2,-3"]) == 2
    err = capsys.readouterr().err
    assert "job 1 (source=iris trainer=decision_tree trainer.max_depth=0)" in err
    assert "job 3" in err
    assert "trainer.max_depth: must be greater than 0" in err
    assert open_workspace().catalog.runs.newest() == []


@pytest.mark.usefixtures("dying")
def test_a_changed_sweep_is_refused_with_the_difference(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(60)))
    sweep = ["-m", "source=file", f"source.path={table}", "roles.target=y", "trainer=dying", "trainer.how=raise,well"]
    assert main(sweep) == 1
    table.write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(61)))
    capsys.readouterr()
    assert main(["resume", "last", "--failed"]) == 2
    assert "its data changed" in capsys.readouterr().err


def test_repeats_and_folds_lie_outside_of_what_is_searched(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["-m", "source=iris", "trainer=decision_tree", "trainer.max_depth=1,3", "split.folds=3", "repeats=2"]
    assert main(sweep) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 3
    sweeps = open_workspace()
    record = Ledger(sweeps.catalog).sweep("last")
    jobs = Ledger(sweeps.catalog).jobs(record.id)
    assert [job.trial for job in jobs] == [0] * 6 + [1] * 6
    assert {(job.config["seed"], job.config["split"]["fold"]) for job in jobs[:6]} == {
        (seed, fold) for seed in (0, 1) for fold in (0, 1, 2)
    }


@pytest.mark.parametrize(
    "launcher", ["joblib", *(pytest.param(name, marks=pytest.mark.long) for name in ("basic", "submitit_local"))]
)
def test_launchers_of_others_keep_working(launcher: str, tmp_path: Path) -> None:
    sweep = ("-m", f"hydra/launcher={launcher}", "source=iris", "trainer=decision_tree", "seed=1,2", "deployer=null")
    done = run_hookline(*sweep, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folders = [Path(run.path) for run in open_workspace().catalog.runs.newest()]
    assert sorted(json.loads((folder / "config.json").read_text())["seed"] for folder in folders) == [1, 2]


def test_jobs_of_a_sweep_move_no_champion() -> None:
    assert main(["-m", "source=iris", "trainer=decision_tree", "seed=0,1"]) == 0
    assert open_workspace().catalog.models.every_version() == []


def test_two_hundred_jobs_are_composed_and_checked_in_seconds() -> None:
    from hookline.plans.hydra.app import run_app
    from hookline.registry.registry import load_registry
    from hookline.sweeps.progress import Silent
    from hookline.sweeps.sweep import Sweep

    class Composed(Exception):
        """Enough has been seen."""

    class Stop(Sweep):
        def run(self, *_: object, **__: object) -> None:
            raise Composed(str(len(self.jobs)))

    registry = load_registry()
    sweep = Stop(registry, [], Silent())
    depths = ",".join(map(str, range(1, 101)))
    started = time.perf_counter()
    with pytest.raises(Composed, match="200"):
        run_app(
            registry, ["-m", f"trainer.max_depth={depths}", "trainer=decision_tree", "seed=0,1"], lambda *_: None, sweep
        )
    assert time.perf_counter() - started < 60


def rows() -> list[dict[str, object]]:
    ledger = Ledger(open_workspace().catalog)
    return [{"status": job.status, "error": job.error} for job in ledger.jobs(ledger.sweep("last").id)]
