"""A version carried to another home in one file."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, StoreError, UntrustedPackage, UsageError
from hookline.live.learning.challengers.lessons import parent_of
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told

ROW = {"sepal_length_cm": 6.1, "sepal_width_cm": 2.8, "petal_length_cm": 4.7, "petal_width_cm": 1.2}


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    """Version 1 as a file."""
    return hl.export_version("iris:1", tmp_path)


def test_a_version_answers_alike_on_another_machine(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hl.load("iris:1").predict([ROW]).probabilities
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "there"))
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "another's")
    made = hl.import_version(file)
    assert (made.model, made.version, made.signed, made.is_new) == ("iris", 1, False, True)
    assert hl.load("iris:1").predict([ROW]).probabilities.tolist() == before.tolist()
    assert open_workspace().catalog.deployments.current("iris") is None
    assert (made.origin["model"], made.origin["version"]) == ("iris", 1)
    assert open_workspace().catalog.acts.of("iris")[0].facts["version"] == "1"
    with pytest.raises(UntrustedPackage, match="not signed with your key"):
        hl.import_version(file, "elsewhere", signed=True)
    assert open_workspace().catalog.models.names() == ["iris"]


def test_taken_in_twice_it_keeps_its_number_and_another_name_is_another_model(file: Path, hookline: Told) -> None:
    code, out, err = hookline("models", "import", str(file), "--name", "flowers")
    assert (code, out) == (0, "flowers:1\n")
    assert "flowers:1 was taken in, signed with your key" in err
    code, out, err = hookline("models", "import", str(file), "--name", "flowers")
    assert (code, out) == (0, "flowers:1\n")
    assert "is here already" in err
    assert hookline("models", "verify", "flowers")[0] == 0


def test_under_another_name_it_is_that_model_in_answers_and_records(file: Path, hookline: Told) -> None:
    hl.import_version(file, "flowers")
    rows = file.with_name("rows.ndjson")
    rows.write_text(json.dumps(ROW) + "\n", "utf-8")
    assert hookline("predict", "flowers", str(rows), "--log")[0] == 0
    assert [one["model"] for one in hl.predictions("flowers")] == ["flowers"]


def test_an_update_that_came_from_elsewhere_goes_back_to_no_stranger(tmp_path: Path) -> None:
    rows = pl.DataFrame({name: [1.0, 2.0, 3.0, 4.0] for name in "abcd"} | {"y": ["x", "z", "x", "z"]})
    hl.run(source=rows, target="y", name="small", trainer="sgd_classifier", packager=["skops"], deployer="local")
    hl.update("small:1", rows)
    there = tmp_path / "there"
    hl.import_version(hl.export_version("small:2", tmp_path / "small.zip"), home=there)
    workspace = open_workspace(there)
    assert parent_of(workspace, workspace.catalog.models.get("small", 1)) is None


def test_the_same_version_makes_the_same_file_and_its_life_is_in_it(home: Path, tmp_path: Path) -> None:
    hl.tag_version("iris:2", {"stage": "trial"}, reason="a try")
    first, second = (hl.export_version("iris:2", tmp_path / name) for name in ("a.zip", "b.zip"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        told = json.loads(archive.read("version.json"))
    assert told["tags"] == {"stage": "trial"}
    assert told["policies"][0]["version"] == 2
    assert [act["reason"] for act in told["acts"]] == ["a try"]


def test_nothing_is_overwritten(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        hl.export_version("iris:1", file)
    with pytest.raises(UsageError, match="there is no folder"):
        hl.export_version("iris:1", tmp_path / "nowhere" / "x.zip")


def rewritten(file: Path, change: Callable[[list[tuple[zipfile.ZipInfo, bytes]]], None]) -> Path:
    """Write the file again with its parts changed."""
    with zipfile.ZipFile(file) as archive:
        parts = [(part, archive.read(part)) for part in archive.infolist()]
    change(parts)
    target = file.with_name("changed.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts:
            archive.writestr(part, content)
    return target


def add(name: str, content: bytes = b"x", mode: int = 0) -> Callable[[list[tuple[zipfile.ZipInfo, bytes]]], None]:
    part = zipfile.ZipInfo(name)
    part.external_attr = mode << 16
    return lambda parts: parts.append((part, content))


def drop(end: str) -> Callable[[list[tuple[zipfile.ZipInfo, bytes]]], None]:
    return lambda parts: parts.remove(next(pair for pair in parts if pair[0].filename.endswith(end)))


def swap(end: str, content: bytes) -> Callable[[list[tuple[zipfile.ZipInfo, bytes]]], None]:
    def change(parts: list[tuple[zipfile.ZipInfo, bytes]]) -> None:
        place = next(place for place, pair in enumerate(parts) if pair[0].filename.endswith(end))
        parts[place] = (parts[place][0], content)

    return change


ATTACKS = {
    "a name that leads out": (add("../../evil"), "no name of a file in it"),
    "an absolute name": (add("/etc/evil"), "no name of a file in it"),
    "a link": (add("package/link", b"/etc/passwd", stat.S_IFLNK | 0o777), "no ordinary file"),
    "a device": (add("package/device", b"", stat.S_IFCHR | 0o666), "no ordinary file"),
    "a name twice": (add("package/model.onnx"), "twice"),
    "a part that is missing": (drop("model.onnx"), "model.onnx is missing"),
    "no manifest": (drop("manifest.json"), "holds no package"),
    "no origin": (drop("version.json"), "holds no version"),
    "an origin that is no object": (swap("version.json", b"[1]"), "is no object"),
    "an origin too deep": (swap("version.json", b"[" * 10_000), "is damaged"),
    "a model larger than it says": (swap("model.onnx", bytes(50_000_000)), "larger than it says"),
    "another model": (swap("golden.json", b"[]"), "is not what the manifest says"),
    "another manifest": (swap("manifest.json", b'{"format": 3}'), "no seal"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_no_whole_version_is_refused_and_nothing_stays(attack: str, file: Path, tmp_path: Path) -> None:
    change, message = ATTACKS[attack]
    there = tmp_path / "there"
    with pytest.raises((StoreError, DataError), match=message):
        hl.import_version(rewritten(file, change), home=there)
    assert open_workspace(there).catalog.models.names() == []
    assert not (there / "models").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x00" * 1000])
def test_a_file_that_is_none_is_one_error(content: bytes, tmp_path: Path, hookline: Told) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    code, _, err = hookline("models", "import", str(tmp_path / "x.zip"))
    assert (code, err.count("error:"), "is no file of a version" in err) == (1, 1, True)


def test_a_file_with_a_flipped_byte_is_one_error_or_the_same_version(file: Path, tmp_path: Path) -> None:
    whole = bytearray(file.read_bytes())
    flipped, there = tmp_path / "flipped.zip", tmp_path / "there"
    refused, places = 0, range(40, len(whole), len(whole) // 40)
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 0x55
        flipped.write_bytes(changed)
        try:
            # One in the time of a part, say, changes nothing.
            made = hl.import_version(flipped, home=there)
        except (DataError, StoreError):
            refused += 1
            continue
        assert hl.verify_package(made.path, home=there).ok
    assert refused > len(places) / 2


def test_a_torn_file_is_refused_wherever_it_is_torn(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    torn = tmp_path / "torn.zip"
    for size in range(0, len(whole), len(whole) // 12):
        torn.write_bytes(whole[:size])
        with pytest.raises((DataError, StoreError)):
            hl.import_version(torn, home=tmp_path / "there")
    assert io.BytesIO(whole).getbuffer().nbytes == file.stat().st_size
