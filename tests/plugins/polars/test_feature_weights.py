"""The `weights` featurizer: how much features count to what learns from scale, in training and wherever it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse

import hookline as hl
from hookline import Feature, Features, Target
from hookline.cli import main
from hookline.errors import ConfigError, DataError, PlanError
from hookline.kinds.features.weights import IgnoresScale
from hookline.kinds.plain import from_json, to_json
from hookline.registry.registry import Registry, load_registry
from hookline_polars import WeightsFeaturizer
from hookline_polars.featurizers.weights import FittedWeights
from kit.apart import needs_tensorflow
from kit.conformance import built_in

NAMES = ("age", "income", "plan=gold", "plan=silver", "tenure", "tenure?missing")
INPUTS = ("age", "income", "plan", "plan", "tenure", "tenure")
WEIGHTS = {"age": 2.0, "income": 0.5, "plan": 4.0}
WEIGHED: dict[str, Any] = {"component": "weights", "columns": WEIGHTS}
TABULAR = {"component": "tabular", "missing": "zero"}


def matrix(task: str = "regression", rows: int = 200) -> Features:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, len(NAMES))).astype(np.float32)
    score = X @ np.array([1.0, -2.0, 0.5, 0.2, 1.5, 0.0]) + rng.normal(0, 0.3, rows)
    features = tuple(Feature(n, "float32", (c,), n) for n, c in zip(NAMES, INPUTS, strict=True))
    target = Target("y", "regression") if task == "regression" else Target("y", "binary", ("no", "yes"))
    return Features(X, features, y=score if task == "regression" else (score > 0).astype(int), target=target)


def weighed(train: Features, columns: Mapping[str, float]) -> Features:
    fitted = WeightsFeaturizer(columns=columns).fit(train)
    made = fitted.transform(train)
    return replace(train, X=made.X, features=made.features)


def people(rows: int = 240) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    plan, age = rng.integers(0, 3, rows), rng.normal(40, 10, rows)
    return pl.DataFrame(
        {
            "age": age,
            "income": rng.normal(0, 1, rows),
            "plan": [("basic", "silver", "gold")[one] for one in plan],
            "left": np.where((age - 40) / 10 + plan - 1 + rng.normal(0, 0.5, rows) > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def test_all_features_of_a_column_take_its_weight_and_keep_their_place() -> None:
    fitted = WeightsFeaturizer(columns={"plan": 3, "tenure": 0.5}).fit(matrix())
    assert [one.weight for one in fitted.features] == [1, 1, 3, 3, 0.5, 0.5]
    np.testing.assert_array_equal(
        fitted.transform(matrix()).X, matrix().dense() * np.array([1, 1, 3, 3, 0.5, 0.5], dtype=np.float32)
    )


def test_the_nearest_name_says_the_weight() -> None:
    columns = {"*": 9, "t*": 9, "plan": 3, "plan=gold": 5}
    assert [one.weight for one in WeightsFeaturizer(columns=columns).fit(matrix()).features] == [9, 9, 5, 3, 9, 9]


def test_what_is_0_is_left_out_as_if_it_had_been_dropped() -> None:
    from hookline_sklearn import RidgeTrainer

    train = matrix()
    without = replace(train, X=np.ascontiguousarray(train.dense()[:, [0, 1, 4, 5]]), features=tuple(
        train.features[place] for place in (0, 1, 4, 5)
    ))  # fmt: skip
    made = weighed(train, {"plan": 0})
    assert made.names == ("age", "income", "tenure", "tenure?missing")
    answers = [RidgeTrainer().fit(one, None).predict(one).values for one in (made, without)]
    np.testing.assert_array_equal(answers[0], answers[1])


def test_a_sparse_matrix_is_weighed_as_a_dense_one() -> None:
    fitted = WeightsFeaturizer(columns={"plan": 3, "income": 0}).fit(matrix())
    held = replace(matrix(), X=sparse.csr_matrix(matrix().dense()))
    found: Any = fitted.transform(held).X
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.toarray(), fitted.transform(matrix()).X)


def test_a_model_without_a_penalty_answers_as_it_did() -> None:
    from hookline_sklearn import LinearRegressionTrainer

    train, made = matrix(), weighed(matrix(), WEIGHTS)
    plain, other = (LinearRegressionTrainer().fit(one, None).predict(one).values for one in (train, made))
    np.testing.assert_allclose(other, plain, rtol=1e-5, atol=1e-5)


def test_a_penalized_coefficient_is_that_of_scikit_learn_on_a_matrix_scaled_by_hand() -> None:
    from sklearn.linear_model import ElasticNet, Ridge

    from hookline_sklearn import ElasticNetTrainer, RidgeTrainer

    train, factors = matrix(), np.array([2, 0.5, 4, 4, 1, 1], dtype=np.float32)
    made = weighed(train, WEIGHTS)
    for trainer, estimator in (
        (RidgeTrainer(alpha=30.0), Ridge(30.0)),
        (ElasticNetTrainer(alpha=0.3), ElasticNet(0.3, l1_ratio=0.5)),
    ):
        found = trainer.fit(made, None).estimator.coef_
        np.testing.assert_allclose(found, estimator.fit(train.dense() * factors, train.y).coef_, rtol=1e-12, atol=1e-12)


def test_a_weight_divides_the_penalty_by_its_square() -> None:
    """Hoerl and Kennard (1970) generalized: the minimum of |y - Xb|^2 + sum(penalty_j b_j^2), in closed form."""
    from hookline_sklearn import RidgeTrainer

    train, weights = matrix(), np.array([2, 0.5, 4, 4, 1, 1])
    X, y = train.dense().astype(np.float64), np.asarray(train.y)
    X, y = X - X.mean(axis=0), y - y.mean()
    wanted = np.linalg.solve(X.T @ X + np.diag(30.0 / weights**2), X.T @ y)
    found = RidgeTrainer(alpha=30.0).fit(weighed(train, WEIGHTS), None).estimator.coef_ * weights
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


SOME: Mapping[str, Mapping[str, Any]] = {
    "adaptive_random_forest": {"n_models": 2},
    "balanced": {"trainer": {"component": "random_forest", "n_estimators": 5}},
    "calibrated": {"trainer": {"component": "logistic_regression"}},
    "extra_trees": {"n_estimators": 5},
    "ft_transformer": {"blocks": 1, "width": 8, "heads": 2, "max_epochs": 2, "batch_size": 32},
    "gradient_boosting": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5},
    "keras_mlp": {"max_epochs": 2},
    "log_target": {"trainer": {"component": "random_forest", "n_estimators": 5}, "offset": 20.0},
    "mlp": {"max_epochs": 2},
    "random_forest": {"n_estimators": 5},
    "quantile_band": {"trainer": {"component": "hist_gradient_boosting", "max_iter": 5}},
    "sklearn": {"class_name": "ExtraTreesClassifier", "params": {"n_estimators": 5}},
    "sklearn_mlp": {"hidden_layer_sizes": (4,), "learning_rate_init": 0.05, "max_iter": 2000, "n_iter_no_change": 3},
    "stacking": {"trainers": ({"component": "extra_trees", "n_estimators": 5}, {"component": "decision_tree"})},
    "voting": {"trainers": ({"component": "svm"}, {"component": "decision_tree"})},
}
"""Fields that a trainer cannot do without, or that make it quick."""


# Hoeffding trees divide after hundreds of rows; how far radius and scale go together is river's.
@pytest.mark.parametrize("name", sorted({*built_in("trainer")} - {"hoeffding_tree", "adaptive_random_forest"}))
def test_a_trainer_says_of_itself_whether_it_goes_by_weights(registry: Registry, name: str) -> None:
    if name == "keras_mlp":
        needs_tensorflow()
    trainer: Any = registry.build("trainer", name, dict(SOME.get(name, {})), "trainer")
    train = matrix("regression" if "regression" in trainer.tasks and name not in ("sklearn", "auto") else "binary", 600)
    # Powers of two, so that what does not hang on scale is the same to the last bit.
    plain, other = (trainer.fit(one, None).predict(one) for one in (train, weighed(train, {"age": 8, "tenure": 0.125})))
    found = [one.values if one.probabilities is None else one.probabilities for one in (plain, other)]
    moved = float(np.abs(found[0] - found[1]).max())
    says = isinstance(trainer, IgnoresScale) and trainer.ignores_scale() is not None
    assert says == (moved < 1e-5), f"moved by {moved}"


@pytest.mark.parametrize(
    ("class_name", "ignores"),
    [
        ("ExtraTreeRegressor", True),
        ("HistGradientBoostingClassifier", True),
        ("LinearRegression", True),
        ("RidgeCV", False),
        ("QuadraticDiscriminantAnalysis", True),
        ("LinearSVC", False),
        ("SGDOneClassSVM", False),
        ("RANSACRegressor", True),
        ("BernoulliNB", True),
    ],
)
def test_an_estimator_by_its_name_is_told_of_by_its_name(registry: Registry, class_name: str, ignores: bool) -> None:
    trainer: Any = registry.build("trainer", "sklearn", {"class_name": class_name}, "trainer")
    assert (trainer.ignores_scale() is not None) == ignores


def test_weights_that_would_do_nothing_are_refused_by_the_plan() -> None:
    options: dict[str, Any] = {"source": "iris", "packager": [], "evaluator": []}
    with pytest.raises(PlanError, match="'random_forest' goes by no weights of features.*splits of trees") as told:
        hl.plan(trainer="random_forest", featurizer=[TABULAR, {"component": "weights", "columns": {"a": 2}}], **options)
    assert "logistic_regression" in str(told.value.hint)
    assert "decision_tree" not in str(told.value.hint)
    hl.plan(trainer="random_forest", featurizer=[TABULAR, {"component": "weights", "columns": {"a": 0}}], **options)


def test_a_scaler_behind_weights_is_refused_and_a_selection_keeps_them() -> None:
    options: dict[str, Any] = {"source": "iris", "packager": [], "evaluator": [], "trainer": "logistic_regression"}
    weights = {"component": "weights", "columns": {"sepal*": 2}}
    scaler, best = ({"component": "sklearn", "class_name": name} for name in ("StandardScaler", "VarianceThreshold"))
    with pytest.raises(PlanError, match="featurizer 'sklearn' goes by no weights.*StandardScaler makes the same"):
        hl.plan(featurizer=[TABULAR, weights, scaler], **options)
    hl.plan(featurizer=[TABULAR, weights, scaler | {"params": {"with_std": False}}], **options)
    hl.plan(featurizer=[TABULAR, scaler, weights], **options)
    run = hl.run(featurizer=[TABULAR, weights, best], **options)
    assert [one["weight"] for one in run.evidence["features"]] == [2.0, 2.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("class_name", "params"),
    [
        *[
            (name, {})
            for name in ("Binarizer", "LinearDiscriminantAnalysis", "OrdinalEncoder", "StandardScaler", "PCA")
        ],
        *[("Binarizer", {"threshold": 0.5}), ("StandardScaler", {"with_std": False})],
        *[("PLSRegression", {"n_components": 1}), ("PLSRegression", {"n_components": 1, "scale": False})],
    ],
    ids=lambda one: one if isinstance(one, str) else "-".join(one),
)
def test_a_transformer_by_its_name_says_whether_weights_reach_what_it_makes(
    registry: Registry, class_name: str, params: dict[str, Any]
) -> None:
    fields = {"class_name": class_name, "params": params}
    transformer: Any = registry.build("featurizer", "sklearn", fields, "featurizer")
    train = matrix("binary", 600)
    # A power of two, so that what does not hang on scale is nearly the same.
    plain, other = (transformer.fit(one).transform(one).X for one in (train, weighed(train, {"age": 8})))
    plain, other = (one.toarray() if hasattr(one, "toarray") else one for one in (plain, other))
    assert (transformer.ignores_scale() is not None) == bool(np.allclose(np.abs(plain), np.abs(other), atol=1e-4))


def test_what_nobody_can_mean_is_one_error(registry: Registry) -> None:
    for wrong in (-1, float("nan"), float("inf"), "much"):
        with pytest.raises(ConfigError, match=r"weights\.columns\.age: must be"):
            registry.build("featurizer", "weights", {"columns": {"age": wrong}}, "featurizer.weights")
    with pytest.raises(ConfigError, match=r"columns\.incme: no column or feature is called so; did you mean 'income'"):
        WeightsFeaturizer(columns={"incme": 2}).fit(matrix())
    with pytest.raises(ConfigError, match=r"columns\.q\*: no column or feature is called so"):
        WeightsFeaturizer(columns={"q*": 2}).fit(matrix())
    with pytest.raises(
        ConfigError, match="columns.plan=gld: these training rows make no such feature of 'plan'; did you"
    ):
        WeightsFeaturizer(columns={"plan=gld": 2}).fit(matrix())
    with pytest.raises(ConfigError, match="'a\\*' and '\\*ge' say different weights of 'age'"):
        WeightsFeaturizer(columns={"a*": 2, "*ge": 3}).fit(matrix())
    with pytest.raises(DataError, match="leave out every feature"):
        WeightsFeaturizer(columns={"*": 0}).fit(matrix())


def test_what_is_made_of_several_columns_counts_as_all_of_them_do() -> None:
    both = Feature("size", "float32", ("age", "income"), "PCA")
    train = replace(matrix(), X=matrix().dense()[:, :1], features=(both,))
    assert WeightsFeaturizer(columns={"age": 2, "income": 2}).fit(train).features[0].weight == 2
    with pytest.raises(ConfigError, match="'age' and 'income' say different weights of 'size'; name it, too"):
        WeightsFeaturizer(columns={"age": 2}).fit(train)
    assert WeightsFeaturizer(columns={"age": 2, "size": 3}).fit(train).features[0].weight == 3


def test_a_weight_is_a_part_of_what_a_feature_means() -> None:
    fitted, again = (WeightsFeaturizer(columns=WEIGHTS).fit(matrix()) for _ in range(2))
    versions = [one.version for one in fitted.features]
    assert versions == [one.version for one in again.features]
    assert versions[2:4] != ["1", "1"]
    assert versions[4:] == ["1", "1"]
    other = WeightsFeaturizer(columns=WEIGHTS | {"age": 3.0}).fit(matrix()).features[0]
    assert other.version != versions[0]
    assert other.definition == "3 * age"
    assert from_json(FittedWeights, json.loads(json.dumps(to_json(fitted)))) == fitted


NETWORKS: list[Any] = [
    {"component": "mlp", "max_epochs": 4, "hidden": [8], "accelerator": "cpu"},
    {"component": "ft_transformer", "blocks": 1, "width": 8, "heads": 2, "max_epochs": 2, "accelerator": "cpu"},
]


@pytest.mark.parametrize("trainer", NETWORKS, ids=lambda one: one["component"])
def test_a_network_that_embeds_multiplies_vectors_in_training_and_in_every_package(trainer: Any) -> None:
    coded = {**TABULAR, "categorical": "codes"}
    run = hl.run(
        source=people(), target="left", featurizer=[coded, WEIGHED], trainer=trainer, packager=["onnx"], evaluator=[]
    )
    assert all(one["ok"] for one in run.evidence["parity"])
    # The positions of categories stay what they are.
    model = run.predictor.model
    assert model.network.columns.weights == (4.0,)
    assert run.predictor.featurizers[-1].fitted.factors == (2.0, 0.5, 1.0)
    rows = people().drop("left")
    plain: Any = run.predictor.predict(rows)
    loaded: Any = hl.load(run.package("onnx")).predict(rows)
    np.testing.assert_allclose(loaded.probabilities, plain.probabilities, atol=1e-5)
    forgetful = replace(model.network, columns=replace(model.network.columns, weights=())).build()
    forgetful.load_state_dict(model.module.state_dict())
    other = replace(run.predictor, model=replace(model, module=forgetful.eval())).predict(rows)
    assert np.abs(other.probabilities - plain.probabilities).max() > 1e-4


def test_codes_that_are_read_as_numbers_take_no_weight() -> None:
    coded = {**TABULAR, "categorical": "codes"}
    with pytest.raises(DataError, match="'sklearn_mlp' reads the codes of 'plan' as numbers"):
        hl.run(
            source=people(),
            target="left",
            featurizer=[coded, WEIGHED],
            trainer="sklearn_mlp",
            packager=[],
            evaluator=[],
        )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions of a model: without weights, and with some."""
    home = tmp_path_factory.mktemp("shop")
    for more in ([], [WEIGHED]):
        hl.run(
            source=people(),
            target="left",
            featurizer=[TABULAR, *more],
            trainer="logistic_regression",
            packager=["onnx"],
            deployer="local",
            evaluator=["standard", "shap"],
            name="churn",
            home=home,
        )
    return home


