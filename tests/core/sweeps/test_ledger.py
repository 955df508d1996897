"""What a ledger keeps of sweeps and jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import hookline as hl
from hookline.errors import ConfigError, UsageError
from hookline.registry.registry import load_registry
from hookline.sweeps import job
from hookline.sweeps.definitions import define_jobs, replicates
from hookline.sweeps.job import _done_before, _folder
from hookline.sweeps.ledger import Ledger, SweepRecord
from hookline.sweeps.sweep import NewJob
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.home import claim
from hookline.workspace.processes.owners import Owner
from hookline.workspace.workspace import open_workspace


def begun(*ids: str) -> Ledger:
    ledger = Ledger(open_workspace().catalog)
    for name in ids:
        made = NewJob(0, 0, (), {}, {})
        ledger.begin(SweepRecord(name, f"/sweeps/{name}", (), {}, {}), [made])
    return ledger


def test_a_whole_id_is_meant_before_the_first_letters_of_others() -> None:
    ledger = begun("out", "out2")
    assert ledger.sweep("out").id == "out"
    with pytest.raises(UsageError, match="fits 2 sweeps"):
        ledger.sweep("ou")


def test_another_folder_of_a_name_that_is_known_is_told_and_adds_no_job() -> None:
    ledger = begun("mine")
    other = SweepRecord("mine", "/elsewhere/mine", (), {}, {})
    with pytest.raises(UsageError, match="a sweep mine is known already, in /sweeps/mine"):
        ledger.begin(other, [NewJob(0, 0, (), {}, {})])
    ledger.begin(SweepRecord("mine", "/sweeps/mine", (), {}, {}), [NewJob(1, 1, (), {}, {})])
    assert [job.number for job in ledger.jobs("mine")] == [0, 1]


def test_a_process_gives_back_its_own_jobs_and_not_those_of_its_number_elsewhere() -> None:
    ledger, owner = begun("mine", "theirs"), Owner.here()
    elsewhere = replace(owner, space="pid:[1]")
    for sweep, who in (("mine", owner), ("theirs", elsewhere)):
        assert ledger.claim(sweep, ledger.job(sweep, 0), who)
        ledger.release(sweep, owner)
    assert [ledger.jobs(sweep)[0].status for sweep in ("mine", "theirs")] == ["interrupted", "running"]


def test_a_job_whose_process_is_gone_is_interrupted_and_reading_that_writes_nothing() -> None:
    ledger = begun("killed")
    database = open_workspace().catalog.database
    assert ledger.claim("killed", ledger.job("killed", 0), gone())
    assert [job.status for job in ledger.jobs("killed")] == ["interrupted"]
    assert ledger.job("killed", 0).status == "interrupted"
    assert database.rows(sa.select(database.tables["jobs"].c.status))[0]["status"] == "running"


def test_a_sweep_that_ends_marks_the_runs_of_workers_that_are_gone() -> None:
    ledger, catalog = begun("stopped"), open_workspace().catalog
    lost(catalog, "20261128-064616-e87231-0", "running")
    ledger.release("stopped", Owner.here())
    runs = catalog.database.tables["runs"]
    assert catalog.database.rows(sa.select(runs.c.status))[0]["status"] == "interrupted"


def test_jobs_are_read_by_their_trials() -> None:
    ledger = begun()
    jobs = [NewJob(number, number // 2, (), {}, {}) for number in range(6)]
    ledger.begin(SweepRecord("six", "/sweeps/six", (), {}, {}), jobs)
    assert [job.number for job in ledger.jobs("six", {0, 2})] == [0, 1, 4, 5]
    assert [job.number for job in ledger.jobs("six", numbers=[4, 1])] == [1, 4]
    assert ledger.jobs("six", numbers=[]) == []
    assert [(job.number, job.trial, job.status) for job in ledger.states("six")][3:5] == [
        (3, 1, "pending"),
        (4, 2, "pending"),
    ]


@pytest.mark.parametrize(
    ("tries", "meant"),
    [
        (["running", "finished"], 1),
        (["interrupted", "finished"], 1),
        (["failed", "interrupted", "finished"], 2),
        (["interrupted", "failed", "interrupted"], 1),
        (["gated"], 0),
    ],
)
def test_a_job_that_was_tried_again_is_found_by_its_number_as_the_try_that_counts(tries: list[str], meant: int) -> None:
    catalog, job = open_workspace().catalog, "20261128-064616-e87231-1"
    names = [job, f"{job}-2", f"{job}-3"][: len(tries)]
    for name, status in zip(names, tries, strict=True):
        lost(catalog, name, status)
    lost(catalog, "20261128-064616-e87231-11", "finished")
    assert catalog.runs.get(job).id == names[meant]
    assert catalog.runs.get(names[-1]).id == names[-1]


def test_a_run_whose_process_is_gone_is_interrupted_for_who_reads_it() -> None:
    catalog = open_workspace().catalog
    lost(catalog, "20261128-064616-e87231", "running")
    assert [run.status for run in catalog.runs.newest()] == ["interrupted"]


def lost(catalog: Catalog, run_id: str, status: str) -> None:
    """Write down a run of a process that is no more."""
    catalog.runs.begin(run_id, "m", f"/runs/{run_id}", {}, [], gone())
    if status != "running":
        catalog.runs.end(run_id, status, {})


def gone() -> Owner:
    """Return the owner that a process was which is no more."""
    return replace(Owner.here(), pid=2**22 + 1)


def test_each_job_is_composed_once_and_all_that_are_wrong_are_told_together() -> None:
    composed: list[list[str]] = []

    def compose(overrides: Sequence[str]) -> Mapping[str, Any]:
        composed.append(list(overrides))
        if "bad" in overrides:
            raise UsageError("no such thing")
        return {**composed_tree, "repeats": 2 if "twice" in overrides else 1}

    composed_tree = {"source": {"component": "iris"}, "trainer": {"component": "decision_tree"}}
    composed_tree |= {"featurizer": {"tabular": {"component": "tabular"}}, "seed": 0}
    made = define_jobs(load_registry(), [], [["one"], ["twice"]], compose)
    assert composed == [["one"], ["twice"], ["twice", "seed=0"], ["twice", "seed=1"]]
    assert [job.trial for job, _ in made] == [0, 1, 1]
    with pytest.raises(ConfigError, match=r"(?s)job 1 \(bad\): no such thing.*job 2 \(bad\): no such thing"):
        define_jobs(load_registry(), [], [["one"], ["bad"], ["bad"]], compose)


@pytest.mark.parametrize("repeats", [-1, 0])
def test_a_wrong_number_of_repeats_makes_a_job_that_the_config_refuses(repeats: int) -> None:
    assert list(replicates({"repeats": repeats})) == [()]
    if repeats:
        with pytest.raises(ConfigError, match="repeats"):
            hl.plan("source=iris", f"repeats={repeats}")


def test_a_try_that_was_killed_before_it_said_its_name_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "run.json").touch()
    assert _done_before(str(open_workspace().home), tmp_path, 0) is None
    assert _folder(tmp_path, 0) == tmp_path / "0-2"


def test_the_last_sweep_is_the_one_that_began_last_though_the_clock_was_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun("first")
    monkeypatch.setattr("hookline.sweeps.ledger.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    ledger = begun("second")
    assert ledger.sweep("last").id == "second"
    assert [sweep.id for sweep in ledger.sweeps()] == ["second", "first"]


def test_of_two_workers_with_one_job_the_second_gets_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    claimed = iter([tmp_path / "0"])

    def chosen(sweep: Path, number: int) -> Path:
        """Choose as a worker does between whose look and whose claim another one claims the same folder."""
        folder = _folder(sweep, number)
        for taken in claimed:
            claim(taken, "other")
        return folder

    monkeypatch.setattr(job, "_folder", chosen)
    tree = hl.plan("source=iris", "trainer=decision_tree", "packager=[]", "~deployer").config.plain()
    setup = {"signature": load_registry().plugins.signature(), "home": str(open_workspace().home)}
    done = job.run_job(setup, {"folder": str(tmp_path), "number": 0, "judged": False, "config": tree})
    assert (done["status"], done["path"]) == ("finished", str(tmp_path / "0-2"))
