"""What ready networks make of categories, how they say it in ONNX, and how their steps may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import ConfigError, DataError
from hookline.kinds.fitting import Curve, checkpoints_in, steps_in
from hookline_torch import FtTransformerTrainer, MlpTrainer
from hookline_torch.model import TorchModel
from hookline_torch.training.loop import Factor
from hookline_torch.training.options import Steps
from kit.networks import CutOff, cut_off_in_epoch, raise_cut_off

MLP: dict[str, Any] = {"hidden": (16,), "accelerator": "cpu", "max_epochs": 25, "batch_size": 32, "learning_rate": 0.02}
TRANSFORMER: dict[str, Any] = {
    "blocks": 2,
    "width": 8,
    "heads": 2,
    "accelerator": "cpu",
    "max_epochs": 25,
    "batch_size": 32,
    "learning_rate": 0.02,
}
TRAINERS = [MlpTrainer(**MLP), FtTransformerTrainer(**TRANSFORMER)]
CATEGORIES = 6
CODES = {"component": "tabular", "categorical": "codes"}


def coded(rows: int = 300, *, absent: Sequence[int] = ()) -> Features:
    """Return a number, and codes of categories of which every second one means yes, whatever the number is."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, CATEGORIES, rows)
    codes[list(absent)] = -1
    X = np.column_stack([rng.normal(size=rows), codes]).astype(np.float32)
    named = (
        Feature("x", "float32", ("x",), "x"),
        Feature("c", "float32", ("c",), "position of c", categories=CATEGORIES),
    )
    return Features(X, named, y=(codes % 2).astype(np.int64), target=Target("y", "binary", (0, 1)))


def people(rows: int = 240) -> pl.DataFrame:
    """Return a number, a city that decides, and a text that some rows miss."""
    rng = np.random.default_rng(0)
    city = rng.integers(0, 8, rows)
    return pl.DataFrame(
        {
            "city": [f"city {place}" for place in city],
            "size": rng.normal(size=rows),
            "plan": [None if place % 7 == 0 else "ab"[place % 2] for place in range(rows)],
            "label": np.where(city % 2 == 1, "yes", "no"),
        }
    )


def same(one: TorchModel, other: TorchModel) -> bool:
    pairs = zip(one.module.state_dict().values(), other.module.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda one: one.name)
def test_codes_are_told_apart_whatever_their_order(trainer: Any) -> None:
    train = coded()
    assert (trainer.fit(train, None).predict(train).values == train.y).mean() > 0.95


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda one: one.name)
def test_codes_alone_are_enough(trainer: Any) -> None:
    whole = coded()
    train = replace(whole, X=np.asarray(whole.X)[:, 1:], features=whole.features[1:])
    assert (trainer.fit(train, None).predict(train).values == train.y).mean() > 0.95


def test_a_category_that_no_training_row_had_adds_nothing() -> None:
    model = MlpTrainer(**MLP).fit(coded(), None)
    first: Any = model.module[0]  # type: ignore[index]  # a Sequential
    assert not first.embeddings.tables[0].weight[0].any()
    missed = MlpTrainer(**MLP).fit(coded(absent=range(0, 300, 5)), None)
    first = missed.module[0]  # type: ignore[index]  # a Sequential
    assert first.embeddings.tables[0].weight[0].any()


def test_the_width_of_an_embedding_is_as_told_or_by_the_number_of_categories() -> None:
    for embedding, width in ((None, round(1.6 * (CATEGORIES + 1) ** 0.56)), (3, 3)):
        model = MlpTrainer(**MLP | {"max_epochs": 1}, embedding=embedding).fit(coded(), None)
        assert model.network.widths == (width,)  # type: ignore[union-attr]  # of an mlp it is a Network


def test_a_category_that_decides_is_more_important_than_a_number_that_does_not() -> None:
    found = MlpTrainer(**MLP).fit(coded(), None).importances()
    assert list(found) == ["x", "c"]
    assert found["c"] > 2 * found["x"]


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda one: one.name)
def test_a_network_of_categories_is_read_back_and_goes_on_from_there(trainer: Any, tmp_path: Path) -> None:
    train = coded()
    model = trainer.fit(train, None)
    model.save(tmp_path)
    loaded = TorchModel.load(tmp_path)
    assert loaded.network == model.network
    np.testing.assert_array_equal(loaded.predict(train).probabilities, model.predict(train).probabilities)
    newer = trainer.update(loaded, train)
    assert same(newer, trainer.update(model, train))
    assert not same(newer, model)


def test_a_network_of_another_shape_is_not_updated() -> None:
    model = FtTransformerTrainer(**TRANSFORMER | {"max_epochs": 1}).fit(coded(), None)
    with pytest.raises(DataError, match="this is a transformer of 2 blocks of 8 x 10 with 2 heads"):
        FtTransformerTrainer(**TRANSFORMER | {"blocks": 1}).update(model, coded())
    with pytest.raises(DataError, match="goes on from its own models, and this is a transformer"):
        MlpTrainer(**MLP).update(model, coded())


