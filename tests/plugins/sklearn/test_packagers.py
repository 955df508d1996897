"""The skops and pickle packagers: the same predictions after reading, and nothing run that nobody allowed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import hookline as hl
from hookline import Pipeline, SklearnModel, Trust
from hookline.errors import StoreError, UntrustedPackage
from hookline_sklearn import PicklePackager, SkopsPackager
from kit.packages import pipeline_of, read, saved
from kit.processes import run_python

ROWS = pl.DataFrame(
    {
        "x": [0.1, None, 2.0, 3.5, -1.0] * 16,
        "s": ["a", "b", None, "a", "c"] * 16,
        "y": ["no", "no", "yes", "yes", "no"] * 16,
        "z": [1.0, 2.0, 3.0, 4.0, 2.5] * 16,
    }
)


class Majority(ClassifierMixin, BaseEstimator):
    """A classifier that scikit-learn does not know."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.tile([0.25, 0.75], (len(X), 1))


def fitted(trainer: Any, target: str = "y") -> Pipeline[Any]:
    columns = ROWS.drop("z" if target == "y" else "y")
    featurizer = {"component": "tabular", "missing": "zero"}
    return pipeline_of(source=columns, target=target, trainer=trainer, featurizer=featurizer)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline[Any]:
    patch = pytest.MonkeyPatch()
    patch.setenv("HOOKLINE_HOME", str(tmp_path_factory.mktemp("home")))
    try:
        return fitted({"component": "decision_tree", "max_depth": 2})
    finally:
        patch.undo()


@pytest.mark.parametrize(
    ("trainer", "target"),
    [
        ("logistic_regression", "y"),
        ("decision_tree", "y"),
        ({"component": "random_forest", "n_estimators": 5}, "y"),
        ({"component": "hist_gradient_boosting", "max_iter": 5}, "y"),
        ({"component": "hist_gradient_boosting", "max_iter": 5}, "z"),
        ({"component": "sklearn", "class_name": "GaussianNB"}, "y"),
        ("linear_regression", "z"),
        ("ridge", "z"),
        ("decision_tree", "z"),
        ({"component": "random_forest", "n_estimators": 5}, "z"),
    ],
)
def test_a_skops_package_needs_no_trust_and_predicts_the_same(trainer: Any, target: str, tmp_path: Path) -> None:
    pipeline = fitted(trainer, target)
    loaded = read(SkopsPackager(), saved(SkopsPackager(), pipeline, tmp_path), Trust())
    before, after = pipeline.predict(ROWS), loaded.predict(ROWS)
    np.testing.assert_array_equal(before.values, after.values)
    if target == "y":
        np.testing.assert_array_equal(before.probabilities, after.probabilities)


def with_model(pipeline: Pipeline[Any], model: Any) -> Pipeline[Any]:
    from dataclasses import replace

    return replace(pipeline, model=model)


def test_a_type_that_nobody_trusts_is_named_and_refused(pipeline: Pipeline[Any], tmp_path: Path) -> None:
    strange = with_model(pipeline, SklearnModel(Majority(), pipeline.feature_names))
    path = saved(SkopsPackager(), strange, tmp_path)
    with pytest.raises(UntrustedPackage, match="Majority") as caught:
        read(SkopsPackager(), path, Trust())
    assert "--trust-type" in str(caught.value.hint)


def test_a_type_that_the_caller_names_is_built(pipeline: Pipeline[Any], tmp_path: Path) -> None:
    # A type is named by its module, which pytest's importlib mode puts into sys.modules.
    strange = with_model(pipeline, SklearnModel(Majority(), pipeline.feature_names))
    path = saved(SkopsPackager(), strange, tmp_path)
    name = f"{Majority.__module__}.{Majority.__qualname__}"
    loaded = read(SkopsPackager(), path, Trust(types=frozenset({name})))
    assert loaded.predict(ROWS).values.tolist() == ["yes"] * ROWS.height


def test_a_search_tree_is_trusted_only_by_name(tmp_path: Path) -> None:
    pipeline = fitted({"component": "sklearn", "class_name": "KNeighborsClassifier"})
    path = saved(SkopsPackager(), pipeline, tmp_path)
    types = frozenset({"sklearn.neighbors._kd_tree.KDTree", "sklearn.metrics._dist_metrics.EuclideanDistance64"})
    with pytest.raises(UntrustedPackage, match=", ".join(sorted(types))):
        read(SkopsPackager(), path, Trust())
    loaded = read(SkopsPackager(), path, Trust(types=types))
    np.testing.assert_array_equal(loaded.predict(ROWS).probabilities, pipeline.predict(ROWS).probabilities)


