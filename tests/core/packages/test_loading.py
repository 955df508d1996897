"""A package is verified before anything of it is used, and runs no code unless the caller says so."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.data.columns import column_kind, parse_dtype
from hookline.errors import DataError, HooklineError, StoreError, UntrustedPackage
from hookline.packages.door.faults import KNOWN_KINDS
from hookline.packages.loading import load_package
from hookline.registry.registry import load_registry
from kit.packages import reseal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    home = tmp_path_factory.mktemp("home")
    return hl.run(
        source="iris",
        trainer="decision_tree",
        transform=["impute"],
        packager=["onnx", "skops", "pickle"],
        monitor=["data_drift"],
        home=home,
    )


@pytest.fixture
def package(made: hl.Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.package("onnx"), tmp_path / "package"))


@pytest.fixture
def rows(made: hl.Run) -> pl.DataFrame:
    from sklearn.datasets import load_iris

    data = load_iris()
    names = [column.name for column in made.predictor.schema.columns]
    return pl.DataFrame(data.data, schema=names)


def test_every_format_predicts_what_the_run_does(made: hl.Run, rows: pl.DataFrame) -> None:
    expected = made.predict(rows)
    for name in ("onnx", "skops", "pickle"):
        loaded = hl.load(made.package(name), trust=hl.Trust(pickle=True))
        assert loaded.predict(rows).values.tolist() == expected.values.tolist()


def test_the_manifest_carries_the_evidence(package: Path) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    assert manifest["parity"]["ok"] is True
    assert manifest["parity"]["rows"] == 45
    assert {metric["name"] for metric in manifest["metrics"]} >= {"accuracy", "log_loss"}
    assert "evidence/report.html" in manifest["files"]
    assert "profile.json" in manifest["files"]


@pytest.mark.parametrize("dtype", KNOWN_KINDS)
def test_a_type_that_is_told_without_polars_is_what_polars_makes_of_it(dtype: str) -> None:
    made = parse_dtype(dtype)
    assert repr(made) == dtype
    assert column_kind(made) == KNOWN_KINDS[dtype]


@pytest.mark.parametrize("file", ["model.onnx", "pipeline.json", "profile.json"])
def test_a_changed_file_is_named(package: Path, file: str) -> None:
    content = bytearray((package / file).read_bytes())
    content[len(content) // 2] ^= 1
    (package / file).write_bytes(content)
    with pytest.raises(StoreError, match=file):
        hl.load(package)


def test_a_truncated_file_is_named(package: Path) -> None:
    (package / "model.onnx").write_bytes((package / "model.onnx").read_bytes()[:100])
    with pytest.raises(StoreError, match=r"model.onnx"):
        hl.load(package)


def test_a_missing_file_is_named(package: Path) -> None:
    (package / "model.onnx").unlink()
    with pytest.raises(StoreError, match=r"incomplete: model.onnx"):
        hl.load(package)


def test_a_file_that_nobody_listed_is_refused(package: Path) -> None:
    (package / "sitecustomize.py").write_text("1")
    with pytest.raises(StoreError, match=r"sitecustomize.py"):
        hl.load(package)


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/passwd", "a/../../b", "..\\outside.txt", "C:\\x"])
def test_a_path_that_climbs_out_is_refused(package: Path, path: str) -> None:
    files = json.loads((package / "manifest.json").read_text())["files"]
    reseal(package, {"files": files | {path: {"bytes": 0, "sha256": ""}}})
    with pytest.raises(StoreError, match="outside the package"):
        hl.load(package)


@pytest.mark.parametrize("name", ["/tmp/evil", "../evil", "..", "a/b", "a\\b", "", "a\n", 3, None])
def test_a_package_that_is_called_by_a_path_is_refused(package: Path, name: object) -> None:
    reseal(package, {"name": name})
    with pytest.raises(StoreError, match="is not the name of a model"):
        hl.load(package)


def test_a_package_from_the_future_is_refused(package: Path) -> None:
    reseal(package, {"format": 99, "hookline": "9.9"})
    with pytest.raises(StoreError, match=r"format 99.*\n.*9\.9"):
        hl.load(package)


def test_a_manifest_cannot_name_a_component_that_is_not_registered(package: Path) -> None:
    reseal(package, {"packager": "os.system"})
    with pytest.raises(HooklineError, match=r"os.system"):
        hl.load(package)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is damaged"),
        (b"not json", "is damaged"),
        (b"[]", "is not an object"),
        (b"\xff\xfe", "is damaged"),
        (b'{"format": 1}', "is not the manifest of a package"),
        (b'{"format": 1, "packager": 3, "files": {}}', "is not the manifest of a package"),
    ],
)
def test_a_manifest_that_is_none_is_one_clear_error(package: Path, content: bytes, told: str) -> None:
    (package / "manifest.json").write_bytes(content)
    with pytest.raises(StoreError, match=told):
        hl.load(package)


SCALE = """
from dataclasses import dataclass
from hookline import Dataset, Transform, hookimpl

