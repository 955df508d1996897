"""A package held against what it said when it was made."""

from __future__ import annotations

import json
from importlib.metadata import version as installed
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import StoreError
from hookline.packages.certificate.golden import GOLDEN
from hookline.packages.manifest import read_manifest, seal
from hookline.packages.telling.needs import LOCK
from hookline.registry.registry import Registry
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


@pytest.mark.parametrize("model", ["iris:1", "iris:2"])
@pytest.mark.usefixtures("home")
def test_golden_rows_are_answered_as_when_it_was_made(model: str) -> None:
    found = hl.verify_package(model)
    assert found.ok
    assert (found.signed, found.certified, found.environment) == (True, True, {})
    assert found.golden is not None
    assert found.golden.rows >= 20
    assert found.golden.max_difference <= 1e-6
    assert found.golden.moved == ()


def resealed(registry: Registry, folder: Path) -> None:
    """Seal a package again as it lies there, as a rebuilt one would be."""
    manifest = read_manifest(folder)
    packager = registry.build("packager", manifest["packager"], {}, "packager")
    told = {name: value for name, value in manifest.items() if name not in ("files", "seal", "created")}
    seal(folder, packager, told)


@pytest.mark.usefixtures("home")
def test_a_row_that_is_answered_otherwise_is_shown_and_fails(registry: Registry, hookline: Told) -> None:
    folder = Path(open_workspace().catalog.models.get("iris", 1).path)
    held = json.loads((folder / GOLDEN).read_text("utf-8"))
    place = next(place for place, one in enumerate(held) if one["prediction"] == "setosa")
    held[place] |= {"prediction": "virginica", "probabilities": {"setosa": 0.0, "versicolor": 0.0, "virginica": 1.0}}
    (folder / GOLDEN).write_text(json.dumps(held), "utf-8")
    resealed(registry, folder)
    found = hl.verify_package("iris:1")
    assert not found.ok
    assert found.golden is not None
    assert [(one.before, one.now) for one in found.golden.moved] == [("virginica", "setosa")]
    code, out, err = hookline("models", "verify", "iris:1")
    assert (code, "1 moved" in out, "does not answer as when it was made" in err) == (1, True, True)


@pytest.mark.usefixtures("home")
def test_another_version_of_what_answers_go_by_is_named(registry: Registry) -> None:
    folder = Path(open_workspace().catalog.models.get("iris", 1).path)
    lock = (folder / LOCK).read_text("utf-8")
    (folder / LOCK).write_text(lock.replace(f"onnxruntime=={installed('onnxruntime')}", "onnxruntime==1.0.0"), "utf-8")
    resealed(registry, folder)
    found = hl.verify_package("iris:1").environment
    assert list(found) == ["onnxruntime"]
    assert found["onnxruntime"][0] == "1.0.0"


@pytest.mark.usefixtures("home")
def test_damage_is_told_before_anything_is_asked(registry: Registry) -> None:
    folder = Path(open_workspace().catalog.models.get("iris", 1).path)
    (folder / GOLDEN).write_text('{"rows": 1}', "utf-8")
    with pytest.raises(StoreError, match=f"{GOLDEN} is not what the manifest says"):
        hl.verify_package("iris:1")
    resealed(registry, folder)
    with pytest.raises(StoreError, match="no list of rows with answers"):
        hl.verify_package("iris:1")


def test_no_rows_travel_where_none_are_wanted(tmp_path: Path) -> None:
    run = hl.run("source=iris", "trainer=decision_tree", "monitor=[]", "~deployer", "golden=0")
    assert not (run.package() / GOLDEN).exists()
    found = hl.verify_package(run.package())
    assert (found.golden, found.ok) == (None, True)


def test_numbers_dates_and_missing_values_travel_as_they_were(tmp_path: Path) -> None:
    lines = [
        "when,size,kind,price",
        *(f"2024-01-{1 + i % 28:02d},{i % 7}.5,{'ab'[i % 2]},{i * 1.25}" for i in range(80)),
    ]
    lines[5] = "2024-01-05,,a,3"
    (tmp_path / "t.csv").write_text("\n".join(lines), "utf-8")
    hl.run(
        source=tmp_path / "t.csv", target="price", trainer="hist_gradient_boosting", packager=["onnx"], deployer="local"
    )
    found = hl.verify_package("t")
    assert found.golden is not None
    assert found.golden.rows > 20
    assert found.ok
