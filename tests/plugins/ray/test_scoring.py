"""`predict --on ray`, and a sweep's jobs: a cluster of two nodes, each a process of its own, whose workers die."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import ray

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError
from hookline.packages import scoring
from hookline.sweeps.workers.interfaces import Limits
from hookline_ray.cluster import Cluster
from hookline_ray.pool import RayPool
from hookline_ray.scoring import score
from kit.rays import two_nodes
from kit.workers import JOBS

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes, of two cores each."""
    with two_nodes(cores=2) as address:
        yield address


class Dying:
    """Makes what says where it answers; a chunk that is a file kills whoever gets it, until that is gone."""

    def __call__(self) -> Callable[[int | Path], tuple[int | Path, str]]:
        return self.answer

    def answer(self, chunk: int | Path) -> tuple[int | Path, str]:
        if isinstance(chunk, int) and chunk < 0:
            raise DataError("not that one", hint="another")
        if isinstance(chunk, Path) and chunk.exists():
            chunk.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return chunk, ray.get_runtime_context().get_node_id()


def test_a_table_is_scored_on_two_nodes_as_on_one_machine_and_a_worker_that_dies_is_replaced(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame({"x": [float(i % 10) for i in range(1_050)]})
    labeled = frame.with_columns(y=pl.when(pl.col("x") < 5).then(pl.lit("a")).otherwise(pl.lit("b"))).head(100)
    home, data = tmp_path / "home", tmp_path / "rows.parquet"
    frame.write_parquet(data)
    quick = {"packager": ["onnx"], "deployer": "local", "evaluator": [], "monitor": []}
    hl.run(source=labeled, target="y", trainer="decision_tree", name="m", home=home, **quick)
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    monkeypatch.setattr(scoring, "BATCH_ROWS", 100)
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    assert main(["predict", "m", str(data), "-o", str(here)]) == 0
    assert main(["predict", "m", str(data), "-o", str(there), "--on", "ray"]) == 0
    assert here.read_bytes() == there.read_bytes()
    assert not ray.is_initialized()
    deadly = tmp_path / "deadly"
    deadly.write_text("")
    given = [0, 1, deadly, 3, 4, -1]
    answers = score(Dying(), given)
    told = [next(answers) for _ in given[:-1]]
    assert [chunk for chunk, _ in told] == given[:-1]
    assert len({node for _, node in told}) == 2
    assert not deadly.exists()
    with pytest.raises(DataError, match="not that one\nhint: another"):
        next(answers)
    assert not ray.is_initialized()


def test_each_node_runs_as_many_jobs_of_a_sweep_at_a_time_as_it_has_cores_for(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jobs_that_meet.py").write_text(JOBS)
    monkeypatch.syspath_prepend(str(tmp_path))
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    pool = RayPool("jobs_that_meet:act", None, Cluster(cluster, {}, 1, 0, None), Limits(), 4)
    # Each waits for all others to have begun.
    outcomes = list(pool.run([(number, ("meet", (str(meeting), 4))) for number in range(4)]))
    assert [outcome.status for outcome in outcomes] == ["done"] * 4
    assert sorted(Counter(outcome.value for outcome in outcomes).values()) == [2, 2]
    assert not ray.is_initialized()
