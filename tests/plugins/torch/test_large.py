"""Networks on several devices, and on matrices that lie on disk."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from hookline.kinds.fitting import Curve, checkpoints_in, steps_in
from hookline_torch import MlpTrainer
from hookline_torch.rows import Rows
from kit.networks import SlimTrainer, features, labeled

SMALL: dict[str, Any] = {"hidden": (8,), "accelerator": "cpu", "max_epochs": 3, "batch_size": 32, "learning_rate": 0.01}

LIMITED = """
import resource, sys
import numpy as np
from hookline import Feature, Features, Target
from hookline_torch import MlpTrainer
import hookline_torch.training.fitting, torch

torch.set_num_threads(1)
X = np.load(sys.argv[1], mmap_mode="r").view(np.ndarray)
named = tuple(Feature(f"x{i}", "float32", ("x",), "x") for i in range(X.shape[1]))
train = Features(X, named, y=(X[:, 0] > 0).astype(np.int64), target=Target("y", "binary", (0, 1)))
few = MlpTrainer(hidden=(8,), accelerator="cpu", max_epochs=1, batch_size=512, learning_rate=0.01)
# What Lightning and torch take themselves is taken before.
few.fit(Features(X[:2000], named, y=train.y[:2000], target=train.target), None)
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (taken * 1024 + X.nbytes // 2,) * 2)
try:
    X.copy()
except MemoryError:
    print("no copy fits")
model = few.fit(train, None)
print((model.predict(Features(X[:5000], named)).values == train.y[:5000]).mean())
"""


def weights(model: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.module.state_dict().items()}


@pytest.mark.parametrize("strategy", ["ddp_spawn", pytest.param("ddp_fork", marks=pytest.mark.long)])
def test_two_processes_learn_what_one_does(strategy: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    train, alone, both, variables = labeled(), Curve(), Curve(), dict(os.environ)
    with steps_in(alone):
        one = MlpTrainer(**SMALL).fit(train, None)
    with steps_in(both), checkpoints_in(tmp_path):
        two = MlpTrainer(**SMALL, devices=2, strategy=strategy).fit(train, None)
    for name, value in weights(one).items():
        np.testing.assert_allclose(weights(two)[name], value, atol=1e-5)
    np.testing.assert_allclose([loss for _, loss in both.points], [loss for _, loss in alone.points], rtol=1e-4)
    assert {place: of.keys() for place, of in two.steps.items()} == {
        place: of.keys() for place, of in one.steps.items()
    }
    assert dict(os.environ) == variables
    assert capfd.readouterr() == ("", "")


@pytest.mark.long
def test_two_processes_train_a_module_of_a_project() -> None:
    train = labeled()
    model = SlimTrainer(accelerator="cpu", max_epochs=10, batch_size=32, devices=2).fit(train, None)
    assert (model.predict(train).values == train.y).mean() > 0.9


def test_rows_go_to_another_process_by_the_name_of_their_file(tmp_path: Path) -> None:
    train = labeled(2_000)
    np.save(tmp_path / "X.npy", np.asarray(train.X))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r").view(np.ndarray)
    rows = Rows.of("mlp", features(mapped, np.asarray(train.y)), 0.0, 1.0)
    sent = pickle.dumps(rows)
    assert len(sent) < len(pickle.dumps(np.asarray(train.X)))
    again: Rows = pickle.loads(sent)
    for ours, theirs in zip(rows[np.arange(50)], again[np.arange(50)], strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for whole in (mapped, np.load(tmp_path / "X.npy", mmap_mode="r")):
        part = Rows.of("mlp", features(whole[500:600], np.asarray(train.y)[500:600]), 0.0, 1.0)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(part)).X, mapped[500:600])


def test_sparse_rows_go_to_another_process_whole() -> None:
    thin = sparse.random(50, 6, 0.3, format="csr", dtype=np.float32, random_state=0)
    rows = Rows.of("mlp", features(thin, np.arange(50) % 2), 0.0, 1.0)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rows)).X.toarray(), thin.toarray())


@pytest.mark.parametrize("rows", [200_000, pytest.param(2_000_000, marks=pytest.mark.long)], ids=["short", "long"])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no limit on private memory")
def test_a_network_learns_from_a_matrix_that_does_not_fit_in_memory(rows: int, tmp_path: Path) -> None:
    file, random = tmp_path / "X.npy", np.random.default_rng(0)
    X = np.lib.format.open_memmap(file, "w+", np.float32, (rows, 200))
    for start in range(0, rows, 20_000):
        X[start : start + 20_000] = random.standard_normal((min(20_000, rows - start), 200), np.float32)
    del X
    done = subprocess.run([sys.executable, "-c", LIMITED, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said, accuracy = done.stdout.split("\n")[:2]
    assert said == "no copy fits"
    assert float(accuracy) > 0.9
