"""The published schemas of what a package says of itself: they are what the code checks, and real packages fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import hookline as hl
from hookline.errors import UnknownName
from hookline.packages.schemas import DOCUMENTS, file_of, made, published
from kit.processes import run_hookline


def faults(document: str, told: Any) -> list[str]:
    return [error.json_path for error in Draft202012Validator(published(document)).iter_errors(told)]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Packages of classes and of numbers, with a rule, with intervals, quantized, and around another."""
    home, rule = tmp_path_factory.mktemp("home"), {"threshold": 0.4}
    network, around = {"component": "mlp", "max_epochs": 2}, {"component": "container", "holds": {"component": "onnx"}}
    runs = [
        hl.run(
            "source=breast_cancer",
            "trainer=decision_tree",
            packager=["onnx", "skops", around],
            decision=rule,
            home=home,
        ),
        hl.run(
            "source=diabetes",
            "trainer=ridge",
            packager=["onnx"],
            intervals={"coverage": 0.9},
            split={"valid": 0.2},
            home=home,
        ),
        hl.run(
            "source=iris",
            trainer=network,
            packager=[{"component": "onnx_quantized", "changes_at_most": 0.5}],
            home=home,
        ),
    ]
    return [folder for run in runs for folder in sorted((run.path / "packages").iterdir())]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_schema_that_is_shipped_is_what_the_code_checks(document: str) -> None:
    assert published(document) == made(document), f"write schemas.made('{document}') to {file_of(document)}"
    Draft202012Validator.check_schema(published(document))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_real_packages_fit_it(document: str, packages: list[Path]) -> None:
    assert len(packages) == 5
    for folder in packages:
        assert faults(document, json.loads((folder / f"{document}.json").read_text())) == [], folder


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"format": "four"}, "$.format"),
        ({"files": {"a": {"bytes": -1, "blake2b": ""}}}, "$.files.a.bytes"),
        ({"parity": None}, "$.parity"),
    ],
    ids=["format", "size", "parity"],
)
def test_what_a_manifest_may_not_say_does_not_fit(change: dict[str, Any], path: str, packages: list[Path]) -> None:
    manifest = json.loads((packages[0] / "manifest.json").read_text())
    assert faults("manifest", manifest | change) == [path]


def test_the_command_prints_it_and_names_what_there_is() -> None:
    assert json.loads(run_hookline("schema", "--of", "certificate").stdout) == published("certificate")
    wrong = run_hookline("schema", "--of", "manifst")
    assert wrong.returncode == 2
    assert "manifest" in wrong.stderr
    with pytest.raises(UnknownName, match="no document named 'seal'"):
        published("seal")
