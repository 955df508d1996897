"""What travels with a version for people: its lock, its card, its bill of materials, and what advisories say of it."""

from __future__ import annotations

import html
import json
import shutil
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from markdown_it import MarkdownIt

import hookline as hl
from hookline.live.versions.bill import audit_package, bill_of_materials
from hookline.packages.telling.needs import LOCK
from kit.command_line import Told
from kit.packages import reseal


def locked(model: str) -> dict[str, str]:
    lines = (hl.load(model).path / LOCK).read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@pytest.mark.usefixtures("home")
def test_a_lock_names_what_answers_go_by_and_no_more() -> None:
    onnx, skops = locked("iris:1"), locked("iris:2")
    assert onnx["onnxruntime"] == installed("onnxruntime")
    assert skops["scikit-learn"] == installed("scikit-learn")
    assert {"hookline", "polars", "pydantic"} <= set(onnx) & set(skops)
    assert "onnxruntime" not in skops
    assert not {"torch", "ray", "pytest", "mlflow-skinny"} & (set(onnx) | set(skops))


@pytest.mark.usefixtures("home")
def test_a_bill_of_materials_is_valid_and_names_files_and_libraries() -> None:
    told = bill_of_materials("iris:1")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(told)) is None
    assert {one["purl"] for one in told["components"]} >= {f"pkg:pypi/polars@{installed('polars')}"}
    model = told["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "iris", "1")
    assert "model.onnx" in {one["name"] for one in model["components"]}


def advisory(events: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "Polars"}
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    return {"id": "TEST-1", "summary": "it may", "affected": [{"package": package, "ranges": ranges}], **more}


HERE = installed("polars")


@pytest.mark.parametrize(
    ("told", "hit"),
    [
        (advisory([{"introduced": "0"}]), True),
        (advisory([{"introduced": "0"}, {"fixed": "999"}]), True),
        (advisory([{"introduced": "0"}, {"fixed": HERE}]), False),
        (advisory([{"introduced": HERE}]), True),
        (advisory([{"introduced": "999"}]), False),
        (advisory([{"introduced": "0"}, {"last_affected": HERE}]), True),
        (advisory([{"introduced": "0"}, {"last_affected": "0.1"}]), False),
        (advisory([{"introduced": "0"}], withdrawn="2026-01-01T00:00:00Z"), False),
        ({"id": "T", "affected": [{"package": {"ecosystem": "npm", "name": "polars"}, "versions": [HERE]}]}, False),
        ({"id": "T", "affected": [{"package": {"ecosystem": "PyPI", "name": "polars"}, "versions": [HERE]}]}, True),
    ],
    ids=[
        "always",
        "not yet mended",
        "mended",
        "from here",
        "later",
        "up to here",
        "before",
        "withdrawn",
        "npm",
        "listed",
    ],
)
@pytest.mark.usefixtures("home")
def test_an_advisory_warns_of_the_versions_that_it_means(told: dict[str, Any], hit: bool, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([told]), "utf-8")
    assert [one.distribution for one in audit_package("iris:1", tmp_path)] == (["polars"] if hit else [])


@pytest.mark.usefixtures("home")
def test_an_audit_that_finds_something_ends_with_1_and_what_is_no_advisory_is_one_error(
    tmp_path: Path, hookline: Told
) -> None:
    file = tmp_path / "a.json"
    for content, code, told in (
        (json.dumps(advisory([{"introduced": "0"}, {"fixed": "999"}])), 1, "TEST-1"),
        (json.dumps(advisory([{"introduced": "999"}])), 0, ""),
        ('{"summary": "no id"}', 1, ""),
        ("no json", 1, ""),
        (json.dumps(advisory([{"introduced": "no version"}])), 1, ""),
    ):
        file.write_text(content, "utf-8")
        found = hookline("models", "audit", "iris:1", "--advisories", str(file))
        assert (found[0], told in found[1], "Traceback" in found[2]) == (code, True, False), found


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"id": "T", "affected": "polars"}, "'T': affected: must be"),
        ({"id": "T", "affected": [1]}, "'T': affected.0: must be"),
        ({"id": "T", "affected": [{"package": "polars"}]}, "affected.0.package: must be"),
        ({"id": "T", "affected": [{"package": {"name": 5}}]}, "affected.0.package.name: must be"),
        ({"id": "T", "affected": [{"versions": "1.2.3"}]}, "affected.0.versions: must be"),
        (
            {"id": "T", "affected": [{"ranges": [{"events": [["introduced", "0"]]}]}]},
            "affected.0.ranges.0.events.0: must be",
        ),
        ({"id": 7}, "id: must be"),
        (["T"], "number 1: must be"),
    ],
    ids=["affected", "one affected", "package", "name", "versions", "event", "id", "text"],
)
@pytest.mark.usefixtures("home")
def test_an_advisory_of_another_shape_is_one_error_that_names_the_place(
    told: object, message: str, tmp_path: Path, hookline: Told
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(told), "utf-8")
    code, _, err = hookline("models", "audit", "iris:1", "--advisories", str(tmp_path))
    assert (code, message in err, "Traceback" in err) == (1, True, False), err


