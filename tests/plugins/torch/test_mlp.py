"""What the mlp learns, and that training it leaves no trace in the process."""

from __future__ import annotations

import copy
import logging
import os
import random
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy import sparse
from sklearn.datasets import make_regression

import hookline as hl
from hookline import Features, Target
from hookline.errors import ConfigError, DataError, Pruned
from hookline.kinds.fitting import Curve, checkpoints_in, judged_by, steps_in
from hookline_torch import MlpTrainer
from hookline_torch.model import TorchModel
from hookline_torch.training.loop import Loop
from kit.advice import hint_of
from kit.networks import CutOff, cut_off_in_epoch, features, labeled, raise_cut_off
from kit.tables import table

SMALL: dict[str, Any] = {"hidden": (8,), "accelerator": "cpu", "max_epochs": 4, "batch_size": 32, "learning_rate": 0.01}


def weights(model: TorchModel) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.module.state_dict().items()}


def assert_same(one: TorchModel, other: TorchModel) -> None:
    for name, value in weights(one).items():
        np.testing.assert_array_equal(value, weights(other)[name])


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_classes_that_can_be_told_apart(classes: int) -> None:
    train, test = labeled(400, classes), labeled(400, classes)
    model = MlpTrainer(hidden=(32,), accelerator="cpu", max_epochs=30, learning_rate=0.01).fit(train, None)
    prediction = model.predict(test)
    assert (prediction.values == test.y).mean() > 0.9
    assert prediction.probabilities is not None
    np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1, atol=1e-9)


def test_it_learns_numbers_far_from_zero() -> None:
    X, y = make_regression(400, 5, noise=1, random_state=0)
    train = features(X.astype(np.float32), y * 100 + 1e6)
    model = MlpTrainer(hidden=(32,), accelerator="cpu", max_epochs=40, learning_rate=0.01).fit(train, None)
    error = model.predict(train).values - train.y
    assert np.mean(error**2) < 0.05 * np.var(train.y)


def test_the_same_seed_gives_the_same_weights_and_another_others() -> None:
    train = labeled()
    first, again, other = (MlpTrainer(**SMALL, dropout=0.2, seed=seed).fit(train, None) for seed in (1, 1, 2))
    assert_same(first, again)
    assert not np.array_equal(weights(first)["0.weight"], weights(other)["0.weight"])


def test_the_random_state_of_the_caller_decides_nothing() -> None:
    train = labeled()
    torch.manual_seed(1)
    first = MlpTrainer(**SMALL, dropout=0.2).fit(train, None)
    torch.manual_seed(2)
    assert_same(first, MlpTrainer(**SMALL, dropout=0.2).fit(train, None))


def test_a_sparse_matrix_gives_the_weights_of_the_dense_one() -> None:
    train = labeled()
    X = np.where(np.abs(np.asarray(train.X)) < 1, 0, np.asarray(train.X)).astype(np.float32)
    dense, thin = features(X, np.asarray(train.y)), features(sparse.csr_matrix(X), np.asarray(train.y))
    model = MlpTrainer(**SMALL).fit(dense, None)
    assert_same(model, MlpTrainer(**SMALL).fit(thin, None))
    np.testing.assert_array_equal(model.predict(thin).values, model.predict(dense).values)