@dataclass(frozen=True)
class Fitted:
    by: float
    def transform(self, frame):
        return frame

class Scale(Transform):
    "Leaves rows as they are."
    name = "{name}"
    def fit(self, train: Dataset) -> Fitted:
        return Fitted(1.0)

@hookimpl
def register_transforms():
    return [Scale]
"""


def test_a_package_whose_plugin_is_not_installed_says_which_and_how_to_get_it(
    install_plugin: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin("hookline-scaling", "scaling", "scaling_module", SCALE.replace("{name}", "scaling.scale"))
    hl.run(source="iris", trainer="decision_tree", transform=["scaling.scale"], packager=["skops"])
    package = hl.load("last").package()  # type: ignore[union-attr]
    monkeypatch.setenv("HOOKLINE_DISABLE", "scaling")
    with pytest.raises(StoreError, match=r"needs transform 'scaling\.scale' of the plugin 'scaling'") as caught:
        hl.load(package)
    # With its version, unless the list of what is installed was made before it was.
    assert str(caught.value.hint).startswith("pip install 'hookline-scaling")


def test_a_package_that_a_project_made_says_where_its_component_is_looked_for(
    project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = project_module("scaling", SCALE.replace("{name}", "own_scale"))
    run = hl.run(source="iris", trainer="decision_tree", transform=["own_scale"], packager=["skops"])
    monkeypatch.delenv("HOOKLINE_PLUGINS")
    # Where its code may not run.
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "of somebody else")
    with pytest.raises(StoreError, match="needs transform 'own_scale', which no plugin here brings") as caught:
        hl.load(run.package())
    assert "HOOKLINE_PLUGINS" in str(caught.value.hint)


def test_a_package_whose_plugin_is_skipped_says_so_first(made: hl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "sklearn")
    with pytest.raises(StoreError, match="needs packager 'skops', and plugin 'sklearn' is skipped: named in") as caught:
        hl.load(made.package("skops"))
    assert "let sklearn load" in str(caught.value.hint)


def test_a_package_whose_folder_is_gone_says_so(package: Path) -> None:
    shutil.rmtree(package)
    with pytest.raises(DataError, match="there is no folder"):
        load_package(package, load_registry())


def test_a_folder_that_is_no_package_says_so(tmp_path: Path) -> None:
    with pytest.raises(HooklineError):
        hl.load(tmp_path)


def test_a_pickle_is_not_read_without_the_callers_word(made: hl.Run, tmp_path: Path) -> None:
    package = Path(shutil.copytree(made.package("pickle"), tmp_path / "package"))
    marker = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (marker,)  # type: ignore[return-value]

    content = pickle.dumps(Bomb())
    (package / "model.pkl").write_bytes(content)
    reseal(package)
    with pytest.raises(UntrustedPackage, match="--allow-pickle"):
        hl.load(package)
    assert not marker.exists()


def test_a_wrong_column_is_named_at_predict(package: Path, rows: pl.DataFrame) -> None:
    with pytest.raises(DataError) as caught:
        hl.load(package).predict(rows.rename({rows.columns[0]: "other"}))
    assert [problem.path for problem in caught.value.problems] == [rows.columns[0]]
