"""`strategy=ray`: one training on a cluster of two nodes, each a machine of its own as far as files go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hookline import Features
from hookline.cli import main
from hookline.errors import ConfigError, UsageError
from hookline.kinds.fitting import Curve, checkpoints_in, steps_in
from hookline.version import install_line
from hookline_torch import MlpTrainer
from hookline_torch.rows import Rows
from hookline_torch.spread.cluster import joined, placed
from hookline_torch.spread.home import Home
from hookline_torch.spread.sending import Nearby, Unpacking, packed
from hookline_torch.training.options import Training
from kit.networks import SlimTrainer, TracedTrainer, features, labeled
from kit.processes import HOOKLINE, started
from kit.rays import can_hide, two_nodes

pytestmark = pytest.mark.xdist_group("ray")
TRAINING = Training("mlp", 32, 5, None, "auto", 2, "ray", "32-true", None, 0)
FEW: dict[str, Any] = {"accelerator": "cpu", "max_epochs": 5, "batch_size": 32, "devices": 2}

ON_GPU: dict[str, Any] = FEW | {"accelerator": "gpu"}


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of which the second node does not see what is in `unseen`."""
    folder = tmp_path_factory.mktemp("trace")
    (folder / "unseen").mkdir()
    return folder


@pytest.fixture(scope="module")
def cluster(trace: Path) -> Iterator[str]:
    """The address of a cluster of two nodes."""
    with two_nodes(unseen=trace / "unseen" if can_hide() else None) as address:
        yield address


@pytest.fixture
def in_cluster(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster is the one that is named."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for temporary files with a name that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def mapped(folder: Path) -> Features:
    """Return labeled rows whose matrix lies in a file."""
    train = labeled()
    np.save(folder / "X.npy", np.asarray(train.X))
    return features(np.load(folder / "X.npy", mmap_mode="r").view(np.ndarray), np.asarray(train.y))


@pytest.mark.usefixtures("in_cluster")
def test_workers_of_two_nodes_learn_bit_for_bit_what_two_processes_do_even_if_one_dies(
    trace: Path, tmp_path: Path, long: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # As many threads here as each worker has.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    train, here, there, variables = mapped(trace / "unseen"), Curve(), Curve(), dict(os.environ)
    with steps_in(here):
        alone = TracedTrainer(**FEW, trace=str(trace)).fit(train, None)
    deadly = trace / "deadly"
    if long:
        deadly.touch()
    with steps_in(there), checkpoints_in(tmp_path / "kept"):
        spread = TracedTrainer(**FEW, trace=str(trace), strategy="ray").fit(train, None)
    assert not deadly.exists()
    for name, value in alone.module.state_dict().items():
        assert torch.equal(spread.module.state_dict()[name], value)
    assert there.points == here.points
    places = [json.loads((trace / f"rank-{rank}").read_text()) for rank in range(2)]
    assert len({node for node, _ in places}) == 2
    assert sorted(seen for _, seen in places) == [not can_hide(), True]
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["last.ckpt"]
    assert dict(os.environ) == variables
    out, err = capfd.readouterr()
    died = "a worker of the Ray cluster died; training goes on from its last checkpoint\n"
    assert (out, err) == ("", died if long else "")


@pytest.mark.long
@pytest.mark.usefixtures("in_cluster")
def test_what_a_worker_raises_is_told_as_it_is_and_not_tried_again(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.monitor: the module logs no 'valid_loss' .*; it logs cost"):
        SlimTrainer(**FEW, logged="cost", strategy="ray").fit(labeled(), None)
    assert capfd.readouterr() == ("", "")


def test_without_ray_the_extra_is_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["plan", "source=iris", "trainer=mlp", "trainer.strategy=ray"]) == 2
    err = capsys.readouterr().err
    assert "trainer 'mlp' needs the library 'ray', which is not installed" in err
    assert install_line([("hookline", "ray-train", "ray")]) in err
    assert main(["plan", "source=iris", "trainer=mlp"]) == 0


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:1", "RAY_ADDRESS: no Ray cluster can be joined at '127.0.0.1:1'"),
        ("ray://127.0.0.1:1", "RAY_ADDRESS: a training is begun on a machine of the cluster"),
    ],
)
def test_a_cluster_that_cannot_be_joined_is_named(address: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match=told):
        MlpTrainer(**FEW, strategy="ray").fit(labeled(), None)


