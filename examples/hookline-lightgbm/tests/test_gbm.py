"""The trainer against its promises, and against LightGBM's own scikit-learn interface."""

import numpy as np
import pytest
from hookline_lightgbm import GbmTrainer

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import DataError
from hookline.testing import Check, Curve, checks_for, steps_in

TASKS = ("binary", "multiclass", "regression")
CLASSES = {"binary": (0, 1), "multiclass": (0, 1, 2), "regression": ()}


def rows(task: str, n: int = 1_000, *, gaps: bool = False, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, 0] = rng.integers(0, 5, n)
    X[:, 1] *= 1e3
    X[:, 2] = np.where(rng.random(n) < 0.7, 0, X[:, 2])
    if gaps:
        X[rng.random(X.shape) < 0.2] = np.nan
    score = np.nan_to_num(X[:, 0]) + np.isnan(X[:, 1]) + np.nan_to_num(X[:, 2]) + rng.normal(0, 0.3, n)
    y = {"binary": (score > 2).astype(int), "multiclass": np.digitize(score, [1, 3]), "regression": 100 * score}[task]
    features = tuple(Feature(f"x{i}", "float32", (f"x{i}",), f"x{i}") for i in range(X.shape[1]))
    return Features(X.astype(np.float32), features, y=y, target=Target("y", task, CLASSES[task]))


def answers(model: object, features: Features) -> np.ndarray:
    found = model.predict(features)
    return found.values if found.probabilities is None else found.probabilities


@pytest.mark.parametrize("check", checks_for(GbmTrainer(n_estimators=30)), ids=str)
def test_conforms(check: Check) -> None:
    check()


@pytest.mark.parametrize("task", TASKS)
def test_equals_lightgbm_used_by_hand(task: str) -> None:
    import lightgbm

    train = rows(task, gaps=True)
    estimator = {"regression": lightgbm.LGBMRegressor}.get(task, lightgbm.LGBMClassifier)
    by_hand = estimator(n_estimators=40, num_leaves=15, verbosity=-1, n_jobs=1, deterministic=True, force_row_wise=True)
    by_hand.fit(train.X, train.y)
    expected = by_hand.booster_.predict(train.X)
    found = answers(GbmTrainer(n_estimators=40, num_leaves=15).fit(train, None), train)
    np.testing.assert_allclose(found[:, 1] if task == "binary" else found, expected, atol=1e-9)


def test_stops_early_on_the_validation_rows() -> None:
    train, valid = rows("binary"), rows("binary", seed=1)
    short = GbmTrainer(n_estimators=500, early_stopping_rounds=5).fit(train, valid)
    assert short.booster.num_trees() < 200
    assert GbmTrainer(n_estimators=500, early_stopping_rounds=None).fit(train, valid).booster.num_trees() == 500


def test_reports_the_metric_of_each_round_on_the_validation_rows() -> None:
    curve = Curve()
    with steps_in(curve):
        GbmTrainer(n_estimators=8, early_stopping_rounds=None).fit(rows("binary"), rows("binary", seed=1))
    assert [step for step, _ in curve.points] == list(range(1, 9))
    assert (curve.name, curve.greater_is_better) == ("binary_logloss", False)
    assert curve.points[-1][1] < curve.points[0][1]


def test_importances_are_gains_and_find_the_column_that_matters() -> None:
    found = GbmTrainer(n_estimators=20).fit(rows("regression"), None).importances()
    assert max(found, key=found.get) == "x0"
    assert list(found) == ["x0", "x1", "x2", "x3", "x4"]


def test_balanced_classes_raise_the_share_of_the_rare_one() -> None:
    train = rows("binary")
    rare = Features(train.X, train.features, y=(train.X[:, 3] > 1.8).astype(int), target=train.target)
    plain, balanced = (GbmTrainer(n_estimators=5, class_weight=w).fit(rare, None) for w in (None, "balanced"))
    assert answers(balanced, rare)[:, 1].mean() > 2 * answers(plain, rare)[:, 1].mean()


def test_an_objective_for_numbers_refuses_classes() -> None:
    with pytest.raises(DataError, match=r"trainer\.objective=huber is for numbers"):
        GbmTrainer(objective="huber").fit(rows("binary"), None)


def test_no_rows_give_no_predictions() -> None:
    train = rows("multiclass")
    empty = Features(train.X[:0], train.features)
    assert answers(GbmTrainer(n_estimators=3).fit(train, None), empty).shape == (0, 3)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_onnx_is_exact_at_and_beside_every_threshold(task: str, gaps: bool) -> None:
    import onnxruntime
    import spox

    train = rows(task, gaps=gaps)
    model = GbmTrainer(n_estimators=60).fit(train, None)
    edges = on_the_edge(model.booster, train.X)
    matrix = spox.argument(spox.Tensor(np.float32, ("N", 5)))
    graph = spox.build({"X": matrix}, model.to_onnx({"X": matrix}))
    found = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": edges})
    expected = answers(model, Features(edges, train.features))
    got = found[0].ravel() if task == "regression" else found[1]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def on_the_edge(booster: object, X: np.ndarray) -> np.ndarray:
    """Rows whose values are thresholds rounded to float32, their neighbours, missing, or almost zero."""
    rng = np.random.default_rng(1)
    thresholds = booster.trees_to_dataframe().dropna(subset=["threshold"])
    edges = X[rng.integers(0, len(X), 2_000)].copy()
    for row, (name, value) in enumerate(zip(thresholds.split_feature, thresholds.threshold, strict=True)):
        with np.errstate(over="ignore"):
            near = np.float32(value)
        edges[row % len(edges), int(name.removeprefix("Column_"))] = (
            near if row % 3 else np.nextafter(near, np.float32(1))
        )
    edges[rng.random(edges.shape) < 0.05] = np.nan
    edges[rng.random(edges.shape) < 0.05] = 1e-36
    return edges


def test_its_experiment_runs_to_an_onnx_package() -> None:
    run = hl.run("experiment=lightgbm")
    assert run.status == "finished"
    assert run.metrics["roc_auc"] > 0.97
    assert run.evidence["parity"][0]["ok"]
    assert run.package("onnx").is_dir()
