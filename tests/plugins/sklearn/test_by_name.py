"""The `sklearn` featurizer: any of scikit-learn's own transformers by its class name, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import ConfigError, DataError, PlanError, StoreError
from hookline.kinds.plain import from_json, to_json
from hookline_sklearn import SklearnFeaturizer
from hookline_sklearn.featurizers.by_name import FittedTransformer, allowed_transformers


def matrix(rows: int = 120, *, gap: bool = False) -> Features:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 4)).astype(np.float32)
    X[:, 3] = X[:, 0] + 0.1 * X[:, 3]
    if gap:
        X[3, 1] = np.nan
    features = tuple(Feature(name, "float32", (name,), name, "7") for name in "abcd")
    return Features(X, features, y=(X[:, 0] > 0).astype(np.int64), target=Target("y", "binary", ("no", "yes")))


def test_a_fitted_transformer_does_what_the_backend_does_also_after_json() -> None:
    train = matrix()
    fitted = SklearnFeaturizer(class_name="PCA", params={"n_components": 2}).fit(train)
    carried = from_json(FittedTransformer, to_json(fitted))
    expected = PCA(2, random_state=0).fit_transform(np.asarray(train.X))
    np.testing.assert_allclose(carried.transform(train).X, expected, atol=1e-5)
    assert carried.transform(train).names == ("pca0", "pca1")
    assert carried.features[0].inputs == ("a", "b", "c", "d")


def test_two_fits_leave_the_same_state() -> None:
    first, second = (SklearnFeaturizer(class_name="PowerTransformer").fit(matrix()) for _ in range(2))
    assert first.state == second.state


def test_columns_that_keep_their_name_keep_their_input() -> None:
    fitted = SklearnFeaturizer(class_name="StandardScaler").fit(matrix())
    assert [(one.name, one.inputs) for one in fitted.features] == [(name, (name,)) for name in "abcd"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"class_name": "PCAA"}, "class_name: 'PCAA' is no transformer that may be named; did you mean 'PCA'"),
        ({"class_name": "os.system"}, "class_name: 'os.system' is no transformer that may be named"),
        ({"class_name": "FunctionTransformer"}, "class_name: 'FunctionTransformer' is no transformer"),
        ({"class_name": "PCA", "params": {"n_componets": 2}}, "n_componets: unknown parameter; did you mean"),
        ({"class_name": "PCA", "params": {"svd_solver": "none"}}, "params: The 'svd_solver' parameter of PCA must be"),
    ],
    ids=lambda value: value["class_name"] if isinstance(value, dict) else "",
)
def test_what_is_no_transformer_of_its_own_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SklearnFeaturizer(**fields).fit(matrix())


def test_no_transformer_that_may_be_named_runs_code_or_sees_the_target_of_its_own_row() -> None:
    assert not {"FunctionTransformer", "TargetEncoder"} & set(allowed_transformers())
    assert all(cls.__module__.startswith("sklearn.") for cls in allowed_transformers().values())


def test_missing_values_are_told_by_the_feature_that_has_them() -> None:
    with pytest.raises(DataError, match="PCA takes no missing values, and b have some"):
        SklearnFeaturizer(class_name="PCA").fit(matrix(gap=True))
    SklearnFeaturizer(class_name="StandardScaler").fit(matrix(gap=True))


def test_a_damaged_state_and_one_of_another_type_are_refused() -> None:
    fitted = SklearnFeaturizer(class_name="PCA").fit(matrix())
    state = to_json(fitted)
    with pytest.raises(StoreError, match="cannot be read"):
        from_json(FittedTransformer, {**state, "state": state["state"][:400]}).transform(matrix())
    other = _state_of_a_forest()
    with pytest.raises(StoreError, match="is a DecisionTreeClassifier, which may not be named"):
        from_json(FittedTransformer, {**state, "state": other}).transform(matrix())


def _state_of_a_forest() -> str:
    from base64 import b64encode

    import skops.io
    from sklearn.tree import DecisionTreeClassifier

    train = matrix()
    return b64encode(skops.io.dumps(DecisionTreeClassifier().fit(train.X, train.y))).decode()


def test_a_run_packages_it_as_skops_and_is_refused_as_onnx_beforehand(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(rng.normal(size=(150, 4)), schema=list("abcd"))
    frame = frame.with_columns(y=pl.when(pl.col("a") > 0).then(pl.lit("yes")).otherwise(pl.lit("no")))
    featurizer = ["tabular", {"component": "sklearn", "class_name": "PCA", "params": {"n_components": 3}}]
    given: dict[str, Any] = {"source": frame, "target": "y", "featurizer": featurizer, "trainer": "logistic_regression"}
    run = hl.run(home=tmp_path, evaluator=[], monitor=[], packager=["skops"], **given)
    loaded = hl.load(run.package("skops"))
    assert loaded.predict(frame.head(9)).values.tolist() == run.predict(frame.head(9)).values.tolist()
    with pytest.raises(PlanError, match="packager 'onnx' cannot say this pipeline: sklearn needs PCA of scikit-learn"):
        hl.plan(packager=["onnx"], **given)


def test_no_parameter_names_a_folder_of_pickles(tmp_path: Path) -> None:
    source = SklearnFeaturizer(class_name="FeatureAgglomeration", params={"memory": str(tmp_path / "there")})
    with pytest.raises(ConfigError, match=r"(?s)params\.memory.*unknown parameter"):
        source.fit(matrix())
    assert not (tmp_path / "there").exists()
