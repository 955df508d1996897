"""What a part has no words for in the language of a format is refused by the plan, with the formats that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import PlanError

ROWS = pl.DataFrame({"kind": ["a", "b"] * 20, "size": range(40), "y": ["no", "yes"] * 20})
WORDLESS: list[tuple[dict[str, Any], str]] = [
    ({"component": "normalize_text", "columns": ["kind"]}, "normalize_text needs texts that are changed"),
    ({"component": "cast", "dtypes": {"size": "string"}}, "cast needs size as a text or a moment"),
    (
        {"component": "map_values", "column": "kind", "old": ["a"], "new": [1]},
        "map_values needs texts for numbers, or back",
    ),
]

OWN = """
    from pathlib import Path

    from hookline import Dataset, Model, Package, Packager, Pipeline, Predictor, Roles, Stored, Transform, Trust, hookimpl

    class Fitted:
        def transform(self, frame):
            return frame

    class MuteTransform(Transform):
        \"\"\"Leaves rows as they are, and says nothing of itself in ONNX.\"\"\"
        name = "mute"
        def fit(self, train: Dataset) -> Fitted:
            return Fitted()

    class LatinTransform(MuteTransform):
        \"\"\"The same, but that another language lacks words for it.\"\"\"
        name = "latin"
        def lacks_words(self, roles: Roles) -> dict[str, str]:
            return {"latin": "the ablative"}

    class LatinPackager(Packager):
        \"\"\"Writes Latin.\"\"\"
        name = "latin"
        def languages(self) -> tuple[str, ...]:
            return ("latin",)
        def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
            raise NotImplementedError
        def load(self, stored: Stored, trust: Trust) -> Predictor:
            raise NotImplementedError

    @hookimpl
    def register_transforms():
        return [MuteTransform, LatinTransform]

    @hookimpl
    def register_packagers():
        return [LatinPackager]
"""


def refused(match: str, **config: Any) -> str:
    with pytest.raises(PlanError, match=match) as caught:
        hl.plan(**{"source": ROWS, "target": "y", "trainer": "decision_tree"} | config)
    return str(caught.value.hint)


@pytest.mark.parametrize(
    ("transform", "told"), WORDLESS, ids=lambda one: one["component"] if isinstance(one, dict) else ""
)
def test_a_transform_of_named_features_says_itself_what_onnx_lacks(transform: dict[str, Any], told: str) -> None:
    hint = refused(
        rf"packager 'torch_export' cannot say this pipeline: {told}", transform=[transform], packager=["torch_export"]
    )
    assert hint == "packagers that have words for all of it: pickle, skops"


def test_what_is_done_to_the_target_alone_needs_no_words() -> None:
    plan = hl.plan(
        source=ROWS,
        target="y",
        trainer="decision_tree",
        packager=["onnx"],
        transform=[{"component": "normalize_text", "columns": ["y"]}],
    )
    assert plan["packager.onnx"]


def test_a_part_of_a_plugin_is_refused_by_what_its_type_or_it_itself_says(
    project_module: Callable[[str, str], str],
) -> None:
    project_module("own", OWN)
    refused(r"packager 'onnx' .*mute needs to_onnx\(\)", transform=["mute"], packager=["onnx"])
    hint = refused(r"packager 'latin' .*latin needs the ablative", transform=["latin"], packager=["latin"])
    assert hint == "packagers that have words for all of it: pickle, skops"
    assert hl.plan(source=ROWS, target="y", trainer="svm", transform=["mute"], packager=["latin", "pickle"])
