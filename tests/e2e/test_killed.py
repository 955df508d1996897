"""A run that is killed at any moment loses the stage in flight at most, and the next one goes on from there."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

import hookline as hl
from hookline.workspace.workspace import open_workspace
from kit.places import own_home
from kit.processes import HOOKLINE, heard, run_together, started, with_memory

OVERRIDES = ("source=digits", "trainer=random_forest", "trainer.n_estimators=60", "packager=[onnx,skops]")


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_at_a_random_moment_loses_nothing_that_was_done(seed: int, tmp_path: Path) -> None:
    delays = random.Random(seed)
    for _ in range(3):
        with started([HOOKLINE, *OVERRIDES], stderr=subprocess.DEVNULL) as run:
            time.sleep(delays.uniform(0.6, 3.0))
            run.kill()
    store = open_workspace().store
    kept = set(store.entries())
    assert all(store.get(fingerprint) is not None for fingerprint in kept)
    run_again = hl.run(*OVERRIDES)
    ran = {stage["fingerprint"] for stage in run_again.evidence["plan"] if stage["status"] == "ran"}
    assert not ran & kept
    statuses = [record.status for record in open_workspace().catalog.runs.newest()]
    assert statuses[0] == "finished"
    assert set(statuses[1:]) <= {"interrupted", "finished"}
    again = hl.run(*OVERRIDES)
    assert again.metrics == run_again.metrics


def test_a_killed_run_ends_where_an_undisturbed_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = hl.run(*OVERRIDES, home=tmp_path / "undisturbed")
    for delay in (1.0, 1.6, 2.2):
        with started([HOOKLINE, *OVERRIDES], stderr=subprocess.DEVNULL) as run:
            time.sleep(delay)
            run.kill()
    assert hl.run(*OVERRIDES).metrics == undisturbed.metrics


def test_a_network_killed_in_an_epoch_ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path) -> None:
    network = ("source=iris", "trainer=mlp", "trainer.max_epochs=40", "trainer.patience=null", "trainer.dropout=0.1")
    options = (*network, "trainer.accelerator=cpu", "packager=[pickle]", "evaluator=[]", "monitor=[]")
    undisturbed = hl.run(*options, home=tmp_path / "undisturbed")
    with started([HOOKLINE, *options], stderr=subprocess.DEVNULL) as run:
        while not list(own_home().rglob("*.ckpt")):
            assert run.poll() is None
            time.sleep(0.02)
        run.kill()
    resumed = hl.run(*options)
    first, second = (one.predictor.model.module.state_dict() for one in (undisturbed, resumed))
    assert first.keys() == second.keys()
    assert all((second[name] == value).all() for name, value in first.items())
    assert not list(own_home().rglob("*.ckpt"))


def test_two_runs_at_once_compute_each_stage_once(tmp_path: Path) -> None:
    found = [json.loads(run.stdout) for run in run_together([[HOOKLINE, *OVERRIDES, "--json"]] * 2)]
    assert [evidence["run"]["status"] for evidence in found] == ["finished", "finished"]
    assert found[0]["run"]["id"] != found[1]["run"]["id"]
    metrics = [[m["value"] for r in evidence["reports"] for m in r["metrics"]] for evidence in found]
    assert metrics[0] == metrics[1]
    assert len(open_workspace().catalog.models.versions("digits")) == 1


def test_ctrl_c_ends_with_130_and_keeps_what_was_done() -> None:
    endless = [HOOKLINE, "source=digits", "trainer=random_forest", "trainer.n_estimators=100000"]
    # The whole forest takes 22 GiB; should the interrupt be lost, it ends here.
    with started(with_memory(endless, gib=4), seconds=60) as run:
        told = heard(run, "features")
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        told += run.communicate()[1]
    assert run.returncode == 130, told
    assert "Traceback" not in told
    assert open_workspace().catalog.runs.get("last").status == "interrupted"
    assert open_workspace().store.entries()
