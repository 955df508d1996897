"""What a package's evidence says is held against the version in charge, also where somebody damaged it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline.errors import StoreError
from hookline.live.deploying.weighing import weigh
from hookline.packages.settling import EVIDENCE
from hookline.runs.gates.standing import Standing
from hookline.workspace.workspace import open_workspace

MANIFEST: dict[str, Any] = {"target": {"column": "y", "task": "regression", "classes": []}, "metrics": []}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FINDINGS = st.lists(st.fixed_dictionaries({"severity": st.just("critical")}, optional={"message": VALUES}), max_size=2)
REPORTS = st.lists(st.fixed_dictionaries({"kind": st.just("audit"), "findings": FINDINGS | VALUES}), max_size=2)
GATES = st.dictionaries(st.text(max_size=9), VALUES, max_size=2)
DAMAGED = st.fixed_dictionaries(
    {}, optional={"config": st.fixed_dictionaries({"gates": GATES | VALUES}) | VALUES, "reports": REPORTS | VALUES}
)


def weighed(folder: Path, evidence: Any) -> Standing:
    workspace = open_workspace(folder / "home")
    path = folder / EVIDENCE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(evidence), "utf-8")
    workspace.catalog.models.register("shop", "run", str(folder), "onnx", {}, "f")
    return weigh(workspace, workspace.catalog.models.get("shop"), MANIFEST, None)


@pytest.mark.parametrize(
    "evidence",
    [
        {"config": {"gates": {"accuracy": "rather good"}}},
        {"config": {"gates": {"accuracy": [0.9]}}},
        {"config": {"gates": ["accuracy"]}},
        {"config": "accuracy"},
        {"reports": ["audit"]},
        {"reports": [{"kind": "audit", "findings": [{"severity": "critical"}]}]},
    ],
    ids=["no gate", "a list", "gates as a list", "a text", "texts as reports", "no message"],
)
def test_damaged_evidence_is_told_with_the_file_and_what_to_do(tmp_path: Path, evidence: Any) -> None:
    with pytest.raises(StoreError, match=r"evidence\.json is damaged: ") as caught:
        weighed(tmp_path, evidence)
    assert caught.value.hint == "run it again, and promote the version that this makes"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DAMAGED)
def test_whatever_evidence_says_is_weighed_or_told_as_damaged(tmp_path: Path, evidence: Any) -> None:
    with suppress(StoreError):
        assert isinstance(weighed(tmp_path, evidence), Standing)
