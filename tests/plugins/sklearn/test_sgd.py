"""The trainers that go on learning: epochs and updates are scikit-learn's own `partial_fit`."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.preprocessing import StandardScaler

import hookline as hl
from hookline import Dataset, Feature, Features, Pipeline, Roles, Target, Updatable
from hookline.errors import DataError, Pruned
from hookline.kinds.fitting import Curve, judged_by, steps_in
from hookline_sklearn import RidgeTrainer, SgdClassifierTrainer, SgdRegressorTrainer

TARGETS = {
    "binary": Target("y", "binary", ("no", "yes")),
    "multiclass": Target("y", "multiclass", ("a", "b", "c")),
    "regression": Target("y", "regression"),
}
TRAINERS: dict[str, Any] = {
    "binary": SgdClassifierTrainer(),
    "multiclass": SgdClassifierTrainer(),
    "regression": SgdRegressorTrainer(),
}


def made(task: str, rows: int = 400, seed: int = 0, **over: Any) -> Features:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4)).astype(np.float32)
    signal = X[:, 0] - 2 * X[:, 1] + rng.normal(0, 0.3, rows)
    y = {"binary": (signal > 0).astype(int), "multiclass": np.digitize(signal, [-1, 1]), "regression": signal}[task]
    features = tuple(Feature(f"f{i}", "float32", (f"f{i}",), f"f{i}") for i in range(4))
    values: dict[str, Any] = {"X": X, "y": y, "features": features, "target": TARGETS[task]}
    return Features(**(values | over))


def part(train: Features, rows: slice) -> Features:
    X: Any = train.X
    assert train.y is not None
    weight = None if train.sample_weight is None else train.sample_weight[rows]
    return replace(train, X=X[rows], y=train.y[rows], sample_weight=weight)


def own(task: str, max_iter: int) -> Any:
    """Return scikit-learn's estimator with the parameters of the trainer's defaults."""
    if task == "regression":
        return SGDRegressor(max_iter=max_iter, tol=None, random_state=0)
    return SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=0.03, max_iter=max_iter, tol=None, random_state=0
    )


@pytest.mark.parametrize("task", TARGETS)
def test_a_fixed_number_of_epochs_and_batches_are_scikit_learns_partial_fits(task: str) -> None:
    whole = made(task)
    trainer = replace(TRAINERS[task], early_stopping=False, max_iter=3)
    batches = [part(whole, slice(start, start + 100)) for start in (100, 200, 300)]
    model = trainer.fit(part(whole, slice(0, 100)), None)
    golden = own(task, 3)
    known = {} if task == "regression" else {"classes": np.arange(len(TARGETS[task].classes))}
    for _ in range(3):
        golden.partial_fit(whole.X[:100], whole.y[:100], **known)  # type: ignore[index]
    np.testing.assert_array_equal(model.estimator.coef_, golden.coef_)
    for batch in batches:
        model = trainer.update(model, batch)
        golden.partial_fit(batch.X, batch.y)
    np.testing.assert_array_equal(model.estimator.coef_, golden.coef_)
    np.testing.assert_array_equal(model.estimator.intercept_, golden.intercept_)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_updating_on_batches_comes_to_what_one_long_fit_comes_to(task: str) -> None:
    whole = made(task, rows=8_000)
    trainer = replace(TRAINERS[task], early_stopping=False, max_iter=1, eta0=0.01)
    model = trainer.fit(part(whole, slice(0, 1_000)), None)
    for start in range(1_000, 8_000, 1_000):
        model = trainer.update(model, part(whole, slice(start, start + 1_000)))
    long = own(task, 1).set_params(eta0=0.01)
    known = {} if task == "regression" else {"classes": [0, 1]}
    long.partial_fit(whole.X, whole.y, **known)
    # The same rows in another order: what is left is the noise of the last steps.
    distance = np.linalg.norm(model.estimator.coef_ - long.coef_) / np.linalg.norm(long.coef_)
    assert distance < 0.05
    test = made(task, seed=1)
    answers = model.predict(test)
    if task == "binary":
        assert np.abs(answers.probabilities - long.predict_proba(test.X)).max() < 0.1
    else:
        assert np.abs(answers.values - long.predict(test.X)).max() < 0.1 * np.std(whole.y)  # type: ignore[arg-type]


@pytest.mark.parametrize("task", TARGETS)
def test_the_updated_model_leaves_the_given_one_as_it_was(task: str) -> None:
    trainer = replace(TRAINERS[task], max_iter=5)
    model = trainer.fit(made(task), None)
    before, shown = pickle.dumps(model), model.predict(made(task, seed=2)).values.copy()
    updated = trainer.update(model, made(task, seed=1))
    assert pickle.dumps(model) == before
    np.testing.assert_array_equal(model.predict(made(task, seed=2)).values, shown)
    assert not np.array_equal(updated.estimator.coef_, model.estimator.coef_)
    assert updated.feature_names == model.feature_names


def test_both_are_updatable() -> None:
    assert isinstance(SgdClassifierTrainer(), Updatable)
    assert isinstance(SgdRegressorTrainer(), Updatable)


def test_defaults_come_near_logistic_regression_on_a_real_table() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(np.float32)
    features = tuple(Feature(f"f{i}", "float32", (f"f{i}",), f"f{i}") for i in range(X.shape[1]))
    train = Features(X[:400], features, y=y[:400], target=Target("y", "binary", (0, 1)))
    model = SgdClassifierTrainer().fit(train, None)
    shares = np.asarray(model.predict(Features(X[400:], features)).probabilities)
    golden = LogisticRegression().fit(X[:400], y[:400]).predict_proba(X[400:])
    rows = np.arange(len(y) - 400)
    loss, least = (-np.log(s[rows, y[400:]].clip(1e-9)).mean() for s in (shares, golden))
    assert loss < least + 0.05


@pytest.mark.parametrize("task", TARGETS)
def test_weights_count_relative_to_each_other(task: str) -> None:
    weight = np.random.default_rng(3).integers(0, 4, 400).astype(float)
    trainer = replace(TRAINERS[task], early_stopping=False, max_iter=2)
    model = trainer.fit(made(task, sample_weight=weight), None)
    scaled = trainer.fit(made(task, sample_weight=1_000 * weight), None)
    np.testing.assert_allclose(scaled.estimator.coef_, model.estimator.coef_, rtol=1e-5)
    golden, train = own(task, 2), made(task)
    known = {} if task == "regression" else {"classes": np.arange(len(TARGETS[task].classes))}
    kept = weight > 0
    for _ in range(2):
        share = weight[kept] / weight[kept].mean()
        golden.partial_fit(train.X[kept], train.y[kept], sample_weight=share, **known)
    np.testing.assert_array_equal(model.estimator.coef_, golden.coef_)


def test_weights_that_are_all_zero_are_refused() -> None:
    trainer = SgdClassifierTrainer(max_iter=2)
    model = trainer.fit(made("binary"), None)
    with pytest.raises(DataError, match="not all zero"):
        trainer.update(model, made("binary", sample_weight=np.zeros(400)))


@pytest.mark.parametrize("task", TARGETS)
def test_sparse_rows_are_learned_from_as_they_are(task: str) -> None:
    trainer = replace(TRAINERS[task], early_stopping=False, max_iter=2)
    dense = made(task)
    thin = replace(dense, X=sparse.csr_matrix(dense.X))
    model = trainer.update(trainer.fit(thin, None), thin)
    golden = own(task, 2)
    known = {} if task == "regression" else {"classes": np.arange(len(TARGETS[task].classes))}
    for _ in range(3):
        golden.partial_fit(thin.X, thin.y, **known)
    np.testing.assert_array_equal(model.estimator.coef_, golden.coef_)
    np.testing.assert_allclose(model.predict(thin).values, model.predict(dense).values, rtol=1e-4, atol=1e-5)


def test_validation_rows_tell_the_loss_of_each_epoch_and_stop_the_fit() -> None:
    curve = Curve()
    with steps_in(curve):
        model = SgdClassifierTrainer(n_iter_no_change=3).fit(made("binary"), made("binary", seed=1))
    losses = dict(curve.points)
    assert curve.name == "valid_loss"
    assert list(losses) == list(range(1, len(losses) + 1))
    best = min(losses, key=lambda epoch: losses[epoch])
    assert len(losses) < 300
    shares = np.asarray(model.predict(made("binary", seed=1)).probabilities)
    y: Any = made("binary", seed=1).y
    kept = -np.log(shares[np.arange(400), y]).mean()
    # The best epoch is the one that is kept, but for gains too small to count.
    assert kept <= losses[best] * (1 + 2e-3)


def test_a_fixed_number_of_epochs_goes_on_whatever_the_loss() -> None:
    curve = Curve()
    with steps_in(curve):
        SgdRegressorTrainer(early_stopping=False, max_iter=40).fit(made("regression"), made("regression", seed=1))
    assert len(curve.points) == 40


def test_a_fit_that_is_not_worth_it_may_be_stopped() -> None:
    with steps_in(Curve()), judged_by(lambda step: step.step == 4), pytest.raises(Pruned):
        SgdClassifierTrainer(early_stopping=False).fit(made("binary"), made("binary", seed=1))


def test_a_class_without_training_rows_can_come_in_a_batch() -> None:
    train = made("multiclass")
    y: Any = train.y
    two = replace(train, X=np.asarray(train.X)[y < 2], y=y[y < 2])
    trainer = SgdClassifierTrainer(max_iter=20)
    model = trainer.fit(two, None)
    for _ in range(20):
        model = trainer.update(model, train)
    assert (model.predict(train).values == y).mean() > 0.8


def test_a_batch_with_a_class_that_the_model_never_saw_is_refused_by_name() -> None:
    trainer = SgdClassifierTrainer(max_iter=2)
    model = trainer.fit(made("binary"), None)
    batch = made("multiclass")
    with pytest.raises(DataError, match="classes that the model never saw: c"):
        trainer.update(model, batch)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: replace(f[0], name="other"), "other features, such as other"),
        (lambda f: f[0], None),
    ],
)
def test_a_batch_of_other_features_is_refused_by_name(change: Any, message: str | None) -> None:
    trainer = SgdClassifierTrainer(max_iter=2)
    train = made("binary")
    model = trainer.fit(train, None)
    batch = replace(train, features=(change(train.features), *train.features[1:]))
    if message is None:
        assert trainer.update(model, batch).feature_names == model.feature_names
        return
    with pytest.raises(DataError, match=message):
        trainer.update(model, batch)


def test_a_batch_in_another_order_is_refused() -> None:
    trainer = SgdClassifierTrainer(max_iter=2)
    train = made("binary")
    model = trainer.fit(train, None)
    turned = replace(train, X=np.asarray(train.X)[:, ::-1].copy(), features=train.features[::-1])
    with pytest.raises(DataError, match="in another order"):
        trainer.update(model, turned)


def test_another_trainers_model_is_refused() -> None:
    model = RidgeTrainer().fit(made("regression"), None)
    with pytest.raises(DataError, match="goes on from its own models, and this is a Ridge"):
        SgdRegressorTrainer().update(model, made("regression"))


def test_unlabeled_rows_teach_nothing() -> None:
    trainer = SgdClassifierTrainer(max_iter=2)
    model = trainer.fit(made("binary"), None)
    with pytest.raises(DataError, match="labeled rows only"):
        trainer.update(model, replace(made("binary"), y=None))


def test_features_far_from_scaled_are_an_error_with_a_way_out() -> None:
    train = made("regression")
    with pytest.raises(DataError, match="does not converge") as caught:
        SgdRegressorTrainer().fit(replace(train, X=np.asarray(train.X) * np.float32(1e8)), None)
    assert "featurizer.tabular.numeric=standard" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("trainer", "source"),
    [("sgd_classifier", "wine"), ("sgd_classifier", "breast_cancer"), ("sgd_regressor", "diabetes")],
)
def test_a_run_packages_it_in_onnx_and_skops_with_parity(trainer: str, source: str) -> None:
    run = hl.run(f"source={source}", f"trainer={trainer}", "packager=[onnx,skops]", "monitor=[]", "evaluator=[]")
    assert [parity["ok"] for parity in run.evidence["parity"]] == [True, True]
    assert run.evidence["learning"]["name"] == "valid_loss"
    assert len(run.evidence["importances"]) == len(run.evidence["features"])


def test_a_fitted_pipeline_goes_on_from_new_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    rows = pl.DataFrame({"x": x, "z": rng.normal(size=600), "y": np.where(x > 0, "yes", "no")})
    trainer = {"component": "sgd_classifier", "max_iter": 2, "early_stopping": False}
    run = hl.run(source=rows[:300], target="y", trainer=trainer, evaluator=[], monitor=[], packager=[])
    pipeline = run.predictor
    assert isinstance(pipeline, Pipeline)
    batch = pipeline.examples(Dataset(rows[300:].lazy(), Roles(target="y"), target=pipeline.target))
    updated = replace(pipeline, model=SgdClassifierTrainer().update(pipeline.model, batch))
    before, after = (np.asarray(one.predict(rows).probabilities) for one in (pipeline, updated))
    y = (rows["y"] == "yes").to_numpy().astype(int)
    loss, less = (-np.log(p[np.arange(600), y]).mean() for p in (before, after))
    assert less < loss
