"""The data sets that ship with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import datasets

from hookline import Source
from hookline_sklearn import BreastCancerSource, DiabetesSource, DigitsSource, IrisSource, WineSource
from kit.processes import run_python

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (BreastCancerSource(), DiabetesSource(), DigitsSource(), IrisSource(), WineSource())
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_numbers_are_scikit_learns(name: str) -> None:
    bunch: Any = getattr(datasets, f"load_{name}")()
    frame = SOURCES[name].load().frame.collect()
    np.testing.assert_array_equal(frame.drop("target").to_numpy(), bunch.data)
    assert frame.columns[-1] == SOURCES[name].roles().target == "target"


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("iris", ["setosa", "versicolor", "virginica"]),
        ("breast_cancer", ["benign", "malignant"]),
        ("wine", ["class_0", "class_1", "class_2"]),
        ("digits", list(range(10))),
    ],
)
def test_classes_go_by_their_names(name: str, labels: list[Any]) -> None:
    target = SOURCES[name].load().frame.collect()["target"]
    assert target.unique().sort().to_list() == labels


def test_the_labels_stand_at_the_right_rows() -> None:
    bunch: Any = datasets.load_breast_cancer()
    target = SOURCES["breast_cancer"].load().frame.collect()["target"]
    assert target.to_list() == [bunch.target_names[code] for code in bunch.target]


def test_columns_are_named_in_snake_case() -> None:
    assert SOURCES["iris"].load().frame.collect_schema().names()[:2] == ["sepal_length_cm", "sepal_width_cm"]


def test_fingerprints_tell_the_data_sets_apart() -> None:
    assert len({source.fingerprint() for source in SOURCES.values()}) == len(SOURCES)
    assert SOURCES["iris"].fingerprint() == IrisSource().fingerprint()


def test_a_numeric_target_stays_a_number() -> None:
    assert SOURCES["diabetes"].load().frame.collect_schema()["target"] == pl.Float64


@pytest.mark.parametrize("plugin", ["hookline_polars", "hookline_sklearn", "hookline_onnx"])
def test_a_plugin_imports_no_backend(plugin: str) -> None:
    code = (
        f"import sys, {plugin}; [getattr({plugin}, name) for name in {plugin}.__all__]; "
        "print(sorted({'numpy', 'onnx', 'onnxruntime', 'polars', 'scipy', 'skops', 'sklearn', 'spox'} & set(sys.modules)))"
    )
    found = run_python(code)
    assert found.stdout.strip() == "[]"