@pytest.mark.parametrize(
    "options",
    [{"patience": None}, {"patience": 3}, {"dropout": 0.3}, {"batch_norm": True, "dropout": 0.1}],
    ids=["without validation", "with validation", "dropout", "batch norm"],
)
@pytest.mark.parametrize("batch", [0, 3])
def test_training_that_was_cut_off_goes_on_to_the_same_weights(
    options: dict[str, Any], batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, trainer = labeled(), MlpTrainer(**{**SMALL, **options})
    whole = trainer.fit(train, None)
    with monkeypatch.context() as patch, checkpoints_in(tmp_path / "kept"):
        cut_off_in_epoch(2, batch, patch, raise_cut_off)
        with pytest.raises(CutOff):
            trainer.fit(train, None)
    epochs = []
    with monkeypatch.context() as patch, checkpoints_in(tmp_path / "kept"):
        patch.setattr(Loop, "on_train_epoch_start", lambda loop: epochs.append(loop.current_epoch))
        resumed = trainer.fit(train, None)
    assert epochs == [2, 3]
    assert_same(whole, resumed)


def test_each_epoch_is_reported_once_also_those_before_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, trainer, whole, cut, resumed = labeled(), MlpTrainer(**SMALL), Curve(), Curve(), Curve()
    with steps_in(whole):
        trainer.fit(train, None)
    assert [epoch for epoch, _ in whole.points] == [1, 2, 3, 4]
    assert whole.name == "valid_loss"
    with monkeypatch.context() as patch, checkpoints_in(tmp_path), steps_in(cut), pytest.raises(CutOff):
        cut_off_in_epoch(2, 1, patch, raise_cut_off)
        trainer.fit(train, None)
    with checkpoints_in(tmp_path), steps_in(resumed):
        trainer.fit(train, None)
    assert cut.points == whole.points[:2]
    assert resumed.points == whole.points


def test_training_that_is_pruned_stops_at_that_epoch() -> None:
    with steps_in(Curve()), judged_by(lambda step: step.step == 2), pytest.raises(Pruned, match="step 2, valid_loss"):
        MlpTrainer(**SMALL).fit(labeled(), None)


def test_training_cut_off_after_it_stopped_early_trains_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = MlpTrainer(**{**SMALL, "max_epochs": 60, "learning_rate": 0.1, "patience": 1})
    epochs: list[int] = []
    with checkpoints_in(tmp_path / "kept"):
        whole = trainer.fit(labeled(), None)
        monkeypatch.setattr(Loop, "on_train_epoch_start", lambda loop: epochs.append(loop.current_epoch))
        again = trainer.fit(labeled(), None)
    assert epochs == []
    assert_same(whole, again)


def test_a_checkpoint_holds_no_code(tmp_path: Path) -> None:
    with checkpoints_in(tmp_path):
        MlpTrainer(**SMALL).fit(labeled(), None)
    (path,) = tmp_path.glob("*.ckpt")
    assert torch.load(path, weights_only=True)["epoch"] == 3


def test_training_leaves_the_process_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = _process_state()
    MlpTrainer(**SMALL, dropout=0.1).fit(labeled(), None)
    after = _process_state()
    assert {name for name in before if before[name] != after[name]} == set()
    assert list(tmp_path.iterdir()) == []


def test_training_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    MlpTrainer(**SMALL).fit(labeled(), None)
    assert capfd.readouterr() == ("", "")


def test_weights_say_how_much_a_row_counts() -> None:
    X = np.zeros((200, 1), dtype=np.float32)
    y = np.repeat([0, 1], 100)
    heavy = MlpTrainer(**{**SMALL, "max_epochs": 30, "patience": None})
    for weight, winner in ((np.where(y == 1, 9.0, 1.0), 1), (np.where(y == 1, 1.0, 9.0), 0)):
        model = heavy.fit(features(X, y, weight), None)
        prediction = model.predict(features(X, y))
        assert prediction.probabilities is not None
        assert prediction.probabilities[0, winner] == pytest.approx(0.9, abs=0.05)


def test_a_row_without_weight_is_as_good_as_absent() -> None:
    train = labeled()
    wrong = np.arange(300) % 3 == 0
    y = np.where(wrong, 1 - np.asarray(train.y), train.y)
    trainer = MlpTrainer(**{**SMALL, "max_epochs": 20})
    model = trainer.fit(features(train.X, y, np.where(wrong, 0.0, 1.0)), None)
    assert (model.predict(train).values == train.y).mean() > 0.9


def test_rows_without_weight_do_not_decide_when_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    train = labeled(600)
    light = np.zeros(600)
    light[:60] = 1.0
    epochs: list[int] = []
    monkeypatch.setattr(Loop, "on_train_epoch_start", lambda loop: epochs.append(loop.current_epoch))
    trainer = MlpTrainer(**{**SMALL, "max_epochs": 30, "patience": 3})
    model = trainer.fit(features(train.X, np.asarray(train.y), light), None)
    assert len(epochs) > 10
    X, y = np.asarray(train.X)[:60], np.asarray(train.y)[:60]
    assert_same(model, trainer.fit(features(X, y), None))


def test_rows_that_all_have_no_weight_are_refused() -> None:
    train = labeled()
    with pytest.raises(DataError, match="needs rows with a weight above 0"):
        MlpTrainer(**SMALL).fit(features(train.X, np.asarray(train.y), np.zeros(300)), None)


def test_the_validation_loss_weighs_rows_whatever_their_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    train, valid = labeled(), labeled(100, seed=7)
    weight = np.where(np.arange(100) < 50, 0.01, 5.0)
    losses = []
    for size in (100, 50, 7):
        monkeypatch.setattr("hookline_torch.training.batches.VALID_BATCH", size)
        curve = Curve()
        with steps_in(curve):
            MlpTrainer(**SMALL).fit(train, features(valid.X, np.asarray(valid.y), weight))
        losses.append([loss for _, loss in curve.points])
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-5)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(device: Any) -> None:
    if {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}[device]():
        pytest.skip("it is there")
    with pytest.raises(ConfigError, match=rf"trainer\.accelerator: PyTorch finds no {device} here"):
        MlpTrainer(**{**SMALL, "accelerator": device}).fit(labeled(), None)


