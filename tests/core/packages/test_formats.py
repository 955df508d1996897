"""Packages of the former layout are read, and later ones refused with a way out."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline import SklearnModel
from hookline.errors import StoreError, UsageError

TRUST = hl.Trust(pickle=True)


@pytest.fixture
def run(tmp_path: Path) -> hl.Run:
    made = ["onnx", "skops", "pickle"]
    return hl.run(source="iris", trainer="decision_tree", packager=made, monitor=["data_drift"], home=tmp_path)


def rows(package: Any) -> pl.DataFrame:
    return pl.DataFrame({name: [5.0, 1.5, 6.9] for name in package.schema.names})


def as_of_format_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a package what the former hookline wrote: one featurizer, no answers, and classes where they stood then."""
    (folder / "answers.json").unlink()
    state = json.loads((folder / "pipeline.json").read_text())
    (state["featurizer"],) = state.pop("featurizers")
    (folder / "pipeline.json").write_text(json.dumps(state))
    if (folder / "model.pkl").is_file():
        model = pickle.loads((folder / "model.pkl").read_bytes())
        former = types.ModuleType("hookline.models")
        vars(former)["SklearnModel"] = SklearnModel
        with monkeypatch.context() as then:
            then.setitem(sys.modules, "hookline.models", former)
            then.setattr(SklearnModel, "__module__", "hookline.models")
            (folder / "model.pkl").write_bytes(pickle.dumps(model, protocol=5))
        assert b"hookline.models" in (folder / "model.pkl").read_bytes()
    seal_again(folder, 1)


def seal_again(folder: Path, version: int) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {
        name: {"bytes": len(content), "blake2b": hashlib.blake2b(content).hexdigest()}
        for name in manifest["files"]
        if (folder / name).is_file() and (content := (folder / name).read_bytes()) is not None
    }
    manifest.pop("seal", None)
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": version}))


@pytest.mark.parametrize("name", ["onnx", "skops", "pickle"])
def test_a_package_of_the_former_layout_answers_as_it_did(
    run: hl.Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = hl.load(run.package(name), trust=TRUST)
    before = package.predict(rows(package)).frame()
    as_of_format_1(run.package(name), monkeypatch)
    again = hl.load(run.package(name), trust=TRUST)
    assert again.predict(rows(again)).frame().equals(before)
    assert hl.monitor(run.package(name), rows(again), trust=TRUST)["data_drift"].title == "Data drift"
    with pytest.raises(UsageError, match="does not remember any"):
        hl.monitor(run.package(name), rows(again), ["prediction_drift"], trust=TRUST)


def test_a_pickle_whose_class_is_gone_says_which_and_what_to_do(run: hl.Run) -> None:
    folder = run.package("pickle")
    # Protocol 0, as text: a global of a module that nobody has.
    (folder / "model.pkl").write_bytes(b"chookline_gone.models\nGoneModel\n.")
    seal_again(folder, 2)
    with pytest.raises(StoreError, match="holds a class that is not here: No module named 'hookline_gone'") as caught:
        hl.load(folder, trust=TRUST)
    assert "run it again" in str(caught.value.hint)


def test_a_package_of_a_later_layout_is_refused_with_its_version(run: hl.Run) -> None:
    seal_again(run.package("onnx"), 5)
    with pytest.raises(StoreError, match="has package format 5, and this hookline") as caught:
        hl.load(run.package("onnx"))
    assert "install that version or a later one" in str(caught.value.hint)