@pytest.mark.parametrize("trainer", [{"component": "mlp", **MLP}, {"component": "ft_transformer", **TRANSFORMER}])
def test_a_package_with_categories_answers_as_the_network_does(trainer: dict[str, Any]) -> None:
    rows = people()
    run = hl.run(
        source=rows, target="label", featurizer=CODES, trainer=trainer, packager=["onnx", "pickle"], evaluator=[]
    )
    assert [one["ok"] for one in run.evidence["parity"]] == [True, True]
    new = pl.DataFrame({"city": ["city 3", "a new one", None], "size": [0.5, -1.0, 0.0], "plan": ["a", None, "zzz"]})
    own, exported = run.predict(new), hl.load(run.package("onnx")).predict(new)
    assert own.values[0] == "yes"
    np.testing.assert_array_equal(own.values, exported.values)
    np.testing.assert_allclose(own.probabilities, exported.probabilities, atol=1e-5)


def test_ordinal_positions_that_are_scaled_are_numbers_and_others_are_categories() -> None:
    dataset = hl.Dataset(people().lazy(), hl.Roles(target="label"))
    from hookline_polars import TabularFeaturizer

    def categories(**fields: Any) -> dict[str, int | None]:
        return {one.name: one.categories for one in TabularFeaturizer(**fields).fit(dataset).features}

    assert categories(categorical="codes", numeric="standard") == {"city": 8, "size": None, "plan": 2}
    assert categories(categorical="ordinal", numeric="none") == {"city": 8, "size": None, "plan": 2}
    assert categories(categorical="ordinal", numeric="standard") == {"city": None, "size": None, "plan": None}


def test_a_transformer_knows_each_feature_by_more_than_its_value() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)).astype(np.float32)
    named = tuple(Feature(name, "float32", (name,), name) for name in "ab")
    train = Features(X, named, y=(X[:, 0] > 0).astype(np.int64), target=Target("y", "binary", (0, 1)))
    model = FtTransformerTrainer(**TRANSFORMER).fit(train, None)
    assert (model.predict(train).values == train.y).mean() > 0.95
    turned = replace(train, X=X[:, ::-1].copy())
    assert (model.predict(turned).values == train.y).mean() < 0.7


def test_only_weights_that_multiply_decay_in_a_transformer() -> None:
    module: Any = FtTransformerTrainer(**TRANSFORMER).network(coded().features, 2).build()
    spared = set(module.undecayed())
    decayed = {name for name, _ in module.named_parameters()} - spared
    assert {name.rsplit(".", 2)[-2] for name in decayed} == {
        *("queries", "keys", "values", "together", "wide", "narrow", "last")
    }
    assert {name for name in decayed if not name.endswith("weight")} == set()


def test_vectors_that_cannot_be_shared_out_among_heads_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.width: must be a multiple of trainer\.heads, 3, got 8"):
        FtTransformerTrainer(**TRANSFORMER | {"heads": 3}).fit(coded(), None)


def test_the_step_size_rises_and_then_falls_as_its_schedule_says() -> None:
    linear = Factor(Steps(1.0, 0.0, "linear", 0.2), 10)
    assert [round(linear(step), 3) for step in range(11)] == [
        *(0.333, 0.667, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0)
    ]
    cosine = Factor(Steps(1.0, 0.0, "cosine"), 4)
    np.testing.assert_allclose([cosine(step) for step in range(5)], [1, 0.853553, 0.5, 0.146447, 0], atol=1e-6)
    constant = Factor(Steps(1.0, 0.0, "constant", 0.5), 4)
    np.testing.assert_allclose([constant(step) for step in range(4)], [1 / 3, 2 / 3, 1, 1])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "plateau"])
def test_training_with_a_schedule_that_was_cut_off_goes_on_to_the_same_weights(
    schedule: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = MLP | {"max_epochs": 6, "learning_rate": 0.2, "dropout": 0.1, "warmup": 0.1, "gradient_clip_val": 0.5}
    trainer, train = MlpTrainer(**options, schedule=schedule, precision="bf16-mixed"), coded()
    whole = trainer.fit(train, None)
    with monkeypatch.context() as patch, checkpoints_in(tmp_path / "kept"):
        cut_off_in_epoch(3, 2, patch, raise_cut_off)
        with pytest.raises(CutOff):
            trainer.fit(train, None)
    with checkpoints_in(tmp_path / "kept"):
        assert same(whole, trainer.fit(train, None))
    assert not same(whole, MlpTrainer(**options, precision="bf16-mixed").fit(train, None))


def test_a_plateau_without_validation_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.schedule: plateau goes by validation rows"):
        MlpTrainer(**MLP | {"patience": None}, schedule="plateau").fit(coded(), None)


def test_a_gradient_is_clipped_to_its_largest_norm() -> None:
    bare = MLP | {"max_epochs": 1, "patience": None, "batch_size": 300}
    free, clipped = (
        MlpTrainer(**bare, gradient_clip_val=value).fit(coded(), None).steps[0]["exp_avg"] for value in (None, 1e-3)
    )
    # The first step's mean is a tenth of the gradient.
    assert float(clipped.norm()) <= 1e-4 < float(free.norm())


def test_mixed_precision_trains_other_weights_and_answers_in_full() -> None:
    train = coded()
    half, full = (MlpTrainer(**MLP, precision=bits).fit(train, None) for bits in ("bf16-mixed", "32-true"))
    assert not same(half, full)
    assert {value.dtype for value in half.module.state_dict().values()} == {torch.float32}
    assert (half.predict(train).values == train.y).mean() > 0.95


def test_a_transformer_reports_its_epochs() -> None:
    curve = Curve()
    with steps_in(curve):
        FtTransformerTrainer(**TRANSFORMER | {"max_epochs": 3}).fit(coded(), None)
    assert [epoch for epoch, _ in curve.points] == [1, 2, 3]