def test_the_weight_is_told_of_a_feature_in_lists_history_and_report(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(shop))
    assert main(["features", "list", "churn"]) == 0
    assert "weight" in capsys.readouterr().out.splitlines()[0]
    assert main(["features", "list", "churn:1"]) == 0
    assert "weight" not in capsys.readouterr().out.splitlines()[0]
    assert main(["features", "history", "plan", "churn", "--json", "--html", str(tmp_path / "history.html")]) == 0
    assert [one["weight"] for one in json.loads(capsys.readouterr().out)] == [1.0, 4.0]
    assert 'data-chart="weight"' in (tmp_path / "history.html").read_text("utf-8")
    assert main(["features", "diff", "churn:1", "churn:2", "--json"]) == 0
    changed = {one["name"]: one["status"] for one in json.loads(capsys.readouterr().out)}
    assert set(changed.values()) == {"redefined"}
    frame = hl.features("churn:2").select("name", "weight")
    assert dict(frame.iter_rows())["income"] == 0.5
    pages = [page.read_text("utf-8") for page in shop.glob("runs/*/report.html")]
    assert sum(">Weight</th>" in page for page in pages) == 1


def test_an_importance_is_how_far_a_feature_moves_answers_and_not_its_coefficient_alone() -> None:
    run = hl.run(
        source=people(), target="left", featurizer=[TABULAR, WEIGHED], trainer="logistic_regression", packager=["skops"]
    )
    coefficients = dict(zip(run.predictor.feature_names, np.abs(run.predictor.model.estimator.coef_[0]), strict=True))
    told = dict(run.evidence["importances"])
    assert told["age"] == pytest.approx(2 * coefficients["age"])
    assert told["plan=gold"] == pytest.approx(4 * coefficients["plan=gold"])
    held = json.loads((run.package("skops") / "manifest.json").read_text("utf-8"))
    assert held["importances"] == pytest.approx(told)
    assert {one["name"]: one["weight"] for one in held["features"]}["plan=gold"] == 4


def test_what_moved_an_answer_adds_up_to_it(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(shop))
    from hookline_explain import ShapEvaluator

    rows = people().drop("left")
    predictor: Any = hl.load("churn:2")
    found = ShapEvaluator(n_background=40).explain(predictor, rows[:10], rows[:60])
    answers = np.asarray(predictor.predict(rows[:10]).probabilities).max(axis=1)
    assert found.columns == ("age", "income", "plan")
    np.testing.assert_allclose(np.asarray(found.base) + np.asarray(found.values).sum(axis=1), answers, atol=1e-4)
