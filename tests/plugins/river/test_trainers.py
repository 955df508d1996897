"""River's learners behind the matrix: they are river's own, test each row before they learn it, and go on from a model."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from river import metrics
from river.forest import ARFClassifier
from river.linear_model import LinearRegression, LogisticRegression
from river.optim import SGD, Adam
from river.tree import HoeffdingTreeClassifier, HoeffdingTreeRegressor
from river.tree.splitter import QOSplitter
from scipy import sparse
from sklearn import datasets
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

import hookline as hl
from hookline import Feature, Features, Finding, Target, Updatable
from hookline.errors import DataError, HooklineError, UsageError
from hookline.kinds.fitting import Curve, findings_in, steps_in
from hookline_river import (
    AdaptiveRandomForestTrainer,
    HoeffdingTreeTrainer,
    RiverLogisticTrainer,
    RiverRegressionTrainer,
)
from hookline_river.learning import PREQUENTIAL

FOREST = AdaptiveRandomForestTrainer(n_models=3)
CASES: list[tuple[str, Any]] = [
    ("breast_cancer", RiverLogisticTrainer()),
    ("breast_cancer", HoeffdingTreeTrainer()),
    ("breast_cancer", FOREST),
    ("wine", RiverLogisticTrainer()),
    ("wine", HoeffdingTreeTrainer()),
    ("diabetes", RiverRegressionTrainer()),
    ("diabetes", HoeffdingTreeTrainer()),
    ("diabetes", FOREST),
]
IDS = [f"{trainer.name}-{table}" for table, trainer in CASES]


def real(table: str, **over: Any) -> Features:
    """Return a table of scikit-learn, scaled, its rows in an order that means nothing."""
    bunch = getattr(datasets, f"load_{table}")()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    X = StandardScaler().fit_transform(bunch.data)[order].astype(np.float32)
    count = len(np.unique(bunch.target))
    target = Target("y", "binary" if count == 2 else "multiclass", tuple(range(count)))
    if table == "diabetes":
        target = Target("y", "regression")
    features = tuple(Feature(name, "float32", (name,), name) for name in bunch.feature_names)
    values: dict[str, Any] = {"X": X, "y": bunch.target[order], "features": features, "target": target}
    return Features(**(values | over))


def part(whole: Features, rows: slice) -> Features:
    X, y = whole.X, whole.y
    assert y is not None
    weight = None if whole.sample_weight is None else whole.sample_weight[rows]
    return replace(whole, X=X[rows], y=y[rows], sample_weight=weight)  # type: ignore[index]


def dicts(features: Features) -> list[dict[str, float]]:
    X: Any = features.X
    return [dict(zip(features.names, row, strict=True)) for row in X.tolist()]


def told(features: Features, trainer: Any) -> np.ndarray:
    answers = trainer.predict(features)
    return np.asarray(answers.values if answers.probabilities is None else answers.probabilities)


def test_all_are_updatable() -> None:
    for trainer in (RiverLogisticTrainer(), RiverRegressionTrainer(), HoeffdingTreeTrainer(), FOREST):
        assert isinstance(trainer, Updatable)


def test_a_logistic_regression_is_rivers_own_and_its_figure_rivers_own_progressive_validation() -> None:
    train, found = real("breast_cancer"), list[Finding]()
    trainer = RiverLogisticTrainer(shuffle=False, passes=1, learning_rate=0.05, l2=0.01)
    with findings_in(found):
        model = trainer.fit(train, None)
    golden, loss, right = LogisticRegression(SGD(0.05), intercept_lr=0.03, l2=0.01), metrics.LogLoss(), 0
    y: Any = train.y
    for x, label in zip(dicts(train), y.tolist(), strict=True):
        share = golden.predict_proba_one(x)
        loss.update(bool(label), share)
        right += (share[True] > share[False]) == label
        golden.learn_one(x, bool(label))
    own = [golden.predict_proba_one(x)[True] for x in dicts(train)]
    np.testing.assert_allclose(told(train, model)[:, 1], own, atol=1e-9)
    assert found[0].value == pytest.approx(loss.get(), abs=1e-9)
    assert f"{right / len(y):.1%} right" in found[0].message
    assert found[0].statistic == PREQUENTIAL


def test_more_than_two_classes_are_each_told_from_the_rest() -> None:
    train = real("wine")
    model = RiverLogisticTrainer(shuffle=False, passes=2, optimizer="adam").fit(train, None)
    goldens = [LogisticRegression(Adam(0.03), intercept_lr=0.03) for _ in range(3)]
    y: Any = train.y
    for _ in range(2):
        for x, label in zip(dicts(train), y.tolist(), strict=True):
            for code, golden in enumerate(goldens):
                golden.learn_one(x, label == code)
    own = np.array([[golden.predict_proba_one(x)[True] for golden in goldens] for x in dicts(train)])
    np.testing.assert_allclose(told(train, model), own / own.sum(axis=1, keepdims=True), atol=1e-9)
    assert set(model.importances()) == set(train.names)


def test_a_linear_regression_is_rivers_own_on_a_scaled_target() -> None:
    train = real("diabetes")
    model = RiverRegressionTrainer(shuffle=False, passes=1).fit(train, None)
    golden = LinearRegression(SGD(0.005), intercept_lr=0.005)
    y: Any = train.y
    center, scale = y.mean(), y.std()
    for x, value in zip(dicts(train), y.tolist(), strict=True):
        golden.learn_one(x, (value - center) / scale)
    own = [golden.predict_one(x) * scale + center for x in dicts(train)]
    np.testing.assert_allclose(told(train, model), own, rtol=1e-9)


def test_a_tree_of_classes_is_rivers_own_but_no_surer_than_its_rows_allow() -> None:
    train = real("breast_cancer")
    model = HoeffdingTreeTrainer(shuffle=False, grace_period=50, tau=0.5).fit(train, None)
    golden = HoeffdingTreeClassifier(grace_period=50, tau=0.5, max_depth=20)
    y: Any = train.y
    for x, label in zip(dicts(train), y.tolist(), strict=True):
        golden.learn_one(x, label)
    assert model.learners[0].summary == golden.summary
    assert golden.n_branches > 3
    shares = told(train, model)
    assert shares.argmax(axis=1).tolist() == [golden.predict_one(x) for x in dicts(train)]
    assert shares.min() >= 1 / (len(y) + 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_a_tree_of_numbers_is_rivers_own() -> None:
    train = real("diabetes")
    model = HoeffdingTreeTrainer(shuffle=False, grace_period=50).fit(train, None)
    golden = HoeffdingTreeRegressor(grace_period=50, max_depth=20, splitter=QOSplitter(0.25))
    y: Any = train.y
    for x, value in zip(dicts(train), y.tolist(), strict=True):
        golden.learn_one(x, (value - y.mean()) / y.std())
    own = [golden.predict_one(x) * y.std() + y.mean() for x in dicts(train)]
    np.testing.assert_allclose(told(train, model), own, rtol=1e-9)


def test_a_forest_is_rivers_own() -> None:
    train = part(real("breast_cancer"), slice(0, 200))
    model = replace(FOREST, shuffle=False, seed=7).fit(train, None)
    golden = ARFClassifier(n_models=3, seed=7, max_depth=20)
    y: Any = train.y
    for x, label in zip(dicts(train), y.tolist(), strict=True):
        golden.learn_one(x, label)
    own = np.array([[golden.predict_proba_one(x).get(code, 0.0) for code in (0, 1)] for x in dicts(train)])
    np.testing.assert_allclose(told(train, model), own / own.sum(axis=1, keepdims=True), atol=1e-9)


@pytest.mark.parametrize(("table", "trainer"), CASES, ids=IDS)
def test_it_learns_real_rows_tells_so_and_goes_on_without_touching_the_model(table: str, trainer: Any) -> None:
    whole, curve, found = real(table), Curve(), list[Finding]()
    rows = whole.shape[0]
    train, later, test = (part(whole, s) for s in (slice(0, rows // 2), slice(rows // 2, -60), slice(-60, None)))
    with steps_in(curve), findings_in(found):
        model = trainer.fit(train, None)
    assert curve.name == PREQUENTIAL
    assert curve.points[-1][1] < curve.points[0][1]
    assert len(found) == 1
    assert found[0].value < found[0].threshold
    before, shown = pickle.dumps(model), told(test, model)
    newer = trainer.update(model, later)
    assert pickle.dumps(model) == before
    np.testing.assert_array_equal(told(test, model), shown)
    assert not np.array_equal(told(test, newer), shown)
    np.testing.assert_array_equal(told(test, trainer.update(pickle.loads(before), later)), told(test, newer))
    y: Any = test.y
    values = newer.predict(test).values
    assert r2_score(y, values) > 0.1 if table == "diabetes" else (values == y).mean() > 0.85


def test_an_update_is_the_same_act_as_the_rows_after() -> None:
    whole = real("breast_cancer")
    for trainer in (
        RiverLogisticTrainer(passes=1, shuffle=False, optimizer="adam"),
        HoeffdingTreeTrainer(shuffle=False),
        replace(FOREST, shuffle=False),
    ):
        first = trainer.fit(part(whole, slice(0, 150)), None)
        newer = trainer.update(first, part(whole, slice(150, 250)))
        long = trainer.fit(part(whole, slice(0, 250)), None)
        np.testing.assert_array_equal(told(whole, newer), told(whole, long))


def test_sparse_rows_are_read_as_they_are() -> None:
    dense = part(real("wine"), slice(0, 60))
    thin = replace(dense, X=sparse.csr_matrix(dense.X))
    for trainer in (RiverLogisticTrainer(), HoeffdingTreeTrainer()):
        model, same = trainer.fit(dense, None), trainer.fit(thin, None)
        np.testing.assert_allclose(told(thin, same), told(dense, model), atol=1e-12)


@pytest.mark.parametrize(("table", "trainer"), CASES, ids=IDS)
def test_weights_count_relative_to_each_other_and_rows_of_none_not_at_all(table: str, trainer: Any) -> None:
    train = part(real(table), slice(0, 80))
    weight = np.random.default_rng(3).integers(0, 3, 80).astype(float)
    heavy = trainer.fit(replace(train, sample_weight=weight), None)
    scaled = trainer.fit(replace(train, sample_weight=1_000 * weight), None)
    np.testing.assert_allclose(told(train, scaled), told(train, heavy), rtol=1e-9)
    assert not np.allclose(told(train, heavy), told(train, trainer.fit(train, None)))
    X, y = (np.asarray(values)[weight > 0] for values in (train.X, train.y))
    only = trainer.fit(replace(train, X=X, y=y, sample_weight=weight[weight > 0]), None)
    np.testing.assert_array_equal(told(train, only), told(train, heavy))


def test_a_row_of_weight_two_teaches_a_forest_as_two_rows_on_average() -> None:
    train = part(real("breast_cancer"), slice(0, 120))
    y: Any = train.y
    heavy, twice = np.where(y == 1, 8.0, 1.0), np.concatenate([np.arange(120), *[np.flatnonzero(y == 1)] * 7])
    trees = replace(FOREST, n_models=5, leaf_prediction="mean", grace_period=10_000)
    weighed = trees.fit(replace(train, sample_weight=heavy), None)
    repeated = trees.fit(replace(train, X=np.asarray(train.X)[twice], y=y[twice]), None)
    for one, other in zip(told(train, weighed), told(train, repeated), strict=True):
        assert one[1] == pytest.approx(other[1], abs=0.03)
    assert told(train, weighed)[0, 1] > told(train, trees.fit(train, None))[0, 1] + 0.1


def test_trees_stay_within_their_size() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 4)).astype(np.float32)
    y = ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int) + 2 * (X[:, 2] > 0)
    features = tuple(Feature(f"f{i}", "float32", (f"f{i}",), f"f{i}") for i in range(4))
    train = Features(X, features, y=y, target=Target("y", "multiclass", (0, 1, 2, 3)))
    free = HoeffdingTreeTrainer(grace_period=50, tau=0.5).fit(train, None).learners[0]
    small = HoeffdingTreeTrainer(grace_period=50, tau=0.5, max_size=0.1).fit(train, None).learners[0]
    assert free.n_inactive_leaves == 0
    assert small.n_inactive_leaves > 0
    assert len(pickle.dumps(small)) < len(pickle.dumps(free)) / 2


def test_the_seed_decides_and_nothing_else_does() -> None:
    train = part(real("wine"), slice(0, 100))
    for trainer in (RiverLogisticTrainer(), HoeffdingTreeTrainer(), FOREST):
        same, other = trainer.fit(train, None), replace(trainer, seed=1).fit(train, None)
        np.testing.assert_array_equal(told(train, trainer.fit(train, None)), told(train, same))
        assert not np.array_equal(told(train, other), told(train, same))


def test_features_far_from_scaled_are_an_error_with_a_way_out() -> None:
    train = real("diabetes")
    wild = replace(train, X=np.asarray(train.X) * np.float32(1e5))
    with pytest.raises(DataError, match="does not converge") as caught:
        RiverRegressionTrainer().fit(wild, None)
    assert "featurizer.tabular.numeric=standard" in str(caught.value.hint)


@pytest.mark.parametrize("trainer", [RiverLogisticTrainer(), HoeffdingTreeTrainer()], ids=["linear", "tree"])
def test_a_batch_that_does_not_fit_is_refused_by_name(trainer: Any) -> None:
    train = part(real("breast_cancer"), slice(0, 50))
    model = trainer.fit(train, None)
    other = replace(train, features=(replace(train.features[0], name="other"), *train.features[1:]))
    X: Any = train.X
    gap = X.copy()
    gap[3, 1] = np.nan
    for batch, why in (
        (other, "other features, such as other"),
        (replace(train, X=X[:, ::-1].copy(), features=train.features[::-1]), "in another order"),
        (part(real("wine"), slice(0, 50)), "other features"),
        (
            replace(train, y=np.full(50, 2), target=Target("y", "multiclass", ("a", "b", "c"))),
            "classes that the model never saw: c",
        ),
        (replace(train, y=None), "labeled rows only"),
        (replace(train, X=gap), "no missing values, and mean texture have some"),
        (replace(train, sample_weight=np.zeros(50)), "not all zero"),
    ):
        with pytest.raises(DataError, match=why):
            trainer.update(model, batch)


def test_another_trainers_model_is_refused() -> None:
    train = part(real("breast_cancer"), slice(0, 50))
    model: Any = RiverLogisticTrainer().fit(train, None)
    with pytest.raises(DataError, match="goes on from its own models, and this is a LogisticRegression"):
        HoeffdingTreeTrainer().update(model, train)


def test_a_run_shows_the_curve_and_packages_a_linear_one_in_onnx_which_does_not_go_on() -> None:
    kept = ("packager=[onnx,pickle]", "monitor=[]", "evaluator=[]", "deployer=local")
    run = hl.run("source=wine", "trainer=river_logistic", *kept)
    assert [parity["ok"] for parity in run.evidence["parity"]] == [True, True]
    assert run.evidence["learning"]["name"] == PREQUENTIAL
    assert len(run.evidence["importances"]) == len(run.evidence["features"])
    assert any("before it was learned (prequential)" in found["message"] for found in run.findings)
    with pytest.raises(UsageError, match=r"(?s)does not hold the model itself.*packager=\[pickle\]"):
        hl.update("wine", pl.DataFrame())


@pytest.mark.parametrize("trainer", ["hoeffding_tree", "adaptive_random_forest"])
@pytest.mark.parametrize("packager", ["onnx", "skops"])
def test_a_format_that_cannot_hold_a_tree_is_refused_before_anything_runs(trainer: str, packager: str) -> None:
    with pytest.raises(HooklineError, match=rf"packager '{packager}' takes .* but trainer '{trainer}' makes") as caught:
        hl.run("source=wine", f"trainer={trainer}", f"packager=[{packager}]")
    assert str(caught.value.hint).rpartition(":")[2].strip() == "pickle"


def test_a_registered_tree_learns_rows_that_come_later() -> None:
    bunch = datasets.load_breast_cancer()
    rows = pl.DataFrame(bunch.data, schema=list(bunch.feature_names)).with_columns(y=pl.Series(bunch.target))
    rows = rows.sample(fraction=1, shuffle=True, seed=0)
    kept: dict[str, Any] = {"packager": ["pickle"], "evaluator": [], "monitor": [], "deployer": "local"}
    featurizer = {"component": "tabular", "numeric": "standard"}
    hl.run(source=rows[:200], target="y", name="tissue", trainer="hoeffding_tree", featurizer=featurizer, **kept)
    update = hl.update("tissue", rows[200:400], trust=hl.Trust(pickle=True))
    assert (update.version, update.rows) == (2, 200)
    assert update.before["accuracy"].value > 0.85
    first, second = (hl.load(f"tissue:{number}", trust=hl.Trust(pickle=True)) for number in (1, 2))
    later, y = rows[400:], rows["y"][400:].to_numpy()
    shares = [np.asarray(model.predict(later).probabilities) for model in (first, second)]
    losses = [-np.log(share[np.arange(len(y)), y].clip(1e-6)).mean() for share in shares]
    assert losses[1] < losses[0]
