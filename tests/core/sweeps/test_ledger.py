"""What a ledger keeps of sweeps and jobs."""

from __future__ import annotations

import os

import pytest
import sqlalchemy as sa

import hookline as hl
from hookline.errors import ConfigError, UsageError
from hookline.sweeps.definitions import replicates
from hookline.sweeps.ledger import Ledger, SweepRecord
from hookline.sweeps.sweep import NewJob
from hookline.workspace.workspace import open_workspace


def begun(*ids: str) -> Ledger:
    ledger = Ledger(open_workspace().catalog)
    for name in ids:
        job = NewJob(0, 0, (), {}, {})
        ledger.begin(SweepRecord(name, f"/sweeps/{name}", (), {}, {}), [job])
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
    ledger = begun("mine", "theirs")
    for sweep, host in (("mine", os.uname().nodename), ("theirs", "another-machine")):
        with open_workspace().catalog.database.writing() as connection:
            jobs = open_workspace().catalog.database.tables["jobs"]
            taken = {"status": "running", "pid": os.getpid(), "host": host}
            connection.execute(sa.update(jobs).where(jobs.c.sweep_id == sweep).values(**taken))
        ledger.release(sweep)
    assert [ledger.jobs(sweep)[0].status for sweep in ("mine", "theirs")] == ["interrupted", "running"]


@pytest.mark.parametrize("repeats", [-1, 0])
def test_a_wrong_number_of_repeats_makes_a_job_that_the_config_refuses(repeats: int) -> None:
    assert list(replicates({"repeats": repeats})) == [()]
    if repeats:
        with pytest.raises(ConfigError, match="repeats"):
            hl.plan("source=iris", f"repeats={repeats}")
