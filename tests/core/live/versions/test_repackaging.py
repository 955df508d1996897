"""Another format of a version that is there, proven to answer alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline import Trust
from hookline.errors import UnknownName, UntrustedPackage, UsageError
from hookline.packages.certificate.golden import golden_in
from hookline.packages.manifest import verify
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told

ROW = {"sepal_length_cm": 6.1, "sepal_width_cm": 2.8, "petal_length_cm": 4.7, "petal_width_cm": 1.2}


@pytest.mark.usefixtures("home")
def test_what_onnx_does_not_hold_comes_from_the_run_that_fitted_it() -> None:
    made = hl.package("iris:1", "skops")
    assert (made.version, made.format, made.certificate.ok) == (3, "skops", True)
    first, third = hl.load("iris:1"), hl.load("iris:3")
    assert first.predict([ROW]).probabilities == pytest.approx(third.predict([ROW]).probabilities)
    manifest = verify(made.path)
    assert manifest["repackaged_from"]["packager"] == "onnx"
    assert manifest["metrics"] == verify(first.path)["metrics"]
    assert "evidence/report.html" in manifest["files"]
    assert golden_in(made.path) == 20
    assert open_workspace().catalog.models.aliases("iris") == {"champion": 2}


@pytest.mark.usefixtures("home")
def test_the_same_package_made_twice_keeps_its_number() -> None:
    assert hl.package("iris:1", "skops").version == hl.package("iris:1", "skops").version == 3
    acts = [act.words() for act in open_workspace().catalog.acts.of("iris")]
    assert acts == ["v3 repackaged as=skops, of=1"]


FORMATS = [
    ("torch_export", {}),
    ("torchscript", {}),
    ("torchserve", {"holds": {"component": "torchscript"}}),
    ("mlflow", {"holds": {"component": "torch_export"}}),
]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("to", "fields"), FORMATS, ids=[name for name, _ in FORMATS])
def test_a_version_becomes_a_program_of_pytorch_or_an_archive_of_one(to: str, fields: dict[str, Any]) -> None:
    made = hl.package("iris:1", to, fields)
    assert (made.version, made.certificate.ok) == (3, True)
    allowed = Trust(pickle=True)
    with pytest.raises(UntrustedPackage):
        hl.load("iris:3").predict([ROW])
    first, third = hl.load("iris:1"), hl.load("iris:3", trust=allowed)
    assert first.predict([ROW]).values.tolist() == third.predict([ROW]).values.tolist()
    assert hl.verify_package("iris:3", trust=allowed).ok


def test_a_package_that_holds_the_model_needs_no_run_but_rows(home: Path, tmp_path: Path) -> None:
    record = open_workspace().catalog.models.get("iris", 2)
    alone = tmp_path / "alone"
    shutil.copytree(record.path, alone)
    with pytest.raises(UsageError, match="no rows to compare on: no run of this home made it"):
        hl.package(alone, "onnx", output=tmp_path / "out")
    rows = tmp_path / "rows.ndjson"
    rows.write_text("".join(json.dumps({**ROW, "sepal_width_cm": width}) + "\n" for width in (2.0, 2.8, 3.3)), "utf-8")
    made = hl.package(alone, "onnx", output=tmp_path / "out", rows=rows)
    assert made.version is None
    assert hl.load(tmp_path / "out").predict([ROW]).values.tolist() == hl.load(alone).predict([ROW]).values.tolist()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_without_the_model_and_its_run_it_says_what_is_lost(home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "store")
    with pytest.raises(UsageError, match="does not hold the model itself, and the store no longer holds") as raised:
        hl.package("iris:1", "skops")
    assert raised.value.hint == "run it again with both: packager=[onnx,FORMAT]"
    assert [record.version for record in open_workspace().catalog.models.versions("iris")] == [2, 1]


@pytest.mark.usefixtures("home")
def test_what_cannot_be_is_said_before_anything_is_written(hookline: Told, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is of packager 'onnx' already"):
        hl.package("iris:1", "onnx")
    with pytest.raises(UnknownName, match="no packager named 'onxx'"):
        hl.package("iris:1", "onxx")
    with pytest.raises(UsageError, match="is there already"):
        hl.package("iris:1", "skops", output=tmp_path)
    code, _, err = hookline("package", "iris:1", "--to", "skops", "level=3")
    assert (code, "packager.level: unknown field" in err) == (2, True)
    code, _, err = hookline("package", "iris:1", "--to", "skops", "level")
    assert (code, "'level' is no FIELD=VALUE" in err) == (2, True)
