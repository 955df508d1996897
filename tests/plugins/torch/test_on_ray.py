"""`strategy=ray`: one training on a cluster of two nodes, each a machine of its own as far as files go."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hookline as hl
from hookline import Features
from hookline.cli import main
from hookline.errors import ConfigError, UsageError
from hookline.kinds.fitting import Curve, checkpoints_in, steps_in
from hookline.version import install_line
from hookline_torch import MlpTrainer
from hookline_torch.rows import Rows
from hookline_torch.spread.sending import Home, Nearby, Unpacking, packed
from kit.networks import SlimTrainer, TracedTrainer, features, labeled
from kit.processes import HOOKLINE, heard, run_hookline, started
from kit.rays import can_hide, two_nodes

pytestmark = pytest.mark.xdist_group("ray")
FEW: dict[str, Any] = {"accelerator": "cpu", "max_epochs": 5, "batch_size": 32, "devices": 2}


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of which the second node does not see what is in `unseen`."""
    folder = tmp_path_factory.mktemp("trace")
    (folder / "unseen").mkdir()
    return folder


@pytest.fixture(scope="module")
def cluster(trace: Path) -> Iterator[str]:
    """The address of a cluster of two nodes."""
    with two_nodes(trace / "unseen" if can_hide() else None) as address:
        yield address


@pytest.fixture
def joined(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster is the one that is named."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)


def mapped(folder: Path) -> Features:
    """Return labeled rows whose matrix lies in a file."""
    train = labeled()
    np.save(folder / "X.npy", np.asarray(train.X))
    return features(np.load(folder / "X.npy", mmap_mode="r").view(np.ndarray), np.asarray(train.y))


@pytest.mark.usefixtures("joined")
def test_workers_of_two_nodes_learn_bit_for_bit_what_two_processes_do_though_one_of_them_dies(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # As many threads here as each worker has.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    train, here, there, variables = mapped(trace / "unseen"), Curve(), Curve(), dict(os.environ)
    with steps_in(here):
        alone = TracedTrainer(**FEW, trace=str(trace)).fit(train, None)
    deadly = trace / "deadly"
    deadly.touch()
    with steps_in(there), checkpoints_in(tmp_path):
        spread = TracedTrainer(**FEW, trace=str(trace), strategy="ray").fit(train, None)
    assert not deadly.exists()
    for name, value in alone.module.state_dict().items():
        assert torch.equal(spread.module.state_dict()[name], value)
    assert there.points == here.points
    places = [json.loads((trace / f"rank-{rank}").read_text()) for rank in range(2)]
    assert len({node for node, _ in places}) == 2
    assert sorted(seen for _, seen in places) == [not can_hide(), True]
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]
    assert dict(os.environ) == variables
    out, err = capfd.readouterr()
    assert (out, err) == ("", "a worker of the Ray cluster died; training goes on from its last checkpoint\n")


@pytest.mark.usefixtures("joined")
def test_what_a_worker_raises_is_told_as_it_is_and_not_tried_again(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.monitor: the module logs no 'valid_loss' .*; it logs cost"):
        SlimTrainer(**FEW, logged="cost", strategy="ray").fit(labeled(), None)
    assert capfd.readouterr() == ("", "")
