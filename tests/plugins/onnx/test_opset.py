"""Graphs for older runtimes: declared as asked, answering as the pipeline does, and refused where they cannot be said."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.checker
import polars as pl
import pytest
from onnx import TensorProto, helper

import hookline as hl
from hookline import NeedsOpset, Pipeline, Trust
from hookline.errors import ConfigError, ExportError, PlanError
from hookline_onnx import OnnxPackager
from hookline_onnx.variants.opset import lowered
from hookline_polars import ParseNumbersTransform
from kit.packages import pipeline_of, read, saved
from kit.processes import lacks, run_command

ROWS = pl.DataFrame(
    {
        "x": [0.1, None, 2.0, 3.5, -1.0] * 16,
        "s": ["a", "b", None, "a", "c"] * 16,
        "t": [datetime(2026, 1, 1) + timedelta(days=i) for i in range(80)],
        "y": ["no", "no", "yes", "yes", "no"] * 16,
    }
)
GELU = {"component": "mlp", "max_epochs": 2, "activation": "gelu"}
MADE: dict[str, dict[str, Any]] = {
    "tree": {"trainer": {"component": "decision_tree", "max_depth": 3}, "transform": ["impute"]},
    "network": {"trainer": GELU, "transform": ["impute"]},
}
ALONE = """
import json, sys
import numpy as np, onnxruntime
found = {}
for path, feeds in json.loads(sys.argv[1]):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    kinds = {"tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(string)": object}
    given = {i.name: np.array(feeds[i.name], dtype=kinds[i.type]).reshape(-1, 1) for i in session.get_inputs()}
    found[path] = session.run(None, given)[0].tolist()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def made() -> dict[str, Pipeline[Any]]:
    """A pipeline of a tree and one of a network, both of numbers, texts and moments."""
    return {name: pipeline_of(source=ROWS, target="y", **config) for name, config in MADE.items()}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("opset", "ir"), [(16, 8), (19, 9), (21, 10)])
def test_a_graph_declares_the_set_asked_for_and_answers_alike(
    name: str, opset: int, ir: int, made: dict[str, Pipeline[Any]], tmp_path: Path
) -> None:
    packager = OnnxPackager(target_opset=opset)
    graph = onnx.load(saved(packager, made[name], tmp_path) / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert (graph.ir_version, graph.producer_name) == (ir, "hookline")
    assert {one.version for one in graph.opset_import if one.domain == ""} == {opset}
    found, expected = read(packager, tmp_path, Trust()).predict(ROWS), made[name].predict(ROWS)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    assert found.values.tolist() == expected.values.tolist()


def test_operators_that_came_later_are_named() -> None:
    node = helper.make_node("StringConcat", ["a", "a"], ["b"])
    kinds = [helper.make_tensor_value_info(name, TensorProto.STRING, ["N"]) for name in "ab"]
    model = helper.make_model(helper.make_graph([node], "texts", kinds[:1], kinds[1:]))
    with pytest.raises(ExportError, match=r"operator set 17: StringConcat came later"):
        lowered(model, 17)


def test_a_transform_that_an_old_set_has_no_words_for_is_refused_before_the_run() -> None:
    assert isinstance(ParseNumbersTransform(), NeedsOpset)
    old = {"component": "onnx", "target_opset": 19}
    with pytest.raises(PlanError, match=r"packager 'onnx' .*target_opset=19 is too low: parse_numbers needs 20"):
        hl.plan(source=ROWS, target="y", transform=["parse_numbers"], trainer="decision_tree", packager=[old])
    with pytest.raises(PlanError, match=r"packager 'mlflow' .*parse_numbers needs 20"):
        around = {"component": "mlflow", "holds": old}
        hl.plan(source=ROWS, target="y", transform=["parse_numbers"], trainer="decision_tree", packager=[around])


@pytest.mark.parametrize("opset", [15, 22])
def test_a_set_that_nobody_can_be_given_is_refused(opset: int) -> None:
    with pytest.raises(ConfigError, match="target_opset"):
        hl.plan(
            source=ROWS, target="y", trainer="decision_tree", packager=[{"component": "onnx", "target_opset": opset}]
        )


@pytest.mark.long
def test_a_runtime_of_the_age_of_the_set_answers_alike(made: dict[str, Pipeline[Any]], tmp_path: Path) -> None:
    asked = []
    for name, pipeline in made.items():
        for opset in (16, 17, 19):
            folder = tmp_path / f"{name}-{opset}"
            folder.mkdir()
            file = saved(OnnxPackager(target_opset=opset), pipeline, folder) / "model.onnx"
            feeds = {
                "x": [float("nan") if value is None else value for value in ROWS["x"]],
                "s": ROWS["s"].fill_null("").to_list(),
                "t": ROWS["t"].dt.epoch("us").to_list(),
            }
            asked.append([str(file), feeds])
    python, told = str(old_runtime(tmp_path / "old")), json.dumps(asked)
    done = run_command([python, "-c", ALONE, told], timeout=120, check=True)
    found = json.loads(done.stdout)
    assert len(found) == len(asked)
    for path, labels in found.items():
        assert labels == made[Path(path).parent.name.partition("-")[0]].predict(ROWS).values.tolist()


def old_runtime(folder: Path) -> Path:
    """Return the Python of an environment that has onnxruntime 1.16, of 2023; the test is skipped where none installs."""
    run_command([sys.executable, "-m", "venv", str(folder)], timeout=120)
    python = folder / "bin/python"
    done = run_command([str(python), "-m", "pip", "install", "-q", "onnxruntime==1.16.3", "numpy<2"], timeout=300)
    if done.returncode:
        lacks(f"onnxruntime 1.16 does not install for this Python: {done.stderr.strip().splitlines()[-1]}")
    return python