@pytest.mark.usefixtures("home")
def test_a_folder_without_advisories_clears_nothing(tmp_path: Path, hookline: Told) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = hookline("models", "audit", "iris:1", "--advisories", str(tmp_path / "empty"))
    assert (code, "holds no .json file" in err) == (1, True)
    without = advisory([{}, {"introduced": "0"}])
    (tmp_path / "empty" / "a.json").write_text(json.dumps(without), "utf-8")
    assert [one.advisory for one in audit_package("iris:1", tmp_path / "empty")] == ["TEST-1"]


@pytest.mark.usefixtures("home")
def test_a_card_tells_evidence_and_what_a_person_said_as_it_stands(tmp_path: Path, hookline: Told) -> None:
    said = "to tell | <script>alert(1)</script> **flowers** apart & more"
    (tmp_path / "words.yaml").write_text(json.dumps({"owner": "team [x](y)", "intended_use": said}), "utf-8")
    for name in ("card.md", "card.html"):
        out = tmp_path / name
        assert hookline("models", "card", "iris:1", "--words", str(tmp_path / "words.yaml"), "-o", str(out))[0] == 0
        text = out.read_text("utf-8")
        page = text if name.endswith("html") else MarkdownIt().enable("table").render(text)
        assert html.escape(said) in page
        assert "<script>alert(1)" not in page
        assert "petal_width_cm" in page
        assert "not said" in page
        assert f"{hl.load('iris:1').manifest['metrics'][0]['value']:.4g}" in page


@pytest.mark.parametrize(
    ("words", "ending", "message"),
    [
        ("ownr: x", "md", "says what no card holds: ownr"),
        ("owner: [1, {a: 2}]", "md", "does not hold the words of a card: owner"),
        ("owner: [", "md", "is no YAML"),
        ("owner: x", "pdf", "a card ends in .md or .html"),
    ],
    ids=["field", "type", "yaml", "ending"],
)
@pytest.mark.usefixtures("home")
def test_wrong_words_are_one_error(words: str, ending: str, message: str, tmp_path: Path, hookline: Told) -> None:
    (tmp_path / "w.yaml").write_text(words, "utf-8")
    line = ("models", "card", "iris:1", "--words", str(tmp_path / "w.yaml"), "-o", str(tmp_path / f"c.{ending}"))
    code, _, err = hookline(*line)
    assert code != 0
    assert message in err
    assert not (tmp_path / f"c.{ending}").exists()


def test_a_card_of_a_coarser_package_tells_how_well_it_does_itself(tmp_path: Path, hookline: Told) -> None:
    run = hl.run(
        *("source=iris", "packager=[onnx_quantized]", "packager.onnx_quantized.changes_at_most=0.2", "name=coarse"),
        *("trainer=mlp", "trainer.hidden=[8]", "trainer.max_epochs=2", "monitor=[]"),
        home=tmp_path / "home",
    )
    certificate = json.loads((run.package() / "certificate.json").read_text("utf-8"))
    (accuracy,) = [one for one in certificate["quality"] if one["name"] == "accuracy"]
    for ending in ("md", "html"):
        out = tmp_path / f"card.{ending}"
        assert hookline("models", "card", str(run.package()), "-o", str(out))[0] == 0
        text = out.read_text("utf-8")
        assert "this package" in text
        assert f"{accuracy['package']:.4g}" in text


@pytest.mark.usefixtures("home")
def test_a_card_is_written_of_a_package_whose_evidence_says_less_than_it_might(tmp_path: Path, hookline: Told) -> None:
    package = tmp_path / "package"
    shutil.copytree(hl.load("iris:1").path, package)
    manifest = json.loads((package / "manifest.json").read_text("utf-8"))
    for metric in manifest["metrics"]:
        metric.pop("low"), metric.pop("high")
    for said in (
        {"run": {}, "plan": []},
        {
            "run": {},
            "plan": [],
            "reports": [{"kind": "evaluator"}, 1],
            "remarks": [{"severity": "warning"}],
            "decision": 1,
        },
        {"run": {}, "plan": [], "reports": [{"kind": "evaluator", "tables": [{"name": "x"}], "findings": None}]},
        [],
    ):
        (package / "evidence" / "evidence.json").write_text(json.dumps(said), "utf-8")
        reseal(package, {"metrics": manifest["metrics"]})
        for ending in ("md", "html"):
            code, _, err = hookline("models", "card", str(package), "-o", str(tmp_path / f"card.{ending}"))
            assert (code, "Traceback" in err) == (0, False), err