def test_half_precision_that_a_cpu_has_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.precision: 16-mixed needs a GPU; bf16-mixed runs"):
        MlpTrainer(**SMALL, precision="16-mixed").fit(labeled(), None)


def test_training_stops_once_the_validation_loss_no_longer_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    epochs: list[int] = []
    monkeypatch.setattr(Loop, "on_train_epoch_start", lambda loop: epochs.append(loop.current_epoch))
    MlpTrainer(**{**SMALL, "max_epochs": 200, "learning_rate": 0.1, "patience": 2}).fit(labeled(), None)
    assert 2 < len(epochs) < 100


def test_the_validation_part_decides_where_it_is_given() -> None:
    train, valid = labeled(), labeled(100, seed=7)
    given = MlpTrainer(**SMALL).fit(train, valid)
    cut = MlpTrainer(**SMALL).fit(train, None)
    assert not np.array_equal(weights(given)["0.weight"], weights(cut)["0.weight"])
    # With its labels turned round the first epoch is the best there is.
    turned = features(valid.X, 1 - np.asarray(valid.y))
    stopped = MlpTrainer(**SMALL).fit(train, turned)
    assert_same(stopped, MlpTrainer(**{**SMALL, "max_epochs": 1}).fit(train, valid))


@pytest.mark.parametrize("thin", [False, True], ids=["dense", "sparse"])
def test_a_missing_value_is_told_with_its_feature(thin: bool) -> None:
    train = labeled()
    X = np.array(train.X)
    X[5, 2] = np.nan
    X[6, 4] = np.inf
    with pytest.raises(DataError, match="x2, x4 have some") as caught:
        MlpTrainer(**SMALL).fit(features(sparse.csr_matrix(X) if thin else X, np.asarray(train.y)), None)
    assert "impute" in hint_of(caught.value)


def test_a_missing_value_in_the_validation_part_is_told_as_well() -> None:
    valid = labeled(50)
    X = np.array(valid.X)
    X[0, 1] = np.nan
    with pytest.raises(DataError, match="x1"):
        MlpTrainer(**SMALL).fit(labeled(), features(X, np.asarray(valid.y)))


def test_one_row_is_too_few_to_stop_on() -> None:
    with pytest.raises(DataError, match="at least 2 training rows"):
        MlpTrainer(**SMALL).fit(features(np.zeros((1, 2), dtype=np.float32), np.array([0])), None)


def test_training_that_diverges_says_what_to_lower() -> None:
    X = np.full((64, 2), 1e20, dtype=np.float32)
    trainer = MlpTrainer(**{**SMALL, "learning_rate": 1e30, "patience": None})
    with pytest.raises(DataError, match="did not converge") as caught:
        trainer.fit(features(X, np.linspace(0.0, 1.0, 64)), None)
    assert caught.value.hint == "lower trainer.learning_rate"


def test_batches_of_one_row_cannot_be_normalized() -> None:
    with pytest.raises(DataError, match="cannot normalize over batches of one row"):
        MlpTrainer(**{**SMALL, "batch_size": 1}, batch_norm=True).fit(labeled(), None)


def test_a_last_batch_of_one_row_can_be_normalized() -> None:
    train = labeled(65)
    model = MlpTrainer(**SMALL, batch_norm=True).fit(train, labeled(20))
    assert np.isfinite(np.asarray(model.predict(train).probabilities)).all()


def test_what_was_saved_predicts_the_same(tmp_path: Path) -> None:
    train = labeled(classes=3)
    model = MlpTrainer(**SMALL, batch_norm=True, dropout=0.1, activation="gelu").fit(train, None)
    model.save(tmp_path)
    held = torch.random.get_rng_state()
    loaded = TorchModel.load(tmp_path)
    assert torch.equal(held, torch.random.get_rng_state())
    np.testing.assert_array_equal(loaded.predict(train).probabilities, model.predict(train).probabilities)
    assert loaded.importances() == model.importances()


def test_no_rows_give_no_predictions() -> None:
    model = MlpTrainer(**SMALL).fit(labeled(), None)
    empty = Features(np.empty((0, 6), dtype=np.float32), labeled().features)
    assert model.predict(empty).values.shape == (0,)


