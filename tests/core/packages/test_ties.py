"""Where neighbors are equally near, rounding decides which of them count: such rows are told, and let pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Pipeline, Prediction
from hookline.errors import DataError, ExportError
from hookline.kinds.artifacts import Feature, Features
from hookline.kinds.sklearn_model import SklearnModel
from hookline.packages.certificate.certificate import require_agreement
from hookline.packages.certificate.certifying import certify
from hookline.packages.certificate.edges import EdgeRows
from hookline_onnx import OnnxPackager
from kit.packages import pipeline_of

ROWS = pl.DataFrame({"x": [float(i) for i in range(40)], "y": ["a", "b"] * 20})
NONE = EdgeRows(ROWS.select("x").head(0), (), {}, 0)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline[Any]:
    nearest = {"component": "sklearn", "class_name": "KNeighborsClassifier", "params": {"n_neighbors": 1}}
    return pipeline_of(source=ROWS, target="y", trainer=nearest, split={"method": "random", "test": 0.25})


@dataclass(frozen=True)
class Turned:
    """Answers the other class everywhere."""

    native: Pipeline[Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    def predict(self, frame: Any) -> Prediction:
        found = self.native.predict(frame)
        assert found.probabilities is not None
        turned = np.where(found.values == "a", "b", "a")
        return replace(found, values=turned, probabilities=found.probabilities[:, ::-1])


def trained(pipeline: Pipeline[Any]) -> np.ndarray:
    """Return the numbers that the neighbors stand at."""
    feature = pipeline.features(ROWS.select("x").lazy()).dense()[:, 0]
    known: Any = pipeline.model
    return ROWS["x"].to_numpy()[np.isin(feature, known.estimator._fit_X[:, 0])]


def test_a_row_between_two_neighbors_is_a_tie_and_one_beside_them_is_none(pipeline: Pipeline[Any]) -> None:
    known = trained(pipeline)
    middle, beside = (known[3] + known[4]) / 2, known[3] + (known[4] - known[3]) / 4
    model: Any = pipeline.model
    assert model.ties(pipeline.features(pl.LazyFrame({"x": [middle, beside]}))).tolist() == [True, False]


def test_rows_that_differ_at_ties_are_told_and_let_pass(pipeline: Pipeline[Any]) -> None:
    known = trained(pipeline)
    middles = pl.DataFrame({"x": (known[:-1] + known[1:]) / 2})
    turned: Any = Turned(pipeline)
    found = certify(OnnxPackager(), pipeline, turned, middles, NONE)
    assert found.ok
    assert found.agreements[0].tied == middles.height


def test_rows_that_differ_beside_ties_are_refused(pipeline: Pipeline[Any]) -> None:
    turned: Any = Turned(pipeline)
    found = certify(OnnxPackager(), pipeline, turned, ROWS.select("x"), NONE)
    assert not found.ok
    with pytest.raises(ExportError, match="decisions changed: '[ab]' became '[ab]'"):
        require_agreement(found, "packager 'onnx'", None)


def test_the_plugin_of_the_readme_is_packaged_and_served_where_neighbors_are_equally_near(
    shared_data: Path, tmp_path: Path
) -> None:
    run = hl.run(
        source=str(shared_data / "titanic.csv"),
        roles={"target": "survived", "ignore": ("alive",)},
        trainer={"component": "sklearn", "class_name": "KNeighborsClassifier"},
        featurizer={"component": "tabular", "missing": "zero"},
        packager=["onnx"],
        deployer="local",
        name="m",
        evaluator=[],
        home=tmp_path,
    )
    told = [one for certificate in run.evidence["certificates"] for one in certificate["agreements"]]
    assert all(one["ok"] for one in told)
    rows = run.predictor.features(pl.scan_csv(shared_data / "titanic.csv").head(200).drop("survived", "alive"))
    assert run.predictor.model.ties(rows).sum() > 10


def test_an_estimator_is_fitted_with_all_that_the_rows_say() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    X = np.array([[0.0], [1.0], [2.0], [3.0]], dtype=np.float32)
    rows = Features(X, (Feature("x", "float32", ("x",), "x"),), y=np.array([0, 1, 0, 1]))
    heavy = replace(rows, sample_weight=np.array([1.0, 0.0, 0.0, 9.0]))
    plain, weighted = (SklearnModel.fitted(LogisticRegression(), one).estimator for one in (rows, heavy))
    assert weighted.intercept_ != pytest.approx(plain.intercept_)
    with pytest.raises(DataError, match="KNeighborsClassifier takes no weights"):
        SklearnModel.fitted(KNeighborsClassifier(1), heavy)
    with pytest.raises(DataError, match="takes no missing values, and x have some"):
        SklearnModel.fitted(KNeighborsClassifier(1), replace(rows, X=np.array([[np.nan]] * 4, dtype=np.float32)))
