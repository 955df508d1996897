"""Quantized networks: smaller, certified with what changed, and refused beyond what was allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

import hookline as hl
from hookline import Trust
from hookline.errors import ConfigError, ExportError, PlanError
from hookline_onnx import OnnxQuantizedPackager
from kit.packages import read

NETWORK: Mapping[str, Any] = {"component": "mlp", "max_epochs": 10, "hidden": [128, 128]}
CONFIG: Mapping[str, Any] = {"target": "y", "trainer": NETWORK, "monitor": [], "name": "q"}


def rows(seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 600))
    label = np.where(a * b + rng.normal(0, 0.3, 600) > 0, "yes", "no")
    return pl.DataFrame({"a": a, "b": b, "c": rng.choice(["p", "q"], 600), "y": label})


@pytest.fixture(scope="module")
def run() -> hl.Run:
    """A network in both formats, and around the quantized one what mlflow wants."""
    return hl.run(source=rows(), packager=["onnx", "onnx_quantized"], **CONFIG)


def test_weights_are_held_in_eight_bits_and_answers_hang_on_no_other_row(run: hl.Run) -> None:
    plain, small = (run.package(name) / "model.onnx" for name in ("onnx", "onnx_quantized"))
    assert small.stat().st_size < 0.45 * plain.stat().st_size
    graph = onnx.load(small)
    assert sum(node.op_type == "DequantizeLinear" for node in graph.graph.node) == 3
    predictor = read(OnnxQuantizedPackager(), small.parent, Trust())
    # One row so far off that a scale of all rows together would leave the others nothing.
    asked = pl.concat([rows(1).head(20), rows(1).head(1).with_columns(a=pl.lit(1e6))])
    together = predictor.predict(asked).probabilities[:20]
    alone = np.concatenate([predictor.predict(asked[i]).probabilities for i in range(20)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_certificate_tells_what_moved_and_how_well_both_do(run: hl.Run) -> None:
    certificate = json.loads((run.package("onnx_quantized") / "certificate.json").read_text())
    held_out = certificate["agreements"][0]
    assert certificate["ok"]
    assert 1e-5 < held_out["max_difference"] <= certificate["tolerance"] == 0.05
    assert held_out["changed_decisions"] <= certificate["changes_at_most"] * held_out["rows"]
    quality = {one["name"]: one for one in certificate["quality"]}
    assert quality["accuracy"]["native"] == pytest.approx(run.metrics["accuracy"])
    assert quality["brier"]["native"] == pytest.approx(run.metrics["brier"])
    assert quality["accuracy"]["package"] == pytest.approx(quality["accuracy"]["native"], abs=0.01)
    assert json.loads((run.package("onnx") / "certificate.json").read_text())["quality"] == []


def test_a_package_that_moves_further_than_allowed_is_refused() -> None:
    with pytest.raises(ExportError, match=r"packager 'onnx_quantized' changes predictions.*tolerance 1e-06"):
        hl.run(source=rows(), packager=[{"component": "onnx_quantized", "largest": 1e-6}], **CONFIG)


def test_a_package_that_changes_more_decisions_than_allowed_is_refused() -> None:
    none = {"component": "onnx_quantized", "largest": 0.9, "changes_at_most": 0.0}
    # Of labels that nothing tells, most probabilities are close to one half.
    table = pl.concat([rows(seed) for seed in range(8)]).with_columns(pl.col("y").shuffle(seed=0))
    with pytest.raises(ExportError, match=r"of the decisions on held-out rows 0\.00% may change"):
        hl.run(source=table, packager=[none], **CONFIG)


def test_trees_are_refused_before_the_run() -> None:
    with pytest.raises(PlanError, match=r"packager 'onnx_quantized' takes ExportsOnnx, but trainer 'random_forest'"):
        hl.plan(source=rows(), target="y", trainer="random_forest", packager=["onnx_quantized"])


def test_a_graph_without_weights_is_refused(tmp_path: Path) -> None:
    from hookline_onnx.variants.quantized import quantize

    with pytest.raises(ExportError, match="multiplies by no matrix of weights"):
        quantize(onnx.GraphProto(), "Tree")


def test_limits_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="changes_at_most"):
        hl.plan(source=rows(), target="y", packager=[{"component": "onnx_quantized", "changes_at_most": 2}])


def test_what_stands_around_a_quantized_package_is_certified_as_it(tmp_path: Path) -> None:
    around = {"component": "container", "holds": {"component": "onnx_quantized"}}
    run = hl.run(source=rows(), packager=[around], **CONFIG)
    certificate = json.loads((run.package("container") / "certificate.json").read_text())
    assert certificate["changes_at_most"] == 0.01
    assert certificate["quality"]
