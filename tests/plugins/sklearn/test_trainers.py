"""The scikit-learn trainers: each is the estimator that it says, with weights, missing values and seeds honored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn import (
    ensemble,
    linear_model,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    svm,
    tree,
)
from sklearn.exceptions import ConvergenceWarning

import hookline as hl
from hookline import Feature, Features, SklearnModel, Target, Trainer
from hookline.errors import ConfigError, DataError
from hookline.kinds.fitting import findings_in
from hookline.registry.values import validate
from hookline.runs import outputs
from hookline_sklearn import (
    DecisionTreeTrainer,
    ElasticNetTrainer,
    ExtraTreesTrainer,
    GradientBoostingTrainer,
    HistGradientBoostingTrainer,
    LassoTrainer,
    LinearRegressionTrainer,
    LogisticRegressionTrainer,
    NaiveBayesTrainer,
    NeighborsTrainer,
    QuantileBandTrainer,
    QuantileRegressionTrainer,
    RandomForestTrainer,
    RidgeTrainer,
    SklearnMlpTrainer,
    SklearnTrainer,
    StackingTrainer,
    SvmTrainer,
    VotingTrainer,
)
from kit.advice import hint_of

TRAINERS: list[Trainer] = [
    DecisionTreeTrainer(max_depth=4),
    HistGradientBoostingTrainer(max_iter=10),
    LinearRegressionTrainer(),
    LogisticRegressionTrainer(),
    RandomForestTrainer(n_estimators=10),
    RidgeTrainer(),
    SklearnTrainer(class_name="ExtraTreesClassifier", params={"n_estimators": 5}),
    SklearnTrainer(class_name="ExtraTreesRegressor", params={"n_estimators": 5}),
    ElasticNetTrainer(alpha=0.1),
    ExtraTreesTrainer(n_estimators=10),
    GradientBoostingTrainer(n_estimators=20),
    LassoTrainer(alpha=0.1),
    NaiveBayesTrainer(),
    NeighborsTrainer(),
    QuantileBandTrainer(trainer=HistGradientBoostingTrainer(max_iter=10)),
    QuantileRegressionTrainer(),
    SklearnMlpTrainer(learning_rate_init=0.02, n_iter_no_change=3, max_iter=500),
    StackingTrainer(trainers=(ExtraTreesTrainer(n_estimators=5), DecisionTreeTrainer(max_depth=4))),
    SvmTrainer(C=10.0),
    VotingTrainer(trainers=(ExtraTreesTrainer(n_estimators=5), DecisionTreeTrainer(max_depth=4)), weights=(1, 2)),
]
TARGETS = {
    "binary": Target("y", "binary", ("no", "yes")),
    "multiclass": Target("y", "multiclass", ("a", "b", "c")),
    "regression": Target("y", "regression"),
}


def fits(trainer: Trainer, task: str) -> bool:
    if isinstance(trainer, SklearnTrainer):
        return trainer.class_name.endswith("Regressor") == (task == "regression")
    return task in trainer.tasks


CASES = [
    pytest.param(trainer, task, id=f"{getattr(trainer, 'class_name', trainer.name)}-{task}")
    for trainer in TRAINERS
    for task in TARGETS
    if fits(trainer, task)
]


def made(task: str, rows: int = 300, seed: int = 0, **over: Any) -> Features:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4)).astype(np.float32)
    signal = X[:, 0] - 2 * X[:, 1] + rng.normal(0, 0.3, rows)
    y = {"binary": (signal > 0).astype(int), "multiclass": np.digitize(signal, [-1, 1]), "regression": signal}[task]
    features = tuple(Feature(f"f{i}", "float32", (f"f{i}",), f"f{i}") for i in range(4))
    values: dict[str, Any] = {"X": X, "y": y, "features": features, "target": TARGETS[task]}
    return Features(**(values | over))


def answers(trainer: Trainer, train: Features, test: Features, valid: Features | None = None) -> np.ndarray:
    prediction = trainer.fit(train, valid).predict(test)
    return prediction.values if prediction.probabilities is None else prediction.probabilities


@pytest.mark.parametrize(("trainer", "task"), CASES)
def test_a_trainer_learns_its_tasks(trainer: Trainer, task: str) -> None:
    test = made(task, seed=1)
    model = trainer.fit(made(task), None)
    prediction = model.predict(test)
    if task == "regression":
        assert prediction.probabilities is None
        assert np.corrcoef(prediction.values, test.y)[0, 1] > 0.8
    else:
        assert prediction.probabilities is not None
        np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1, atol=1e-6)
        assert prediction.classes == tuple(range(len(TARGETS[task].classes)))
        assert (prediction.values == test.y).mean() > 0.75


@pytest.mark.parametrize(("trainer", "task"), CASES)
def test_the_same_seed_gives_the_same_model(trainer: Trainer, task: str) -> None:
    train, test = made(task), made(task, seed=1)
    np.testing.assert_array_equal(answers(trainer, train, test), answers(trainer, train, test))


@pytest.mark.parametrize(
    "trainer", [RandomForestTrainer(n_estimators=5), SklearnTrainer(class_name="ExtraTreesClassifier")]
)
def test_another_seed_gives_another_forest(trainer: Any) -> None:
    from dataclasses import replace

    train, test = made("binary"), made("binary", seed=1)
    assert not np.array_equal(answers(trainer, train, test), answers(replace(trainer, seed=1), train, test))


@pytest.mark.parametrize(
    ("trainer", "task", "golden"),
    [
        (LogisticRegressionTrainer(C=0.5), "multiclass", linear_model.LogisticRegression(C=0.5, max_iter=1000)),
        (
            LogisticRegressionTrainer(l1_ratio=0.5, class_weight="balanced"),
            "binary",
            linear_model.LogisticRegression(
                l1_ratio=0.5, solver="saga", class_weight="balanced", max_iter=1000, random_state=0
            ),
        ),
        (LinearRegressionTrainer(positive=True), "regression", linear_model.LinearRegression(positive=True)),
        (
            RidgeTrainer(alpha=3.0, fit_intercept=False),
            "regression",
            linear_model.Ridge(alpha=3.0, fit_intercept=False),
        ),
        (
            DecisionTreeTrainer(max_depth=3, min_samples_leaf=4, ccp_alpha=0.001),
            "binary",
            tree.DecisionTreeClassifier(max_depth=3, min_samples_leaf=4, ccp_alpha=0.001, random_state=0),
        ),
        (
            RandomForestTrainer(n_estimators=7, max_features=0.5, seed=3),
            "regression",
            ensemble.RandomForestRegressor(n_estimators=7, max_features=0.5, random_state=3),
        ),
        (
            RandomForestTrainer(n_estimators=7),
            "regression",
            ensemble.RandomForestRegressor(n_estimators=7, random_state=0),
        ),
        (
            RandomForestTrainer(n_estimators=7),
            "binary",
            ensemble.RandomForestClassifier(n_estimators=7, random_state=0),
        ),
        (
            HistGradientBoostingTrainer(max_iter=5, learning_rate=0.3, max_bins=32),
            "multiclass",
            ensemble.HistGradientBoostingClassifier(
                max_iter=5, learning_rate=0.3, max_bins=32, early_stopping=False, random_state=0
            ),
        ),
        (
            SklearnTrainer(class_name="KNeighborsRegressor", params={"n_neighbors": 3}),
            "regression",
            neighbors.KNeighborsRegressor(3),
        ),
        (
            ExtraTreesTrainer(n_estimators=7, max_depth=4),
            "regression",
            ensemble.ExtraTreesRegressor(n_estimators=7, max_depth=4, random_state=0),
        ),
        (
            GradientBoostingTrainer(n_estimators=5, subsample=0.5, seed=2),
            "binary",
            ensemble.GradientBoostingClassifier(n_estimators=5, subsample=0.5, random_state=2),
        ),
        (LassoTrainer(alpha=0.2), "regression", linear_model.Lasso(alpha=0.2)),
        (
            ElasticNetTrainer(alpha=0.2, l1_ratio=0.3, positive=True),
            "regression",
            linear_model.ElasticNet(alpha=0.2, l1_ratio=0.3, positive=True),
        ),
        (
            QuantileRegressionTrainer(quantile=0.9),
            "regression",
            linear_model.QuantileRegressor(quantile=0.9, alpha=0),
        ),
        (NaiveBayesTrainer(var_smoothing=0.1), "multiclass", naive_bayes.GaussianNB(var_smoothing=0.1)),
        (
            NeighborsTrainer(n_neighbors=7, weights="distance", p=1),
            "multiclass",
            neighbors.KNeighborsClassifier(7, weights="distance", p=1),
        ),
        (SvmTrainer(C=3.0, kernel="poly", degree=2), "regression", svm.SVR(C=3.0, kernel="poly", degree=2)),
        (
            SklearnMlpTrainer(
                hidden_layer_sizes=(8,), activation="tanh", max_iter=300, n_iter_no_change=2, tol=0.1, seed=4
            ),
            "binary",
            neural_network.MLPClassifier(
                (8,), activation="tanh", max_iter=300, n_iter_no_change=2, tol=0.1, random_state=4
            ),
        ),
        (
            VotingTrainer(trainers=(LogisticRegressionTrainer(), DecisionTreeTrainer(max_depth=3)), weights=(2, 1)),
            "binary",
            ensemble.VotingClassifier(
                [
                    ("a", linear_model.LogisticRegression(max_iter=1000, random_state=0)),
                    ("b", tree.DecisionTreeClassifier(max_depth=3, random_state=0)),
                ],
                voting="soft",
                weights=[2, 1],
            ),
        ),
        (
            StackingTrainer(
                trainers=(RidgeTrainer(), DecisionTreeTrainer(max_depth=3)), folds=3, passthrough=True, seed=1
            ),
            "regression",
            ensemble.StackingRegressor(
                [
                    ("a", linear_model.Ridge(random_state=0)),
                    ("b", tree.DecisionTreeRegressor(max_depth=3, random_state=0)),
                ],
                linear_model.Ridge(random_state=0),
                cv=model_selection.KFold(3, shuffle=True, random_state=1),
                passthrough=True,
            ),
        ),
    ],
    ids=lambda value: getattr(value, "name", None) or (value if isinstance(value, str) else ""),
)
def test_options_reach_the_estimator(trainer: Trainer, task: str, golden: Any) -> None:
    train, test = made(task), made(task, seed=1)
    golden.fit(train.X, train.y)
    expected = golden.predict(test.X) if task == "regression" else golden.predict_proba(test.X)
    np.testing.assert_allclose(answers(trainer, train, test), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("trainer", "task"),
    [
        (LinearRegressionTrainer(), "regression"),
        (RidgeTrainer(), "regression"),
        (LogisticRegressionTrainer(tol=1e-9), "binary"),
        (DecisionTreeTrainer(max_depth=3), "binary"),
        (DecisionTreeTrainer(max_depth=3), "regression"),
    ],
)
def test_a_weight_of_three_is_three_rows(trainer: Trainer, task: str) -> None:
    # In float64 and with float64 targets, so that only the weights can make a difference.
    train, test = made(task, rows=80), made(task, seed=1)
    times = np.random.default_rng(0).integers(1, 4, 80)
    X = np.asarray(train.X, dtype=np.float64)
    weighted = made(task, X=X, y=train.y, sample_weight=times.astype(np.float64))
    repeated = made(task, X=X.repeat(times, axis=0), y=np.repeat(np.asarray(train.y), times))
    np.testing.assert_allclose(answers(trainer, weighted, test), answers(trainer, repeated, test), atol=1e-4)


@pytest.mark.parametrize(("trainer", "task"), [case for case in CASES if case.values[0].name != "neighbors"])
def test_weights_make_a_difference(trainer: Trainer, task: str) -> None:
    train, test = made(task), made(task, seed=1)
    weighted = made(task, sample_weight=np.where(np.asarray(train.X)[:, 2] > 0, 50.0, 0.02))
    assert not np.allclose(answers(trainer, train, test), answers(trainer, weighted, test))


def test_an_estimator_without_weights_refuses_them() -> None:
    train = made("binary", sample_weight=np.ones(300))
    with pytest.raises(DataError, match="KNeighborsClassifier takes no sample weights"):
        SklearnTrainer(class_name="KNeighborsClassifier").fit(train, None)


@pytest.mark.parametrize(
    ("trainer", "as_sparse"),
    [
        (LogisticRegressionTrainer(), False),
        (RidgeTrainer(), False),
        (LinearRegressionTrainer(), False),
        (LogisticRegressionTrainer(), True),
    ],
)
def test_a_trainer_names_the_features_whose_missing_values_it_cannot_take(trainer: Trainer, as_sparse: bool) -> None:
    task = "binary" if "binary" in trainer.tasks else "regression"
    X = np.array(made(task).X)
    X[3, 1] = X[5, 2] = np.nan
    train = made(task, X=sparse.csr_matrix(X) if as_sparse else X)
    with pytest.raises(DataError, match=f"'{trainer.name}' takes no missing values.*, and f1, f2 have some") as caught:
        trainer.fit(train, None)
    assert "featurizer.tabular.missing=zero" in hint_of(caught.value)


@pytest.mark.parametrize("trainer", [DecisionTreeTrainer(), RandomForestTrainer(n_estimators=5)], ids=lambda t: t.name)
def test_trees_read_missing_values_of_a_sparse_matrix_too(trainer: Trainer) -> None:
    X = np.array(made("binary").X)
    X[3, 1] = X[5, 2] = np.nan
    dense, thin = made("binary", X=X), made("binary", X=sparse.csr_matrix(X))
    expected = trainer.fit(dense, None).predict(dense)
    found = trainer.fit(thin, None).predict(thin)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


TREES = [DecisionTreeTrainer(max_depth=3), RandomForestTrainer(n_estimators=5), HistGradientBoostingTrainer(max_iter=5)]


@pytest.mark.parametrize("trainer", TREES, ids=lambda trainer: trainer.name)
@pytest.mark.parametrize("task", TARGETS)
def test_trees_learn_from_missing_values_in_a_memory_mapped_matrix(trainer: Trainer, task: str, tmp_path: Path) -> None:
    X = np.array(made(task).X)
    X[::3, 0] = np.nan
    train = made(task, X=X)
    outputs.write(train, tmp_path)
    mapped = outputs.read(Features, tmp_path)
    assert not mapped.X.flags.writeable
    np.testing.assert_array_equal(answers(trainer, mapped, train), answers(trainer, train, train))


@pytest.mark.parametrize(("trainer", "task"), CASES)
def test_a_sparse_matrix_is_taken_from_the_store(trainer: Trainer, task: str, tmp_path: Path) -> None:
    X = np.array(made(task).X)
    X[np.abs(X) < 0.3] = 0
    train = made(task, X=sparse.csr_matrix(X))
    outputs.write(train, tmp_path)
    test = made(task, X=X)
    np.testing.assert_array_equal(
        answers(trainer, outputs.read(Features, tmp_path), test), answers(trainer, train, test)
    )


def test_early_stopping_listens_to_the_validation_rows() -> None:
    trainer = HistGradientBoostingTrainer(max_iter=200, early_stopping=True, n_iter_no_change=3)
    rng = np.random.default_rng(0)
    noise = made("binary", y=rng.integers(0, 2, 300))
    stopped: Any = trainer.fit(made("binary"), noise)
    longer: Any = trainer.fit(made("binary"), made("binary", seed=1))
    assert stopped.estimator.n_iter_ < longer.estimator.n_iter_ < 200
    whole: Any = HistGradientBoostingTrainer(max_iter=40).fit(made("binary"), noise)
    assert whole.estimator.n_iter_ == 40


@pytest.mark.parametrize("rows", [10_000, 10_001])
def test_early_stopping_may_be_left_to_the_number_of_rows_as_scikit_learn_does(rows: int) -> None:
    trainer = HistGradientBoostingTrainer(max_iter=3, early_stopping="auto", validation_fraction=0.2, tol=1e-3)
    large = made("binary", X=np.random.default_rng(0).normal(size=(rows, 4)), y=np.arange(rows) % 2)
    model: Any = trainer.fit(large, None)
    golden = ensemble.HistGradientBoostingClassifier(max_iter=3, validation_fraction=0.2, tol=1e-3, random_state=0)
    np.testing.assert_array_equal(
        model.estimator.predict_proba(large.X), golden.fit(large.X, large.y).predict_proba(large.X)
    )
    assert model.estimator.do_early_stopping_ is (rows > 10_000)


def test_early_stopping_that_is_left_to_the_rows_listens_to_those_that_are_held_out_anyway() -> None:
    noise = made("binary", y=np.random.default_rng(0).integers(0, 2, 300))
    model: Any = HistGradientBoostingTrainer(max_iter=200, early_stopping="auto").fit(made("binary"), noise)
    assert model.estimator.n_iter_ < 200


def test_a_quantile_without_its_loss_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"trainer: quantile=0\.9 is of loss=quantile, and the loss is squared_error"):
        hl.plan(source="diabetes", trainer={"component": "hist_gradient_boosting", "quantile": 0.9})


def test_early_stopping_takes_weights() -> None:
    trainer = HistGradientBoostingTrainer(max_iter=50, early_stopping=True, n_iter_no_change=3)
    weight = np.random.default_rng(0).random(300) + 0.1
    model: Any = trainer.fit(made("binary", sample_weight=weight), made("binary", seed=1, sample_weight=weight))
    golden = ensemble.HistGradientBoostingClassifier(
        max_iter=50, early_stopping=True, n_iter_no_change=3, random_state=0
    )
    train, valid = made("binary"), made("binary", seed=1)
    golden.fit(train.X, train.y, weight, X_val=valid.X, y_val=valid.y, sample_weight_val=weight)
    np.testing.assert_array_equal(model.estimator.predict_proba(valid.X), golden.predict_proba(valid.X))


def test_importances_go_by_feature_name() -> None:
    boosted = HistGradientBoostingTrainer(max_iter=20)
    for trainer in (RandomForestTrainer(n_estimators=5), LogisticRegressionTrainer(), boosted):
        found = trainer.fit(made("binary"), None).importances()
        assert list(found) == ["f0", "f1", "f2", "f3"]
        assert max(found, key=lambda name: found[name]) == "f1"


def test_the_model_is_an_ordinary_estimator() -> None:
    model: Any = RandomForestTrainer(n_estimators=3).fit(made("binary"), None)
    assert isinstance(model, SklearnModel)
    assert isinstance(model.estimator, ensemble.RandomForestClassifier)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_forest_is_the_same_whatever_the_number_of_threads(n_jobs: int) -> None:
    train, test = made("binary"), made("binary", seed=1)
    alone = answers(RandomForestTrainer(n_estimators=8), train, test)
    np.testing.assert_array_equal(answers(RandomForestTrainer(n_estimators=8, n_jobs=n_jobs), train, test), alone)


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"class_name": "ExtraTreeClasifier"}, "trainer.class_name", "did you mean 'ExtraTreeClassifier'"),
        ({"class_name": "os.system"}, "trainer.class_name", "no classifier or regressor"),
        ({"class_name": "Pipeline"}, "trainer.class_name", "no classifier or regressor"),
        ({"class_name": "StackingClassifier"}, "trainer.class_name", "no classifier or regressor"),
        ({"class_name": "ExtraTreesRegressor"}, "trainer.class_name", "cannot learn a binary target"),
        (
            {"class_name": "ExtraTreesClassifier", "params": {"n_estimatrs": 3}},
            "trainer.params.n_estimatrs",
            "did you mean 'n_estimators'",
        ),
        (
            {"class_name": "ExtraTreesClassifier", "params": {"n_estimators": -1}},
            "trainer.params.n_estimators",
            r"must be an int in the range \[1, inf\), got -1",
        ),
    ],
)
def test_an_estimator_that_cannot_be_is_refused(options: Any, path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        SklearnTrainer(**options).fit(made("binary"), None)
    assert [problem.path for problem in caught.value.problems] == [path]


def test_an_estimator_by_name_takes_missing_values_where_scikit_learn_says_so() -> None:
    train = made("binary")
    X = np.array(train.X)
    X[::3, 0] = np.nan
    gaps = replace(train, X=X)
    assert np.isfinite(
        np.asarray(SklearnTrainer(class_name="ExtraTreesClassifier").fit(gaps, None).predict(gaps).values)
    ).all()
    with pytest.raises(DataError, match="takes no missing values, and") as caught:
        SklearnTrainer(class_name="KNeighborsClassifier").fit(gaps, None)
    assert "impute" in hint_of(caught.value)


def test_parameters_of_an_estimator_may_override_the_seed() -> None:
    made_with: Any = SklearnTrainer(class_name="ExtraTreesClassifier", params={"random_state": 9}, seed=1).estimator(
        "binary"
    )
    assert made_with.random_state == 9


@pytest.mark.parametrize(
    ("trainer", "values"),
    [
        (LogisticRegressionTrainer, {"C": 0}),
        (LogisticRegressionTrainer, {"l1_ratio": 1.5}),
        (RandomForestTrainer, {"n_estimators": 0}),
        (RandomForestTrainer, {"max_features": "all"}),
        (RandomForestTrainer, {"max_features": 1.5}),
        (HistGradientBoostingTrainer, {"max_bins": 256}),
        (DecisionTreeTrainer, {"min_samples_split": 1}),
        (RidgeTrainer, {"alpha": -1}),
    ],
)
def test_a_value_out_of_bounds_is_a_config_error(trainer: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"trainer.{next(iter(values))}"):
        validate(trainer, values, "trainer", "bad config")


def test_a_forest_runs_on_real_rows_with_missing_values(shared_data: Path) -> None:
    run = hl.run(
        source=str(shared_data / "titanic.csv"),
        target="survived",
        roles={"ignore": ["alive"]},
        trainer={"component": "random_forest", "n_estimators": 20},
    )
    assert run.metrics["roc_auc"] > 0.75


def test_a_run_with_missing_values_and_a_linear_model_says_what_to_add(shared_data: Path) -> None:
    with pytest.raises(DataError, match="takes no missing values"):
        hl.run(
            source=str(shared_data / "titanic.csv"),
            target="survived",
            roles={"ignore": ["alive"]},
            trainer="logistic_regression",
        )


def test_a_linear_model_takes_missing_datetimes_at_their_mean() -> None:
    when = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 5, 1), "1d", eager=True)
    frame = pl.DataFrame({"t": when, "y": range(len(when))}).with_columns(
        t=pl.when(pl.int_range(pl.len()) % 5 > 0).then("t")
    )
    run = hl.run(source=frame, target="y", trainer="ridge", featurizer={"component": "tabular", "missing": "zero"})
    assert run.metrics["r2"] > 0.5


def test_probabilities_of_a_support_vector_machine_are_calibrated_scores() -> None:
    train, test = made("multiclass"), made("multiclass", seed=1)
    model = SvmTrainer(C=2.0).fit(train, None)
    assert isinstance(model, SklearnModel)
    scores = model.estimator.calibrated_classifiers_[0].estimator.decision_function(test.X)
    alone = svm.SVC(C=2.0, random_state=0).fit(train.X, train.y)
    np.testing.assert_array_equal(scores, alone.decision_function(test.X))
    assert (model.predict(test).values == alone.predict(test.X)).mean() > 0.9


def test_what_is_combined_can_learn_what_all_of_it_can() -> None:
    both = VotingTrainer(trainers=(DecisionTreeTrainer(), RidgeTrainer()))
    assert both.tasks == {"regression"}
    assert VotingTrainer(trainers=(DecisionTreeTrainer(), RandomForestTrainer())).tasks == Trainer.tasks
    with pytest.raises(ValueError, match="no task is one that all of ridge, naive_bayes can learn"):
        StackingTrainer(trainers=(RidgeTrainer(), NaiveBayesTrainer()))
    with pytest.raises(ValueError, match="needs at least 2 trainers"):
        VotingTrainer(trainers=(RidgeTrainer(),))
    with pytest.raises(ValueError, match="3 weights for 2 trainers"):
        VotingTrainer(trainers=(RidgeTrainer(), LassoTrainer()), weights=(1, 2, 3))


def test_a_vote_needs_probabilities_and_a_stack_rows_of_each_class() -> None:
    hinge = SklearnTrainer(class_name="LinearSVC")
    with pytest.raises(DataError, match="gives no probabilities, by which trainer 'voting' goes"):
        VotingTrainer(trainers=(DecisionTreeTrainer(), hinge)).fit(made("binary"), None)
    few = made("binary", rows=12, y=np.array([1, 1, 1, *[0] * 9]))
    with pytest.raises(DataError, match="a class has 3 training rows, too few for 5 folds"):
        StackingTrainer(trainers=(DecisionTreeTrainer(), NaiveBayesTrainer())).fit(few, None)


def test_a_fit_that_has_not_converged_is_told() -> None:
    trainer, train = LogisticRegressionTrainer(max_iter=1), made("binary")
    with pytest.warns(ConvergenceWarning):
        trainer.fit(train, None)
    found: list[hl.Finding] = []
    with findings_in(found):
        trainer.fit(train, None)
    (finding,) = found
    assert (finding.severity, finding.statistic) == ("warning", "converged")
    assert "raise max_iter" in finding.message


@pytest.mark.parametrize(
    "trainer", [NeighborsTrainer(), VotingTrainer(trainers=(NaiveBayesTrainer(), NeighborsTrainer()))]
)
def test_weights_that_an_estimator_does_not_take_are_refused(trainer: Trainer) -> None:
    weighed = made("binary", sample_weight=np.linspace(1, 2, 300))
    with pytest.raises(DataError, match="KNeighborsClassifier takes no sample weights"):
        trainer.fit(weighed, None)
