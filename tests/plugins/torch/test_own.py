"""A project's own modules: trained, stopped, gone on with, kept and exported as ready networks are."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import hookline as hl
from hookline import Features, Target
from hookline.errors import ConfigError, DataError, ExportError
from hookline.kinds.fitting import Curve, checkpoints_in, steps_in
from hookline_torch.model import OwnModel
from kit.conformance import check_good
from kit.networks import (
    CutOff,
    OddsTrainer,
    Slim,
    SlimTrainer,
    cut_off_in_epoch,
    features,
    labeled,
    raise_cut_off,
)
from kit.tables import table

FEW: dict[str, Any] = {"accelerator": "cpu", "max_epochs": 6, "batch_size": 32}


def state(model: OwnModel) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = model.module.state_dict()
    return found


def same(one: OwnModel, other: OwnModel) -> bool:
    return all(torch.equal(value, state(other)[name]) for name, value in state(one).items())


@pytest.mark.parametrize("trainer", [SlimTrainer(**FEW), OddsTrainer(**FEW)], ids=lambda one: one.name)
def test_it_passes_the_conformance_kit(trainer: Any) -> None:
    check_good(trainer)


@pytest.mark.parametrize("trainer", [SlimTrainer, OddsTrainer])
def test_the_seed_decides_its_weights(trainer: Any) -> None:
    torch.manual_seed(1)
    first = trainer(**FEW, seed=1).fit(labeled(), None)
    torch.manual_seed(2)
    assert same(first, trainer(**FEW, seed=1).fit(labeled(), None))
    assert not same(first, trainer(**FEW, seed=2).fit(labeled(), None))


def test_a_lightning_module_trains_as_lightning_alone_trains_it() -> None:
    import pytorch_lightning as lightning
    from torch.utils.data import DataLoader, TensorDataset

    train = labeled(64)
    made = SlimTrainer(**FEW | {"batch_size": 64, "patience": None}).fit(train, None)
    torch.manual_seed(0)
    alone = Slim(6, 16, 2)

    class Seeds(lightning.Callback):  # type: ignore[misc]  # mypy does not follow Lightning
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
            torch.manual_seed(trainer.current_epoch)

    rows = TensorDataset(torch.from_numpy(np.asarray(train.X)), torch.from_numpy(np.asarray(train.y)))
    with warnings.catch_warnings():
        # Advice on loaders and loggers, which are left out here.
        warnings.simplefilter("ignore")
        lightning.Trainer(
            max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=[Seeds()],
            enable_progress_bar=False, enable_model_summary=False,
        ).fit(alone, DataLoader(rows, batch_size=64))  # fmt: skip
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(state(made)[name], value, atol=1e-6, rtol=1e-5)


def test_training_of_an_own_module_that_was_cut_off_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, whole = SlimTrainer(**FEW), SlimTrainer(**FEW).fit(labeled(), None)
    with monkeypatch.context() as patch, checkpoints_in(tmp_path / "kept"):
        cut_off_in_epoch(3, 2, patch, raise_cut_off)
        with pytest.raises(CutOff):
            trainer.fit(labeled(), None)
    with checkpoints_in(tmp_path / "kept"):
        assert same(whole, trainer.fit(labeled(), None))


def test_what_it_logs_is_reported_and_stops_it() -> None:
    curve = Curve()
    with steps_in(curve):
        SlimTrainer(**FEW, logged="cost", monitor="cost").fit(labeled(), None)
    assert (curve.name, [epoch for epoch, _ in curve.points]) == ("cost", [1, 2, 3, 4, 5, 6])
    rising = Curve()
    with steps_in(rising):
        SlimTrainer(**FEW | {"patience": 1}, monitor="valid_loss", mode="max").fit(labeled(), None)
    assert rising.greater_is_better
    assert len(rising.points) < 6


def test_a_module_that_does_not_log_what_is_watched_is_told_what_it_logs() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.monitor: the module logs no 'valid_loss' .*; it logs cost"):
        SlimTrainer(**FEW, logged="cost").fit(labeled(), None)


def test_a_module_without_a_validation_step_learns_from_all_rows() -> None:
    import pytorch_lightning as lightning

    class Blind(Slim):
        validation_step = lightning.LightningModule.validation_step

    seen: list[int] = []

    class BlindTrainer(SlimTrainer):
        """No look at validation rows."""

        name = "blind"

        def module(self, train: Features) -> Any:
            made = Blind(len(train.features), 4, 2)
            made.on_train_batch_start = lambda batch, batch_idx: seen.append(len(batch[1]))
            return made

    BlindTrainer(**FEW | {"max_epochs": 1}).fit(labeled(100), None)
    assert sum(seen) == 100


def test_weights_that_the_module_does_not_take_are_refused_and_given_where_it_does() -> None:
    weight = np.linspace(0.5, 1.5, 300)
    with pytest.raises(DataError, match="trainer 'slim' takes no weights"):
        SlimTrainer(**FEW).fit(replace(labeled(), sample_weight=weight), None)
    given: list[torch.Tensor] = []

    class Weighed(Slim):
        def cost(self, batch: Any) -> torch.Tensor:
            given.append(batch[2])
            return super().cost(batch[:2])

    class WeighedTrainer(SlimTrainer):
        """With weights."""

        name = "weighed"
        takes_weights = True

        def module(self, train: Features) -> Any:
            return Weighed(len(train.features), 4, 2)

    WeighedTrainer(**FEW | {"max_epochs": 1, "patience": None}).fit(replace(labeled(), sample_weight=weight), None)
    np.testing.assert_allclose(np.sort(torch.cat(given).numpy()), weight, rtol=1e-6)


def test_a_module_that_diverges_says_what_to_lower() -> None:
    far = features(np.asarray(labeled().X) * 1e30, np.asarray(labeled().y))
    with pytest.raises(DataError, match="trainer 'slim' did not converge") as caught:
        SlimTrainer(**FEW | {"patience": None}).fit(far, None)
    assert caught.value.hint == "lower the module's learning rate"


def test_what_is_no_lightning_module_is_refused() -> None:
    class WrongTrainer(SlimTrainer):
        """Not what it says."""

        name = "wrong"

        def module(self, train: Features) -> Any:
            return torch.nn.Linear(1, 1)

    with pytest.raises(ConfigError, match=r"module\(\) of 'wrong' returns a Linear, no LightningModule"):
        WrongTrainer(**FEW).fit(labeled(), None)


def test_a_module_of_another_shape_than_the_target_is_told() -> None:
    three = labeled(classes=3)
    with pytest.raises(DataError, match="Linear makes 1 outputs of a row, and 3, one a class, is wanted"):
        OwnModel(torch.nn.Linear(6, 1), 3, three.names).predict(three)


def test_numbers_are_standardized_unless_it_says_otherwise() -> None:
    X = np.asarray(labeled().X)
    train = features(X, X[:, 0].astype(np.float64) * 100 + 5_000)
    assert train.target == Target("y", "regression")
    near = features(X, X[:, 0].astype(np.float64))
    model = SlimTrainer(**FEW).fit(train, None)
    assert model.center == pytest.approx(float(np.mean(np.asarray(train.y))))
    assert np.mean((model.predict(train).values - train.y) ** 2) < np.var(np.asarray(train.y))
    assert SlimTrainer(**FEW | {"max_epochs": 1}, standardize=False).fit(near, None).scale == 1.0


@pytest.mark.parametrize("trainer", [SlimTrainer, OddsTrainer])
def test_its_onnx_package_answers_as_the_module_does(trainer: Any, capfd: pytest.CaptureFixture[str]) -> None:
    rows = table(200)
    model = trainer(**FEW)
    run = hl.run(source=rows, target="label", trainer=model, packager=["onnx"], evaluator=[])
    assert run.evidence["parity"][0]["ok"]
    assert "torchvision" not in capfd.readouterr().err
    own, exported = run.predict(rows), hl.load(run.package("onnx")).predict(rows)
    np.testing.assert_allclose(own.probabilities, exported.probabilities, atol=1e-5)


def test_a_module_that_onnx_cannot_say_names_the_packager_that_can() -> None:
    import spox

    class Fickle(torch.nn.Module):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return X if float(X.sum()) > 0 else -X

    X = spox.argument(spox.Tensor(np.float32, ("N", 2)))
    with pytest.raises(ExportError, match="Fickle cannot be said in ONNX") as caught:
        OwnModel(Fickle(), 2, ("a", "b")).to_onnx({"X": X})
    assert caught.value.hint == "choose packager=[pickle]"


def test_what_a_pickle_brings_back_predicts_the_same(tmp_path: Path) -> None:
    model = SlimTrainer(**FEW).fit(labeled(), None)
    model.save(tmp_path)
    restored = OwnModel.load(tmp_path)
    np.testing.assert_array_equal(model.predict(labeled()).probabilities, restored.predict(labeled()).probabilities)
    assert isinstance(restored.module, Slim)


def test_a_column_of_log_odds_is_two_probabilities() -> None:
    line = torch.nn.Linear(1, 1)
    rows = features(np.array([[0.0], [2.0]], dtype=np.float32), np.array([0, 1]))
    with torch.no_grad():
        line.weight.fill_(1.0)
        line.bias.fill_(0.0)
    found = OwnModel(line, 2, ("x0",)).predict(rows)
    np.testing.assert_allclose(found.probabilities, [[0.5, 0.5], [1 / (1 + np.e**2), 1 / (1 + np.e**-2)]], rtol=1e-6)
    assert pl.Series(found.values).to_list() == [0, 1]
