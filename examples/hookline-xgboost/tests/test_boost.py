"""The trainer against its promises, and against XGBoost's own scikit-learn interface."""

import numpy as np
import pytest
from hookline_xgboost import BoostTrainer

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import Pruned
from hookline.kinds.fitting import judged_by
from hookline.testing import Check, Curve, checks_for, steps_in

TASKS = ("binary", "multiclass", "regression")
CLASSES = {"binary": (0, 1), "multiclass": (0, 1, 2), "regression": ()}


def rows(task: str, n: int = 1_000, *, gaps: bool = False, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1, 1e3, 1, 1]
    X[:, 0] = rng.integers(0, 5, n)
    if gaps:
        X[rng.random(X.shape) < 0.2] = np.nan
    score = np.nan_to_num(X[:, 0]) + np.isnan(X[:, 1]) + np.nan_to_num(X[:, 2]) + rng.normal(0, 0.3, n)
    y = {"binary": (score > 2).astype(int), "multiclass": np.digitize(score, [1, 3]), "regression": 100 * score}[task]
    features = tuple(Feature(f"x{i}", "float32", (f"x{i}",), f"x{i}") for i in range(X.shape[1]))
    return Features(X.astype(np.float32), features, y=y, target=Target("y", task, CLASSES[task]))


def answers(model: object, features: Features) -> np.ndarray:
    found = model.predict(features)
    return found.values if found.probabilities is None else found.probabilities


@pytest.mark.parametrize("check", checks_for(BoostTrainer(n_estimators=20, max_depth=4)), ids=str)
def test_conforms(check: Check) -> None:
    check()


@pytest.mark.parametrize("task", TASKS)
def test_equals_xgboost_used_by_hand(task: str) -> None:
    import xgboost

    train = rows(task, gaps=True)
    estimator = {"regression": xgboost.XGBRegressor}.get(task, xgboost.XGBClassifier)
    base = float(np.float32(train.y.mean())) if task == "regression" else 0.5
    by_hand = estimator(n_estimators=30, max_depth=4, n_jobs=1, base_score=base).fit(train.X, train.y)
    expected = by_hand.predict(train.X) if task == "regression" else by_hand.predict_proba(train.X)
    found = answers(BoostTrainer(n_estimators=30, max_depth=4).fit(train, None), train)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)


def test_stops_early_on_the_validation_rows() -> None:
    train, valid = rows("binary"), rows("binary", seed=1)
    short = BoostTrainer(n_estimators=300, early_stopping_rounds=5).fit(train, valid)
    assert len(short.trees) < 100
    assert len(BoostTrainer(n_estimators=300, early_stopping_rounds=None).fit(train, valid).trees) == 300


def test_reports_each_round_and_can_be_pruned() -> None:
    trainer, curve = BoostTrainer(n_estimators=8, early_stopping_rounds=None), Curve()
    with steps_in(curve):
        trainer.fit(rows("binary"), rows("binary", seed=1))
    assert [step for step, _ in curve.points] == list(range(1, 9))
    assert (curve.name, curve.greater_is_better) == ("logloss", False)
    with steps_in(Curve()), judged_by(lambda step: step.step == 3), pytest.raises(Pruned, match="step 3, logloss"):
        trainer.fit(rows("binary"), rows("binary", seed=1))


def test_the_seed_decides_the_trees() -> None:
    first, again, other = (
        BoostTrainer(n_estimators=5, subsample=0.5, seed=seed).fit(rows("binary"), None).text for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_sparse_matrix_gives_the_trees_of_the_dense_one() -> None:
    from scipy.sparse import csr_matrix

    train = rows("binary")
    thin = Features(csr_matrix(train.X), train.features, y=train.y, target=train.target)
    trainer = BoostTrainer(n_estimators=5)
    assert trainer.fit(thin, None).text == trainer.fit(train, None).text


def test_importances_are_gains_and_find_the_column_that_matters() -> None:
    found = BoostTrainer(n_estimators=20).fit(rows("regression"), None).importances()
    assert max(found, key=found.get) == "x0"
    assert list(found) == ["x0", "x1", "x2", "x3"]


def test_no_rows_give_no_predictions() -> None:
    train = rows("multiclass")
    empty = Features(train.X[:0], train.features)
    assert answers(BoostTrainer(n_estimators=3).fit(train, None), empty).shape == (0, 3)


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("task", TASKS)
def test_onnx_is_exact_at_and_beside_every_threshold(task: str, gaps: bool) -> None:
    import onnxruntime
    import spox

    train = rows(task, gaps=gaps)
    model = BoostTrainer(n_estimators=40).fit(train, None)
    edges = on_the_edge(model, train.X)
    matrix = spox.argument(spox.Tensor(np.float32, ("N", 4)))
    graph = spox.build({"X": matrix}, model.to_onnx({"X": matrix}))
    found = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": edges})
    got = found[0].ravel() if task == "regression" else found[1]
    expected = answers(model, Features(edges, train.features))
    # Both add up float32, in orders of their own.
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * max(1.0, float(np.std(expected))))


def on_the_edge(model: object, X: np.ndarray) -> np.ndarray:
    """Rows whose values are thresholds, their neighbors, or missing."""
    rng = np.random.default_rng(1)
    edges = X[rng.integers(0, len(X), 2_000)].copy()
    for place, values in model.thresholds().items():
        some = rng.choice(values, len(edges)).astype(np.float32)
        below = np.nextafter(some, np.float32(-np.inf))
        edges[:, place] = np.where(rng.random(len(edges)) < 0.5, some, below)
    edges[rng.random(edges.shape) < 0.05] = np.nan
    return edges


def test_its_experiment_runs_to_an_onnx_package() -> None:
    run = hl.run("experiment=xgboost")
    assert run.status == "finished"
    assert run.metrics["roc_auc"] > 0.97
    assert run.evidence["parity"][0]["ok"]
    assert run.package("onnx").is_dir()