@pytest.mark.parametrize("classes", [0, 3])
def test_an_update_of_one_batch_is_one_step_from_the_weights_that_are_there(classes: int, tmp_path: Path) -> None:
    whole = labeled(200, classes or 2)
    if not classes:
        whole = features(whole.X, np.asarray(whole.X)[:, 0].astype(np.float64) * 50 + 1_000)
    X, y = torch.from_numpy(np.asarray(whole.X)), np.asarray(whole.y)
    trainer = MlpTrainer(**SMALL | {"batch_size": 200})
    model = trainer.fit(whole, None)
    before = {name: value.copy() for name, value in weights(model).items()}
    newer = trainer.update(model, whole)
    own = copy.deepcopy(model.module).train()
    steps = torch.optim.AdamW(own.parameters(), lr=0.01, weight_decay=1e-4)
    steps.load_state_dict({**steps.state_dict(), "state": copy.deepcopy(model.steps)})
    if classes:
        loss = torch.nn.functional.cross_entropy(own(X), torch.from_numpy(y))
    else:
        scaled = torch.from_numpy(((y - model.center) / model.scale).astype(np.float32))
        loss = torch.nn.functional.mse_loss(own(X)[:, 0], scaled)
    loss.backward()
    steps.step()
    for name, value in own.state_dict().items():
        np.testing.assert_allclose(weights(newer)[name], value.numpy(), atol=1e-6)
        np.testing.assert_array_equal(weights(model)[name], before[name])
    assert (newer.center, newer.scale) == (model.center, model.scale)
    model.save(tmp_path)
    assert_same(trainer.update(TorchModel.load(tmp_path), whole), newer)


def test_an_update_that_cannot_be_is_refused_by_name() -> None:
    train = labeled(100)
    trainer = MlpTrainer(**SMALL | {"max_epochs": 1})
    assert isinstance(trainer, hl.Updatable)
    model = trainer.fit(train, None)
    turned = replace(train, X=np.asarray(train.X)[:, ::-1].copy(), features=train.features[::-1])
    other = replace(train, features=(replace(train.features[0], name="other"), *train.features[1:]))
    for teacher, batch, why in (
        (trainer, other, "other features, such as other"),
        (trainer, turned, "another order"),
        (trainer, replace(train, y=None), "labeled rows only"),
        (trainer, replace(train, target=Target("y", "multiclass", ("a", "b", "c")), y=np.full(100, 2)), "never saw: c"),
        (replace(trainer, hidden=(9,)), train, r"goes on from its own models, and this is a network of \(8,\)"),
    ):
        with pytest.raises(DataError, match=why):
            teacher.update(model, batch)


def test_a_constant_feature_matters_less_than_one_that_decides() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=300), np.zeros(300)]).astype(np.float32)
    model = MlpTrainer(**{**SMALL, "max_epochs": 20}).fit(features(X, (X[:, 0] > 0).astype(np.int64)), None)
    found = model.importances()
    assert found["x0"] > found["x1"]


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_an_onnx_package_predicts_as_the_network_does(activation: str) -> None:
    rows = table(200, pl.col("a") + pl.col("b"))
    run = hl.run(
        source=rows,
        target="label",
        trainer={"component": "mlp", **SMALL, "activation": activation, "batch_norm": True, "dropout": 0.1},
        packager=["onnx"],
    )
    assert run.evidence["parity"][0]["ok"]
    own, exported = run.predict(rows), hl.load(run.package("onnx")).predict(rows)
    np.testing.assert_array_equal(own.values, exported.values)
    np.testing.assert_allclose(own.probabilities, exported.probabilities, atol=1e-5)


def test_a_number_is_exported_in_its_own_unit() -> None:
    rows = table(200, pl.col("a") + pl.col("b")).with_columns(label=pl.col("a") * 1_000 + 50_000)
    run = hl.run(source=rows, target="label", trainer={"component": "mlp", **SMALL}, packager=["onnx"])
    exported = hl.load(run.package("onnx")).predict(rows)
    np.testing.assert_allclose(exported.values, run.predict(rows).values, rtol=1e-5)


def test_ctrl_c_is_an_interrupt_that_leaves_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, trainer = labeled(), MlpTrainer(**SMALL)
    whole = trainer.fit(train, None)
    held = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch, checkpoints_in(tmp_path):
        cut_off_in_epoch(2, 1, patch, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(train, None)
    assert signal.getsignal(signal.SIGINT) is held
    assert list(tmp_path.glob("*.ckpt"))
    with checkpoints_in(tmp_path):
        assert_same(whole, trainer.fit(train, None))


def _process_state() -> dict[str, Any]:
    names = ["", "torch", "pytorch_lightning", "lightning_fabric", "lightning.pytorch"]
    kind, keys, *rest = np.random.get_state()
    return {
        "random": random.getstate(),
        "numpy": (kind, np.asarray(keys).tolist(), *rest),
        "torch": torch.random.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "levels": {name: logging.getLogger(name).level for name in names},
        "environ": dict(os.environ),
        "cwd": Path.cwd(),
        "grad": torch.is_grad_enabled(),
    }
