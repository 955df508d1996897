"""A band of quantiles: each the library's own, conformalized as the paper says, and the same in every package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor

import hookline as hl
from hookline import Feature, Features, Intervals, SklearnModel, Target
from hookline.errors import ConfigError, StoreError
from hookline.kinds.fitted import Prediction
from hookline.packages.deciding.conformal import errors_of, measured
from hookline.packages.door.faults import check_intervals
from hookline_onnx.predictor import _slices
from hookline_sklearn import HistGradientBoostingTrainer, QuantileBandTrainer, QuantileRegressionTrainer

CONFIG: dict[str, Any] = {
    "target": "y",
    "trainer": {"component": "quantile_band", "coverage": 0.8, "trainer": {"component": "quantile_regression"}},
    "split": {"valid": 0.3},
    "intervals": {"coverage": 0.9},
    "packager": ["onnx", "skops", "pickle"],
    "evaluator": ["standard"],
    "monitor": [],
    "deployer": None,
    "name": "band",
}


def spread(rows: int = 900, seed: int = 0) -> pl.DataFrame:
    """Return rows whose noise grows with a column."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 4, size=rows)
    return pl.DataFrame({"x": x, "z": rng.normal(size=rows), "y": 3 * x + (0.1 + x) * rng.normal(size=rows)})


def features(frame: pl.DataFrame) -> Features:
    X = frame.select("x", "z").to_numpy().astype(np.float32)
    named = tuple(Feature(name, "float32", (name,), name) for name in ("x", "z"))
    return Features(X, named, y=frame["y"].to_numpy(), target=Target("y", "regression"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hl.Run]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOOKLINE_HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield hl.run(source=spread(), **CONFIG)


def test_each_quantile_is_the_librarys_own() -> None:
    train = features(spread(300))
    X: Any = train.X
    y: Any = train.y
    for trainer, alone in (
        (QuantileRegressionTrainer(), lambda share: QuantileRegressor(quantile=share, alpha=0.0)),
        (
            HistGradientBoostingTrainer(max_iter=20),
            lambda share: HistGradientBoostingRegressor(
                loss="quantile", quantile=share, max_iter=20, early_stopping=False, random_state=0
            ),
        ),
    ):
        said = QuantileBandTrainer(trainer=trainer, coverage=0.8).fit(train, None).predict(train)
        low, middle, high = (alone(share).fit(X, y).predict(X) for share in (0.1, 0.5, 0.9))
        assert said.intervals is not None
        np.testing.assert_allclose(said.values, middle, rtol=1e-12)
        np.testing.assert_allclose(said.intervals, np.column_stack([low, high]), rtol=1e-12)


def test_how_far_a_truth_lies_beyond_its_quantiles_is_what_the_paper_says() -> None:
    said = Prediction(np.array([0.0, 0.0, 0.0]), intervals=np.array([[-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]]))
    assert errors_of(np.array([0.5, 3.0, -1.5]), said).tolist() == [-0.5, 2.0, 0.5]


def test_bounds_that_are_moved_in_still_hold_the_answer() -> None:
    rule = Intervals(0.5, -2.0, 100, "quantiles")
    found = rule.around(np.array([0.0, 0.0]), np.array([[-1.0, 1.0], [-5.0, 9.0]]))
    assert found.tolist() == [[0.0, 0.0], [-3.0, 7.0]]


def test_new_rows_lie_within_as_often_as_is_promised() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(3000):
        scale = rng.uniform(0.5, 3, size=61)
        truth = scale * rng.standard_t(3, size=61)
        # Quantiles that are far too narrow, and not in the middle.
        said = Prediction(np.zeros(61), intervals=np.column_stack([-0.3 * scale, 0.5 * scale]))
        assert said.intervals is not None
        first = Prediction(said.values[:60], intervals=said.intervals[:60])
        rule = measured(0.9, errors_of(truth[:60], first), None, "quantiles")
        low, high = rule.around(said.values[60:], said.intervals[60:])[0]
        held.append(low <= truth[60] <= high)
    # At least .9, and at most 1/61 more, within 4 standard errors.
    assert 0.9 - 0.022 <= np.mean(held) <= 0.9 + 1 / 61 + 0.022


def test_intervals_are_wide_where_the_rows_are_spread_and_cover_what_they_promise(run: hl.Run) -> None:
    told = run.evidence["intervals"]
    assert told["by"] == "quantiles"
    assert told["held_out"]["covered"] == pytest.approx(0.9, abs=0.06)
    found = run.predict(pl.DataFrame({"x": [0.2, 3.8], "z": [0.0, 0.0]})).intervals
    assert found is not None
    near, far = found[:, 1] - found[:, 0]
    assert far > 3 * near
    page = (run.path / "report.html").read_text("utf-8")
    assert "between the quantiles that the model tells of the row" in page
    assert "wide on average" in page


@pytest.mark.parametrize("packager", ["onnx", "skops", "pickle"])
def test_every_package_tells_the_same(run: hl.Run, packager: str) -> None:
    loaded = hl.load(run.path / "packages" / packager, trust=hl.Trust(pickle=True))
    rows = spread(50, 2).select("x", "z")
    ours, theirs = run.predict(rows).intervals, loaded.predict(rows).intervals
    assert ours is not None
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)
    assert loaded.predictor.intervals.by == "quantiles"
    assert all(one["ok"] for one in run.evidence["certificates"])


