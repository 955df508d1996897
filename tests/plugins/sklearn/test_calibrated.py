"""The `calibrated` trainer: probabilities that are what they say, around any classifier of scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold

from hookline import Feature, Features, Model, Pipeline, Roles, SklearnModel, Target, Trainer, Trust
from hookline.data.columns import infer_schema
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset
from hookline.packages.pipeline import FittedStage
from hookline.packages.state import StoredPackage, write_pipeline
from hookline.registry.registry import load_registry
from hookline_onnx.packagers import OnnxPackager
from hookline_polars.featurizers.tabular import TabularFeaturizer
from hookline_sklearn import (
    CalibratedTrainer,
    DecisionTreeTrainer,
    HistGradientBoostingTrainer,
    LogisticRegressionTrainer,
    PicklePackager,
    RandomForestTrainer,
    RidgeTrainer,
    SgdClassifierTrainer,
    SklearnTrainer,
    SkopsPackager,
)

INNER: list[Any] = [
    RandomForestTrainer(n_estimators=20),
    DecisionTreeTrainer(max_depth=4),
    HistGradientBoostingTrainer(max_iter=10),
    LogisticRegressionTrainer(),
    SgdClassifierTrainer(max_iter=20),
    SklearnTrainer(class_name="GaussianNB"),
]


def real(load: Any, rows: slice, features: int = 30) -> Features:
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X = X[order][:, :features].astype(np.float32)
    named = tuple(Feature(f"f{i}", "float32", (f"f{i}",), f"f{i}") for i in range(X.shape[1]))
    classes = tuple(range(int(y.max()) + 1))
    target = Target("y", "binary" if len(classes) == 2 else "multiclass", classes)
    return Features(X[rows], named, y=y[order][rows], target=target)


def log_loss(model: Model, test: Features) -> float:
    shares = np.asarray(model.predict(test).probabilities)
    y: Any = test.y
    return float(-np.log(shares[np.arange(len(y)), y].clip(1e-15)).mean())


def calibration_error(model: Model, test: Features) -> float:
    """Return the expected calibration error of the answered class over ten bins (Guo et al. 2017, section 2)."""
    prediction = model.predict(test)
    sure = np.asarray(prediction.probabilities).max(axis=1)
    right = np.asarray(prediction.values) == test.y
    which = (sure * 10).clip(0, 9).astype(int)
    return float(sum(abs(right[which == b].mean() - sure[which == b].mean()) * (which == b).mean() for b in set(which)))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_naive_bayes_is_calibrated_on_held_out_rows(method: Any) -> None:
    train, test = real(load_breast_cancer, slice(0, 350)), real(load_breast_cancer, slice(350, None))
    inner = SklearnTrainer(class_name="GaussianNB")
    plain, calibrated = (
        trainer.fit(train, None) for trainer in (inner, CalibratedTrainer(trainer=inner, method=method))
    )
    assert log_loss(calibrated, test) < 0.75 * log_loss(plain, test)
    assert calibration_error(calibrated, test) < calibration_error(plain, test)


def test_a_forest_of_many_classes_is_calibrated_on_held_out_rows() -> None:
    train, test = real(load_digits, slice(0, 900), 64), real(load_digits, slice(900, None), 64)
    inner = RandomForestTrainer(n_estimators=30)
    plain, calibrated = (trainer.fit(train, None) for trainer in (inner, CalibratedTrainer(trainer=inner)))
    assert log_loss(calibrated, test) < log_loss(plain, test)
    assert calibration_error(calibrated, test) < 0.5 * calibration_error(plain, test)


def test_it_is_scikit_learns_calibration_of_the_inner_estimator() -> None:
    train = real(load_breast_cancer, slice(0, 300))
    weight = np.random.default_rng(0).random(300) + 0.1
    options: dict[str, Any] = {"method": "isotonic", "folds": 3, "seed": 5}
    inner = RandomForestTrainer(n_estimators=8, seed=2)
    model: Any = CalibratedTrainer(trainer=inner, **options).fit(replace(train, sample_weight=weight), None)
    golden = CalibratedClassifierCV(
        RandomForestClassifier(8, random_state=2),
        method="isotonic",
        cv=StratifiedKFold(3, shuffle=True, random_state=5),
        ensemble=False,
    ).fit(train.X, train.y, sample_weight=weight)
    np.testing.assert_array_equal(model.estimator.predict_proba(train.X), golden.predict_proba(train.X))


@pytest.mark.parametrize(
    "inner", [RandomForestTrainer(n_estimators=3), SklearnTrainer(class_name="RandomForestClassifier")], ids=repr
)
def test_the_classifier_is_fitted_once_for_each_fold_and_once_to_all_rows(
    inner: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    fit = RandomForestClassifier.fit

    def counted(forest: Any, X: Any, *given: Any, **named: Any) -> Any:
        rows.append(len(X))
        return fit(forest, X, *given, **named)

    monkeypatch.setattr(RandomForestClassifier, "fit", counted)
    CalibratedTrainer(trainer=inner, folds=3).fit(real(load_breast_cancer, slice(0, 300)), None)
    assert sorted(rows) == [200, 200, 200, 300]


def test_importances_and_splits_are_the_inner_models() -> None:
    train = real(load_breast_cancer, slice(0, 200))
    for inner in INNER:
        plain, model = inner.fit(train, None), CalibratedTrainer(trainer=inner).fit(train, None)
        assert isinstance(model, SklearnModel)
        assert set(model.importances()) == set(plain.importances())
        assert set(model.thresholds()) == set(plain.thresholds())


def test_missing_values_go_where_the_inner_model_takes_them() -> None:
    train = real(load_breast_cancer, slice(0, 200))
    X = np.asarray(train.X).copy()
    X[::5, 0] = np.nan
    gaps = replace(train, X=X)
    model = CalibratedTrainer(trainer=HistGradientBoostingTrainer(max_iter=5)).fit(gaps, None)
    assert np.isfinite(np.asarray(model.predict(gaps).probabilities)).all()
    with pytest.raises(DataError, match="takes no missing values"):
        CalibratedTrainer(trainer=LogisticRegressionTrainer()).fit(gaps, None)


def test_sparse_rows_answer_the_same() -> None:
    from scipy import sparse

    train = real(load_digits, slice(0, 300), 64)
    thin = replace(train, X=sparse.csr_matrix(train.X))
    for inner in (LogisticRegressionTrainer(), HistGradientBoostingTrainer(max_iter=3)):
        model = CalibratedTrainer(trainer=inner, folds=3).fit(thin, None)
        np.testing.assert_allclose(model.predict(thin).probabilities, model.predict(train).probabilities, atol=1e-6)


class Foreign(Trainer):
    """Makes a model that is no scikit-learn model."""

    name = "foreign"

    def fit(self, train: Features, valid: Features | None) -> Model:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (Foreign(), "trainer 'foreign' makes Model, and only a SklearnModel is calibrated"),
        (RidgeTrainer(), "trainer 'ridge' learns numbers"),
        (CalibratedTrainer(trainer=LogisticRegressionTrainer()), "calibrated already"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_by_name(inner: Trainer, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CalibratedTrainer(trainer=inner)


def test_too_few_rows_of_a_class_are_named() -> None:
    train = real(load_breast_cancer, slice(0, 100))
    y: Any = train.y
    rows = np.flatnonzero((y == 1) | (np.cumsum(y == 0) <= 3))
    few = replace(train, X=np.asarray(train.X)[rows], y=y[rows])
    with pytest.raises(DataError, match="class '0' has 3 training rows, too few for 5 folds") as caught:
        CalibratedTrainer(trainer=LogisticRegressionTrainer()).fit(few, None)
    assert "trainer.folds" in str(caught.value.hint)
    CalibratedTrainer(trainer=LogisticRegressionTrainer(), folds=3).fit(few, None)


def table(classes: int, rows: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({name: rng.normal(size=rows) for name in ("a", "b", "c")})
    score = frame["a"] - 2 * frame["b"] + rng.normal(0, 0.5, rows)
    cuts = [0.0] if classes == 2 else [-1.0, 1.0]
    return frame.with_columns(pl.Series("y", np.array(["no", "maybe", "yes"])[np.digitize(score, cuts)]))


def pipeline_around(trainer: Trainer, rows: pl.DataFrame) -> Pipeline[Any]:
    classes = tuple(rows["y"].unique().sort().to_list())
    target = Target("y", "binary" if len(classes) == 2 else "multiclass", classes)
    train = Dataset(rows.lazy(), Roles(target="y"), "rows", target)
    fitted = TabularFeaturizer().fit(train)
    y = np.array([classes.index(label) for label in rows["y"]])
    features = replace(fitted.transform(train.frame), y=y, target=target)
    stage = FittedStage("featurizer.tabular", "tabular", fitted)
    schema = infer_schema(train.frame, ["a", "b", "c"])
    return Pipeline(schema, train.roles, target, (), (stage,), trainer.fit(features, None))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("inner", INNER, ids=lambda trainer: trainer.name)
def test_packages_answer_as_the_pipeline_does(inner: Trainer, method: Any, classes: int, tmp_path: Path) -> None:
    pipeline = pipeline_around(CalibratedTrainer(trainer=inner, method=method), table(classes))
    fresh = table(classes, rows=300, seed=1).drop("y")
    expected = pipeline.predict(fresh)
    for packager, bound in ((SkopsPackager(), 0.0), (PicklePackager(), 0.0), (OnnxPackager(), 1e-5)):
        path = tmp_path / packager.name
        path.mkdir()
        packager.save(pipeline, path)
        write_pipeline(pipeline, path)
        trust = Trust(pickle=True) if packager.name == "pickle" else Trust()
        found = packager.load(StoredPackage(path, load_registry()), trust).predict(fresh)
        assert np.abs(np.asarray(found.probabilities) - np.asarray(expected.probabilities)).max() <= bound
        assert found.values.tolist() == expected.values.tolist()
