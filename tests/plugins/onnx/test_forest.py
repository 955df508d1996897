"""A forest written from the arrays of its trees is the one that skl2onnx writes node by node, sooner."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import pytest
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

import kit
from hookline_onnx.estimators.estimator import ML_OPSET, _whole_number_lists
from hookline_onnx.estimators.forest import fill, is_forest, stub

WIDTH = 4


def rows(classes: int, size: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(size, WIDTH)).astype(np.float32)
    y = X[:, 0] + rng.normal(size=size)
    return X, np.digitize(y, np.linspace(-1, 1, classes - 1)) if classes else y


def written(estimator: Any) -> onnx.ModelProto:
    model = stub(estimator, WIDTH, ML_OPSET)
    fill(model.graph, estimator)
    onnx.checker.check_model(model)
    return model


def by_skl2onnx(estimator: Any) -> onnx.ModelProto:
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    kind = [("X", FloatTensorType([None, WIDTH]))]
    with _whole_number_lists():
        return convert_sklearn(
            estimator, initial_types=kind, options=options, target_opset={"": 21, "ai.onnx.ml": ML_OPSET}
        )


def told(model: onnx.ModelProto) -> dict[str, Any]:
    (node,) = (node for node in model.graph.node if node.op_type.startswith("TreeEnsemble"))
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


@pytest.mark.parametrize(
    ("estimator", "classes"),
    [
        (RandomForestClassifier(5, random_state=0), 2),
        (RandomForestClassifier(5, max_depth=1, random_state=0), 3),
        (ExtraTreesRegressor(5, random_state=0), 0),
    ],
    ids=["two classes", "three classes", "numbers"],
)
def test_every_node_and_leaf_is_that_of_skl2onnx(estimator: Any, classes: int) -> None:
    estimator.fit(*rows(classes))
    assert is_forest(estimator)
    mine, known = told(written(estimator)), told(by_skl2onnx(estimator))
    # Hit rates are all 1, and nothing reads them; skl2onnx sends missing values to the right, whatever the tree says.
    aside = {"nodes_hitrates", "nodes_missing_value_tracks_true"}
    assert mine.keys() - aside == known.keys() - aside
    for name in mine.keys() - aside:
        assert np.array_equal(mine[name], known[name]), name


def test_missing_values_go_where_the_trees_send_them() -> None:
    X, y = rows(2)
    X[::3, 0] = np.nan
    forest = RandomForestClassifier(3, random_state=0).fit(X, y)
    sent = np.concatenate([tree.tree_.missing_go_to_left for tree in forest.estimators_])
    assert sent.any()
    assert told(written(forest))["nodes_missing_value_tracks_true"] == sent.tolist()


def test_a_forest_is_written_in_less_than_the_time_it_takes_to_fit() -> None:
    X, y = rows(2, 8_000)
    written(RandomForestClassifier(1).fit(X[:50], y[:50]))
    start = time.process_time()
    forest = RandomForestClassifier(30, random_state=0).fit(X, y)
    between = time.process_time()
    written(forest)
    assert time.process_time() - between < between - start


PACKAGING = """
import sys
from pathlib import Path
import numpy as np, polars as pl
import hookline as hl
from kit.packages import pipeline_of, read, saved
from hookline_onnx import OnnxPackager

rng = np.random.default_rng(0)
frame = pl.DataFrame({"x": rng.normal(size=6_000), "y": rng.choice(["a", "b"], 6_000)})
pipeline = pipeline_of(source=frame, target="y", trainer={"component": "random_forest", "n_estimators": 40}, packager=[])
folder = Path(sys.argv[1])
held = lambda name: int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0]) * 1024
# What is imported and read once is no matter of the forest.
small = pipeline_of(source=frame[:200], target="y", trainer="decision_tree", packager=[])
(folder / "small").mkdir()
predictor = read(OnnxPackager(), saved(OnnxPackager(), small, folder / "small"), hl.Trust())
predictor.predict_rows([[0.1]])
(folder / "large").mkdir()
Path("/proc/self/clear_refs").write_text("5")
before = held("VmRSS")
predictor = read(OnnxPackager(), saved(OnnxPackager(), pipeline, folder / "large"), hl.Trust())
predictor.predict(frame[:1000])
predictor.predict_rows([[0.1]])
print((held("VmHWM") - before) / (folder / "large" / "model.onnx").stat().st_size)
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells what a process held at most")
def test_a_forest_is_packaged_and_asked_in_less_than_25_times_the_memory_of_its_file(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PACKAGING, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(kit.__file__).parents[1])},
    )
    assert float(told.stdout.split()[-1]) < 25