@pytest.mark.usefixtures("in_cluster")
def test_what_the_cluster_has_not_is_refused_and_what_it_may_get_is_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(
        ConfigError, match=r"trainer\.accelerator: the Ray cluster has no GPU; auto takes what there is"
    ):
        MlpTrainer(**ON_GPU, strategy="ray").fit(labeled(), None)
    many = replace(TRAINING, devices=3)
    told = "the workers take 3 CPUs, of which the Ray cluster has 2"
    with joined():
        with pytest.raises(ConfigError, match=rf"trainer\.devices: {told}; RAY_ADDRESS names a larger one"):
            placed(many, grows=False)
        assert placed(many, grows=True) == (replace(many, accelerator="cpu"), 3)
        assert placed(replace(many, devices="auto"), grows=True)[1] == 1
    assert capsys.readouterr().err == f"{told}; waiting for more\n"


def test_rows_go_part_by_part_to_a_machine_that_does_not_see_the_very_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_torch.spread.sending.PART", 1_000)
    train, home = mapped(tmp_path), Home(None)
    sent = packed(Rows.of("mlp", train, 0.0, 1.0))
    assert len(sent) < np.asarray(train.X).nbytes

    def arrived(folder: Path) -> Rows:
        rows: Rows = Unpacking(sent, Nearby(folder, home.part)).load()
        np.testing.assert_array_equal(rows.X, train.X)
        return rows

    arrived(tmp_path / "near")
    assert not (tmp_path / "near").exists()
    # Another file of that name, as far as anybody can tell.
    os.utime(tmp_path / "X.npy", ns=(0, 0))
    arrived(tmp_path / "near")
    arrived(tmp_path / "near")
    assert len([file for file in (tmp_path / "near").iterdir() if file.suffix != ".lock"]) == 1
    assert (tmp_path / "near").stat().st_mode & 0o077 == 0


def test_as_many_rows_to_stop_on_as_to_learn_from_arrive_as_what_they_are(tmp_path: Path) -> None:
    parts = {}
    for part, value in (("train", 1.0), ("valid", 2.0)):
        (tmp_path / part).mkdir()
        np.save(tmp_path / part / "X.npy", np.full((60, 3), value, dtype=np.float32))
        X = np.load(tmp_path / part / "X.npy", mmap_mode="r").view(np.ndarray)
        parts[part] = Rows.of("mlp", features(X, np.arange(60) % 2), 0.0, 1.0)
    sent = packed(parts)
    for part in parts:
        os.utime(tmp_path / part / "X.npy", ns=(0, 0))
    arrived = Unpacking(sent, Nearby(tmp_path / "near", Home(None).part)).load()
    assert {part: float(rows.X.mean()) for part, rows in arrived.items()} == {"train": 1.0, "valid": 2.0}


@pytest.mark.long
def test_ctrl_c_ends_a_training_and_its_ray_and_the_checkpoint_is_kept(short: Path) -> None:
    home = Path(os.environ["HOOKLINE_HOME"])
    endless = ("trainer=mlp", "trainer.strategy=ray", "trainer.accelerator=cpu", "trainer.max_epochs=1000000")
    command = [HOOKLINE, "source=iris", *endless, "trainer.patience=null", "packager=[]", "deployer=null"]
    env = os.environ | {"TMPDIR": str(short)}
    with started(command, 600, env=env, stdout=subprocess.PIPE, start_new_session=True) as process:
        until = time.monotonic() + 400
        while not list(home.rglob("last.ckpt")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert len(list(home.rglob("last.ckpt"))) == 1
    assert list(short.glob("hl-*")) == []