def test_onnxruntime_alone_tells_them(run: hl.Run) -> None:
    session = onnxruntime.InferenceSession(run.path / "packages" / "onnx" / "model.onnx")
    rows = spread(50, 2).select("x", "z")
    (feeds,) = _slices(rows, run.predictor.schema)
    lower, upper = session.run(["lower", "upper"], feeds)
    ours = run.predict(rows).intervals
    assert ours is not None
    np.testing.assert_allclose(np.column_stack([lower, upper]), ours, rtol=1e-5, atol=1e-5)


def test_without_a_coverage_no_bounds_are_told_by_any_package() -> None:
    made = hl.run(source=spread(300), **CONFIG | {"intervals": {}, "packager": ["skops"], "name": "plain"})
    assert made.predict(spread(5).select("x", "z")).intervals is None


def test_boosted_quantiles_are_packaged_as_a_graph(tmp_path: Path) -> None:
    trainer = {"component": "quantile_band", "trainer": {"component": "hist_gradient_boosting", "max_iter": 15}}
    made = hl.run(source=spread(500), **CONFIG | {"trainer": trainer, "packager": ["onnx", "skops"], "name": "boosted"})
    assert [one["ok"] for one in made.evidence["certificates"]] == [True, True]


def test_a_trainer_without_a_quantile_is_refused() -> None:
    with pytest.raises(ValueError, match="trainer 'ridge' has no field `quantile`; hist_gradient_boosting and"):
        QuantileBandTrainer(trainer=hl_trainer("ridge"))
    with pytest.raises(ConfigError, match="has no field `quantile`"):
        hl.plan(source="diabetes", trainer={"component": "quantile_band", "trainer": {"component": "ridge"}})


def test_what_it_sets_of_its_trainer_itself_is_refused_and_not_ignored() -> None:
    with pytest.raises(ValueError, match="sets `loss` of its trainer itself; leave loss=absolute_error out"):
        QuantileBandTrainer(trainer=HistGradientBoostingTrainer(loss="absolute_error"))
    with pytest.raises(ValueError, match="sets `quantile` of its trainer itself; leave quantile=0.9 out"):
        QuantileBandTrainer(trainer=HistGradientBoostingTrainer(loss="quantile", quantile=0.9))
    QuantileBandTrainer(trainer=HistGradientBoostingTrainer(loss="quantile"))


def hl_trainer(name: str) -> Any:
    from hookline.registry.registry import load_registry

    return load_registry().build("trainer", name, {}, "trainer")


def test_quantiles_alone_may_be_moved_in() -> None:
    number = Target("y", "regression")
    check_intervals(Intervals(0.9, -1.0, 10, "quantiles"), number, "pipeline.json")
    for rule in (Intervals(0.9, -1.0, 10), Intervals(0.9, float("nan"), 10, "quantiles")):
        with pytest.raises(StoreError, match="its intervals are none around a number"):
            check_intervals(rule, number, "pipeline.json")


def test_a_file_of_two_models_is_damaged(tmp_path: Path) -> None:
    from hookline_sklearn.packagers import _model_in

    with pytest.raises(StoreError, match="it holds 2 models, where a model has one or three"):
        _model_in([1, 2], (), tmp_path)
    assert SklearnModel(None).ends is None
