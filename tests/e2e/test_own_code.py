"""Two versions made with two bodies of one class of a project: each answers by its own code, or is refused aloud."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookline.kinds.deployments import LIVE, Deployment, Route
from hookline.workspace.workspace import open_workspace
from kit.processes import Done, run_hookline, run_python
from kit.serving import serving

SHOP = """
from collections.abc import Mapping
from typing import Any

import hookline as hl
from hookline import Transform


class LiftTransform(Transform):
    '''A column as the shop counts it.'''

    name = "lift"

    def transform(self, frame: Any) -> Any:
        import polars as pl

        return frame.with_columns(pl.col("x") * FACTOR)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        return {**inputs, "x": op.mul(inputs["x"], op.const(np.array([FACTOR])))}


@hl.hookimpl
def register_transforms():
    return [LiftTransform]
"""
TRAIN = """
import hookline as hl

for packager in ("skops", "onnx"):
    hl.run(
        source="rows.csv", target="kind", name=f"t_{packager}", transform=["lift"], packager=[packager],
        trainer="decision_tree", deployer="local", monitor=[], evaluator=[],
    )
"""
THEN, NOW = 2.0, -3.0
"""What the class multiplied by when the first version was made, and the second."""


@dataclass(frozen=True)
class Shop:
    """A project with a plugin, and a home with two versions of each of two models: `t_skops` and `t_onnx`."""

    folder: Path
    home: Path

    def says(self, factor: float) -> None:
        """Have the plugin's class multiply by another number from now on."""
        (self.folder / "shop.py").write_text(SHOP.replace("FACTOR", str(factor)))

    @property
    def environment(self) -> dict[str, str]:
        told = {"HOOKLINE_HOME": str(self.home), "HOOKLINE_PLUGINS": "shop", "PYTHONPATH": str(self.folder)}
        return os.environ | told | {"PYTHONDONTWRITEBYTECODE": "1"}

    def hookline(self, *words: str) -> Done:
        return run_hookline(*words, env=self.environment, cwd=self.folder)

    def put(self, model: str, version: int, beside: int) -> None:
        """Have two versions answer, half of the requests each."""
        routes = (Route(version, 0.5, arm=LIVE), Route(beside, 0.5, arm="canary"))
        open_workspace(self.home).catalog.deployments.record(
            Deployment(model, version, routes, "local"), "side by side"
        )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    place = tmp_path_factory.mktemp("shop")
    made = Shop(place, place / "home")
    (place / "rows.csv").write_text("".join(["x,kind\n", *(f"{n}.5,{'ab'[n > 30]}\n" for n in range(60))]))
    for factor in (THEN, NOW):
        made.says(factor)
        run_python(TRAIN, env=made.environment, cwd=made.folder)
    return made


@pytest.fixture(autouse=True)
def _now(shop: Shop) -> None:
    shop.says(NOW)


def answered(shop: Shop, model: str) -> tuple[dict[int, set[str]], str]:
    """Serve a model whose policy names both versions; returns version -> its answers to x=5.5 and x=50.5, and what was said."""
    found: dict[int, set[str]] = {}
    changed = {name: shop.environment[name] for name in ("HOOKLINE_HOME", "HOOKLINE_PLUGINS", "PYTHONPATH")}
    with serving(model, None, None, **changed) as server:
        for _ in range(24):
            told = server.post({"rows": [{"x": 5.5}, {"x": 50.5}]}).json()
            answer = "".join(str(one["prediction"]) for one in told["predictions"])
            found.setdefault(int(told["version"]), set()).add(answer)
        server.process.terminate()
        assert server.process.stderr is not None
        return found, server.process.stderr.read()


def test_a_server_answers_with_both_where_the_packages_hold_what_the_code_does(shop: Shop) -> None:
    shop.put("t_onnx", 1, 2)
    found, _ = answered(shop, "t_onnx")
    assert found == {1: {"ab"}, 2: {"ab"}}


def test_a_server_refuses_the_one_that_was_made_with_another_body_and_the_other_answers(shop: Shop) -> None:
    shop.put("t_skops", 2, 1)
    found, said = answered(shop, "t_skops")
    assert found == {2: {"ab"}}
    assert "version 1 (canary)" in said
    assert "was made with other code of shop" in said
    assert "Traceback" not in said


def test_asking_the_other_one_is_one_clear_error(shop: Shop) -> None:
    done = shop.hookline("predict", "t_skops:1", "rows.csv")
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "was made with other code of shop: " in done.stderr
    assert "golden rows are answered otherwise here, the first" in done.stderr
    assert "put that code back as it was" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_same_code_written_otherwise_is_the_same(shop: Shop) -> None:
    shop.says(NOW)
    text = (shop.folder / "shop.py").read_text()
    (shop.folder / "shop.py").write_text(text.replace(f" * {NOW}", f" * {NOW - 1} + pl.col('x')"))
    assert shop.hookline("predict", "t_skops:2", "rows.csv").returncode == 0


def test_verifying_tells_the_rows(shop: Shop) -> None:
    done = shop.hookline("models", "verify", "t_skops:1")
    assert done.returncode == 1
    assert "golden rows" in done.stdout
    assert "it does not answer as when it was made" in done.stderr