def test_a_damaged_skops_file_is_a_store_error(pipeline: Pipeline[Any], tmp_path: Path) -> None:
    path = saved(SkopsPackager(), pipeline, tmp_path)
    content = (path / "model.skops").read_bytes()
    for damaged in (b"", b"junk", content[: len(content) // 2]):
        (path / "model.skops").write_bytes(damaged)
        with pytest.raises(StoreError, match=r"model\.skops cannot be read"):
            read(SkopsPackager(), path, Trust())
    (path / "model.skops").unlink()
    with pytest.raises(StoreError, match=r"model\.skops cannot be read"):
        read(SkopsPackager(), path, Trust())


def test_a_pickle_is_not_read_without_leave(pipeline: Pipeline[Any], tmp_path: Path) -> None:
    path = saved(PicklePackager(), pipeline, tmp_path)
    with pytest.raises(UntrustedPackage, match="can run any code") as caught:
        read(PicklePackager(), path, Trust())
    assert "HOOKLINE_ALLOW_PICKLE=1" in str(caught.value.hint)


def test_a_refused_pickle_runs_nothing(pipeline: Pipeline[Any], tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = saved(PicklePackager(), pipeline, tmp_path)
    (path / "model.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UntrustedPackage):
        read(PicklePackager(), path, Trust())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("trust", [Trust(pickle=True), Trust(everything=True)])
def test_a_pickle_with_leave_predicts_the_same(pipeline: Pipeline[Any], tmp_path: Path, trust: Trust) -> None:
    loaded = read(PicklePackager(), saved(PicklePackager(), pipeline, tmp_path), trust)
    np.testing.assert_array_equal(loaded.predict(ROWS).probabilities, pipeline.predict(ROWS).probabilities)


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps({"no": "model"})])
def test_a_pickle_that_holds_no_model_is_a_store_error(pipeline: Pipeline[Any], tmp_path: Path, content: bytes) -> None:
    path = saved(PicklePackager(), pipeline, tmp_path)
    (path / "model.pkl").write_bytes(content)
    with pytest.raises(StoreError, match=r"model\.pkl"):
        read(PicklePackager(), path, Trust(pickle=True))


def test_an_old_pickle_of_a_network_is_read_where_its_class_is_now(tmp_path: Path) -> None:
    network = fitted({"component": "mlp", "hidden": [4], "max_epochs": 2, "accelerator": "cpu"})
    path = saved(PicklePackager(), network, tmp_path)
    # The oldest protocol names modules in lines of their own.
    old = pickle.dumps(network.model, protocol=0).replace(b"hookline_torch.model\n", b"hookline_torch.torch_model\n")
    assert b"hookline_torch.torch_model" in old
    (path / "model.pkl").write_bytes(old)
    loaded = read(PicklePackager(), path, Trust(pickle=True))
    np.testing.assert_array_equal(loaded.predict(ROWS).probabilities, network.predict(ROWS).probabilities)


def test_an_old_pickle_of_boosted_trees_tells_their_splits(tmp_path: Path) -> None:
    boosted = fitted({"component": "hist_gradient_boosting", "max_iter": 5})
    path = saved(PicklePackager(), boosted, tmp_path)
    (path / "model.pkl").write_bytes(pickle.dumps(SklearnModel(boosted.model.estimator, boosted.model.feature_names)))
    loaded: Any = read(PicklePackager(), path, Trust(pickle=True))
    assert loaded.model.importances() == boosted.model.importances()
    assert sum(loaded.model.importances().values()) == pytest.approx(1)
    assert set(loaded.model.thresholds()) == set(boosted.model.thresholds())


def test_a_run_writes_packages_that_load_by_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    run = hl.run(source=ROWS.drop("z"), target="y", trainer="decision_tree", packager=["skops", "pickle"])
    expected = run.predict(ROWS).values.tolist()
    assert hl.load(run.package("skops")).predict(ROWS).values.tolist() == expected
    with pytest.raises(UntrustedPackage):
        hl.load(run.package("pickle"))
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
    assert hl.load(run.package("pickle")).predict(ROWS).values.tolist() == expected


def test_skops_loads_nothing_of_libraries_for_other_arrays() -> None:
    code = (
        "import sys; from hookline_sklearn.archive import OTHER_ARRAYS, skops_io; skops_io().dumps(1)\n"
        "print('torch' in sys.modules, *[name for name in OTHER_ARRAYS if name in sys.modules])"
    )
    assert run_python(code).stdout.split() == ["False"]
