"""What somebody may have done to a package, digests made right again: each is one clear error of ours, and soon."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import polars as pl
import pytest

import hookline as hl
from hookline.errors import HooklineError, StoreError, UntrustedPackage
from hookline.packages.door.sealing import _tail
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.manifest import verify
from hookline.registry.registry import load_registry
from kit.command_line import Told
from kit.packages import reseal

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    return hl.run(
        source="iris",
        trainer="decision_tree",
        packager=["onnx", "skops"],
        monitor=["data_drift"],
        evaluator=["standard"],
        home=tmp_path_factory.mktemp("home"),
    )


def copy_of(made: hl.Run, name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.package(name), tmp_path / "package"))


def edited(file: str, change: Callable[[Any], Any]) -> Change:
    """Return what changes a JSON file in a package, in place or by what `change` returns, and reseals it."""

    def act(package: Path) -> None:
        value = json.loads((package / file).read_text())
        value = change(value) or value
        (package / file).write_text(json.dumps(value))
        reseal(package)

    return act


def written(file: str, content: str | bytes) -> Change:
    def act(package: Path) -> None:
        (package / file).write_bytes(content.encode() if isinstance(content, str) else content)
        if file == "manifest.json":
            return
        reseal(package)

    return act


def said(**change: Any) -> Change:
    return lambda package: reseal(package, change)


def column(**change: Any) -> Change:
    return edited("pipeline.json", lambda state: state["schema"]["columns"][0].update(change))


def target(**change: Any) -> Change:
    return edited("pipeline.json", lambda state: state["target"].update(change))


def removed(file: str) -> Change:
    def act(package: Path) -> None:
        (package / file).unlink()
        reseal(package)

    return act


def replaced(file: str, make: Callable[[Path], Any]) -> Change:
    """Return what puts something that is no ordinary file in a file's place."""

    def act(package: Path) -> None:
        (package / file).unlink()
        make(package / file)

    return act


def graph(change: Callable[[Any], None]) -> Change:
    def act(package: Path) -> None:
        model = onnx.load(package / "model.onnx")
        change(model)
        (package / "model.onnx").write_bytes(model.SerializeToString())
        reseal(package)

    return act


def outside(model: Any) -> None:
    tensor = model.graph.initializer.add(name="weights", data_type=1, dims=[1], data_location=1)
    tensor.external_data.add(key="location", value="../../../../etc/passwd")


def custom_operator(model: Any) -> None:
    model.opset_import.append(onnx.helper.make_opsetid("com.evil", 1))


def unknown_operator(model: Any) -> None:
    model.graph.node[0].op_type = "NoSuchThing"


def huge_constant(model: Any) -> None:
    shape = onnx.helper.make_tensor("big", 7, [2], [1_000_000, 1_000_000])
    model.graph.initializer.append(shape)
    model.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["big"], ["filled"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("filled", 1, None))


def large_constant(model: Any) -> None:
    """Ask for 4 GiB, which a machine may well have."""
    model.graph.node.append(
        onnx.helper.make_node("Constant", [], ["large"], value=onnx.helper.make_tensor("", 7, [1], [2**30]))
    )
    model.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["large"], ["filled"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("filled", 1, None))


def filled(*nodes: Any) -> Callable[[Any], None]:
    """Return what has a graph make as much as `size` says, which other nodes make."""

    def act(model: Any) -> None:
        model.graph.node.extend([*nodes, onnx.helper.make_node("ConstantOfShape", ["size"], ["filled"])])
        model.graph.output.append(onnx.helper.make_tensor_value_info("filled", 1, None))

    return act


def constant(name: str, **said: Any) -> Any:
    return onnx.helper.make_node("Constant", [], [name], **said)


def worked_out(operator: str, *inputs: str, **said: Any) -> Any:
    return onnx.helper.make_node(operator, list(inputs), ["size"], **said)


def endless(model: Any) -> None:
    """Go on for as long as an int64 can count."""
    value = onnx.helper.make_tensor_value_info
    inputs = [value("turn", 7, []), value("on", 9, []), value("x", 1, [1])]
    goes = [onnx.helper.make_node("Identity", [given], [made]) for given, made in (("on", "still"), ("x", "y"))]
    body = onnx.helper.make_graph(goes, "body", inputs, [value("still", 9, []), value("y", 1, [1])])
    most = onnx.helper.make_tensor("most", 7, [], [2**62])
    start = onnx.helper.make_tensor("start", 1, [1], [0.0])
    model.graph.initializer.extend([most, start])
    model.graph.node.append(onnx.helper.make_node("Loop", ["most", "", "start"], ["end"], body=body))
    model.graph.output.append(value("end", 1, [1]))


def fewer_outputs(model: Any) -> None:
    del model.graph.output[-1]


def other_input(model: Any) -> None:
    model.graph.input[0].name = "no_such_column"


MANIFESTS: dict[str, Change] = {
    "empty": written("manifest.json", ""),
    "a list": written("manifest.json", "[]"),
    "deep lists": written("manifest.json", "[" * 100_000 + "]" * 100_000),
    "deep objects": written("manifest.json", '{"a":' * 5_000 + "1" + "}" * 5_000),
    "10,000 digits": written("manifest.json", '{"format": ' + "9" * 10_000 + "}"),
    "not a number": written("manifest.json", '{"format": NaN}'),
    "infinite": written("manifest.json", '{"format": 1e999}'),
    "a key said twice": written("manifest.json", '{"format": 3, "format": 2}'),
    "half of a character": written("manifest.json", '{"format": 3, "name": "\\ud800"}'),
    "not UTF-8": written("manifest.json", b'{"name": "\xff"}'),
    "too many values": written("manifest.json", "[" + "0," * 8_100_000 + "0]"),
    "of the future": said(format=99, hookline="9.9"),
    "a format that is a truth": said(format=True),
    "300 characters of name": said(name="n" * 300),
    "a name that climbs": said(name="../../x"),
    "a name that is a path": said(name="/tmp/x"),
    "a name of two lines": said(name="a\nb"),
    "no name": said(name=None),
    "a packager of two lines": said(packager="on\nnx"),
    "a packager that is a path": said(packager="../onnx"),
    "another packager": said(packager="pickle"),
    "fields that the packager has not": said(packager_config={"x": 1}),
    "fields that are a list": said(packager_config=[1]),
    "features that are texts": said(features=["x"]),
    "features that are none": said(features=None),
    "importances that are texts": said(importances={"x": "NaN"}),
    "metrics that are numbers": said(metrics=[1]),
    "no parity": said(parity=None),
    "another target": said(target={"name": "other", "task": "regression", "classes": []}),
    "a target without a task": said(target={"name": "x"}),
    "files that are a list": said(files=["model.onnx"]),
    "files without facts": said(files={"model.onnx": None}),
    "a file that climbs": said(files={"../x": {"bytes": 0, "blake2b": ""}}),
    "a file of two lines": said(files={"a\nb": {"bytes": 0, "blake2b": ""}}),
    "a negative size": said(files={"model.onnx": {"bytes": -1, "blake2b": ""}}),
    "a monitor that climbs": said(monitors={"../../../etc": "data_drift"}),
    "a monitor that is none": said(monitors={"x": 3}),
    "an environment that is a list": said(environment=[]),
    "a reading that is a text": said(reading="file"),
    "a reading by a path": said(reading={"component": "../x", "fields": {}}),
    "a trainer without fields": said(trainer={"component": "x"}),
    "a colored model": said(model="\x1b[31mred"),
}
FILES: dict[str, Change] = {
    "no pipeline": removed("pipeline.json"),
    "a pipeline that is a list": written("pipeline.json", "[]"),
    "a deep pipeline": written("pipeline.json", '{"schema":' * 2_000 + "1" + "}" * 2_000),
    "no columns": edited("pipeline.json", lambda state: state["schema"].pop("columns")),
    "columns of numbers": edited("pipeline.json", lambda state: state["schema"].update(columns=[1])),
    "a column twice": edited("pipeline.json", lambda s: s["schema"]["columns"].append(s["schema"]["columns"][0])),
    "a type that is none": column(dtype="os.system('x')"),
    "a type that nests": column(dtype="(" * 50 + ")" * 50),
    "a long type": column(dtype="Float64" * 10_000),
    "a type of another kind": column(dtype="String"),
    "a zone that is none": column(dtype="Datetime('us', '../../etc')", kind="datetime"),
    "a precision that is none": column(dtype="Decimal(99999999999999999999, 3)"),
    "a bad pattern": column(pattern="("),
    "a pattern that never ends": column(pattern=r"(?=x)(a+)+$"),
    "a pattern of too many": column(pattern="a{1,999999999999}"),
    "a long pattern": column(pattern="a" * 1_000_000),
    "a class twice": target(classes=["setosa", "setosa", "virginica"]),
    "one class": target(classes=["setosa"]),
    "classes of a number": target(task="regression"),
    "a task that is none": target(task="clustering"),
    "a link": replaced("profile.json", lambda path: path.symlink_to("/etc/passwd")),
    "a pipe": replaced("profile.json", os.mkfifo),
    "a device": replaced("profile.json", lambda path: path.symlink_to("/dev/zero")),
    "a manifest that is a pipe": replaced("manifest.json", os.mkfifo),
    "a manifest that is a link": replaced("manifest.json", lambda path: path.symlink_to("/dev/zero")),
    "a folder in a file's place": replaced("profile.json", lambda path: path.mkdir()),
    "a foreign file": lambda package: (package / "x.py").write_text("1") and None,  # type: ignore[func-returns-value]
    "foreign evidence": lambda package: (package / "evidence/x.html").write_text("1") and None,  # type: ignore[func-returns-value]
}
GRAPHS: dict[str, Change] = {
    "fewer outputs": graph(fewer_outputs),
    "another input": graph(other_input),
    "weights outside": graph(outside),
    "a custom operator": graph(custom_operator),
    "an operator that is none": graph(unknown_operator),
    "a constant of a terabyte": graph(huge_constant),
    "a constant of 4 GiB": graph(large_constant),
    "a loop": graph(endless),
    "another format's model": written("model.onnx", b"PK\x03\x04" + b"\0" * 100),
    "no model": removed("model.onnx"),
    "an empty model": written("model.onnx", b""),
    "labels that are no classes": target(classes=["a", "b", "c"]),
}

BOMBS: dict[str, Change] = {
    "a constant of numbers": graph(filled(constant("size", value_ints=[2**40]))),
    "a constant of two": graph(filled(constant("a", value_ints=[2**26]), worked_out("Concat", "a", "a", axis=0))),
    "a constant that is multiplied": graph(filled(constant("a", value_ints=[2**20]), worked_out("Mul", "a", "a"))),
    "a constant that is divided": graph(
        filled(
            constant("a", value_floats=[1.0]),
            constant("b", value_float=1e-12),
            onnx.helper.make_node("Div", ["a", "b"], ["c"]),
            worked_out("Cast", "c", to=7),
        )
    ),
    "ones that are added again and again": graph(
        filled(
            constant("a0", value_ints=[1]),
            *(onnx.helper.make_node("Add", [f"a{n}", f"a{n}"], [f"a{n + 1}"]) for n in range(40)),
            worked_out("Identity", "a40"),
        )
    ),
    "a constant that is taken twice": graph(
        filled(constant("a", value_ints=[2**26]), constant("b", value_ints=[0, 0]), worked_out("Gather", "a", "b"))
    ),
    "as large as what was filled, twice": graph(
        filled(
            constant("a", value_ints=[2**26]),
            onnx.helper.make_node("ConstantOfShape", ["a"], ["b"]),
            onnx.helper.make_node("Shape", ["b"], ["c"]),
            worked_out("Concat", "c", "c", axis=0),
        )
    ),
    "as much as a row says": graph(filled(worked_out("Cast", "sepal_length", to=7))),
    "as much as a power says": graph(
        filled(constant("a", value_ints=[1000]), constant("b", value_ints=[4]), worked_out("Pow", "a", "b"))
    ),
}


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(change: Callable[[dict[str, bytes]], None], compression: int = zipfile.ZIP_STORED) -> Change:
    def act(package: Path) -> None:
        members = members_of((package / "model.skops").read_bytes())
        change(members)
        (package / "model.skops").write_bytes(archive(members, compression))
        reseal(package)

    return act


def bomb(members: dict[str, bytes]) -> None:
    header = np.lib.format.header_data_from_array_1_0(np.zeros(1)) | {"shape": (400_000_000,)}
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, header)
    name = next(name for name in members if name.endswith(".npy"))
    members[name] = held.getvalue()


def circle(members: dict[str, bytes]) -> None:
    """Let a tree's root be its own child, of which no row ever comes out."""
    for name in [name for name in members if name.endswith(".npy")]:
        nodes = np.load(io.BytesIO(members[name]))
        if nodes.dtype.names and "left_child" in nodes.dtype.names:
            nodes["left_child"][0] = nodes["right_child"][0] = 0
            held = io.BytesIO()
            np.save(held, nodes)
            members[name] = held.getvalue()


def schema(change: Callable[[Any], Any]) -> Callable[[dict[str, bytes]], None]:
    def act(members: dict[str, bytes]) -> None:
        found = json.loads(members["schema.json"])
        members["schema.json"] = json.dumps(change(found) or found).encode()

    return act


ARCHIVES: dict[str, Change] = {
    "a transform that is none": edited("pipeline.json", lambda s: s.update(transforms=[{"key": "x"}])),
    "a transform of two lines": edited(
        "pipeline.json", lambda s: s.update(transforms=[{"key": "x", "component": "a\nb", "state": {}}])
    ),
    "a state of another": edited("pipeline.json", lambda s: s["featurizers"][0].update(state={"x": 1})),
    "no featurizer": edited("pipeline.json", lambda s: s.update(featurizers=[])),
    "featurizers that are none": edited("pipeline.json", lambda s: s.update(featurizers=None)),
    "no names of features": removed("features.json"),
    "names that are numbers": written("features.json", "[1, 2, 3, 4]"),
    "names that are a text": written("features.json", '"abcd"'),
    "too few names": written("features.json", '["a"]'),
    "no archive": written("model.skops", b"no archive"),
    "compressed": packed(lambda members: None, zipfile.ZIP_DEFLATED),
    "an array of 3 GiB": packed(bomb),
    "a tree in a circle": packed(circle),
    "a deep schema": packed(lambda m: m.update({"schema.json": b'{"a":' * 10_000 + b"1" + b"}" * 10_000})),
    "no schema": packed(lambda m: m.pop("schema.json") and None),  # type: ignore[func-returns-value]
    "a schema that is a list": packed(schema(lambda found: [found])),
    "a loader that is none": packed(schema(lambda found: found.update({"__loader__": "Nothing"}))),
    "a class that is another": packed(schema(lambda found: found.update({"__class__": "KMeans"}))),
    "a type that nobody trusts": packed(
        schema(lambda found: found.update({"__module__": "os", "__class__": "system"}))
    ),
    "another format's model": written("model.skops", b"\x08\x07"),
}


def refused(package: Path, few: bool = False) -> HooklineError:
    """Return the error that loading raises, which is ours, in a few lines, and within seconds. few: as a server loads it"""
    begun = time.monotonic()
    with pytest.raises(HooklineError) as caught:
        load_package(package, load_registry(), few=few)
    assert time.monotonic() - begun < 20
    assert caught.value.exit_code in (1, 2)
    told = str(caught.value)
    assert "\x1b" not in told
    assert len(told.splitlines()) <= 2
    assert len(told) < 2_000
    return caught.value


@pytest.mark.parametrize("attack", MANIFESTS)
def test_a_manifest_that_somebody_wrote_is_one_clear_error(made: hl.Run, tmp_path: Path, attack: str) -> None:
    package = copy_of(made, "onnx", tmp_path)
    MANIFESTS[attack](package)
    refused(package)


@pytest.mark.parametrize("attack", FILES)
def test_a_file_that_somebody_wrote_is_one_clear_error(made: hl.Run, tmp_path: Path, attack: str) -> None:
    package = copy_of(made, "onnx", tmp_path)
    FILES[attack](package)
    refused(package)


@pytest.mark.parametrize("attack", GRAPHS)
def test_a_graph_that_somebody_wrote_is_one_clear_error(made: hl.Run, tmp_path: Path, attack: str) -> None:
    package = copy_of(made, "onnx", tmp_path)
    GRAPHS[attack](package)
    refused(package)
    refused(package, few=True)


@pytest.mark.parametrize("attack", BOMBS)
def test_a_graph_that_works_out_how_much_to_make_is_refused_unasked(made: hl.Run, tmp_path: Path, attack: str) -> None:
    package = copy_of(made, "onnx", tmp_path)
    BOMBS[attack](package)
    assert "its operator ConstantOfShape would fill the memory" in str(refused(package))


@pytest.mark.parametrize("attack", ARCHIVES)
def test_an_archive_that_somebody_wrote_is_one_clear_error(made: hl.Run, tmp_path: Path, attack: str) -> None:
    package = copy_of(made, "skops", tmp_path)
    ARCHIVES[attack](package)
    refused(package)


def test_a_package_that_nests_folders_without_an_end_is_refused(made: hl.Run, tmp_path: Path) -> None:
    package = copy_of(made, "onnx", tmp_path)
    here = os.getcwd()  # noqa: PTH109
    try:
        os.chdir(package)
        for _ in range(2_500):  # A path of so many parts is too long to be named at once.
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
    finally:
        os.chdir(here)
    try:
        assert "cannot be read: File name too long" in str(refused(package))
    finally:
        # pytest, which would tidy up, goes no deeper than Python does.
        subprocess.run(["rm", "-rf", str(package)], check=True)


def test_every_bit_of_a_manifest_counts(made: hl.Run, tmp_path: Path) -> None:
    package = copy_of(made, "onnx", tmp_path)
    content = (package / "manifest.json").read_bytes()
    rng = np.random.default_rng(10)
    for place, bit in zip(rng.integers(len(content), size=300), rng.integers(8, size=300), strict=True):
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        (package / "manifest.json").write_bytes(flipped)
        with pytest.raises(StoreError, match="damaged|has package format"):
            verify(package)
    (package / "manifest.json").write_bytes(content)
    assert verify(package)["name"] == "iris"


@pytest.mark.parametrize("file", ["evidence/evidence.json", "evidence/report.html", "certificate.json", "answers.json"])
def test_evidence_is_covered_as_the_model_is(made: hl.Run, tmp_path: Path, file: str) -> None:
    package = copy_of(made, "onnx", tmp_path)
    content = bytearray((package / file).read_bytes())
    content[len(content) // 2] ^= 1
    (package / file).write_bytes(content)
    with pytest.raises(StoreError, match=f"damaged: {file}"):
        hl.load(package)


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "a team's secret")


@pytest.fixture
def signed(with_key: None, tmp_path: Path) -> Path:
    run = hl.run(source="iris", trainer="decision_tree", packager=["onnx"], evaluator=["standard"], home=tmp_path / "h")
    return run.package()


def test_what_was_signed_cannot_be_rewritten_unnoticed(
    signed: Path, monkeypatch: pytest.MonkeyPatch, hookline: Told
) -> None:
    only = hl.Trust(signed=True)
    loaded = hl.load(signed, trust=only)
    assert isinstance(loaded, LoadedPackage)
    assert loaded.signed
    manifest = json.loads((signed / "manifest.json").read_text())
    better = [metric | {"value": 1.0} for metric in manifest["metrics"]]

    # Digests made right, and the signature left as it was.
    reseal(signed, {"metrics": better})
    forged = (signed / "manifest.json").read_text()
    body, seal = forged[: forged.rindex(',\n "seal": ')], json.loads(forged)["seal"]
    (signed / "manifest.json").write_text(
        body + _tail(seal["blake2b"], *(manifest["seal"][p] for p in ("key", "signature")))
    )
    with pytest.raises(StoreError, match="was rewritten"):
        hl.load(signed)

    # The signature taken off: it is nobody's package, which those who want only their own do not get.
    reseal(signed, {"metrics": better})
    loaded = hl.load(signed)
    assert isinstance(loaded, LoadedPackage)
    assert not loaded.signed
    with pytest.raises(UntrustedPackage, match="not signed with your key"):
        hl.load(signed, trust=only)
    code, _, err = hookline("predict", str(signed), "no_such.csv", "--signed-only")
    assert (code, "not signed with your key" in err) == (1, True)

    # A former layout had no signature, so going back to it is no way round.
    former = {name: value for name, value in json.loads(forged).items() if name != "seal"} | {"format": 2}
    (signed / "manifest.json").write_text(json.dumps(former))
    with pytest.raises(UntrustedPackage, match="not signed with your key"):
        hl.load(signed, trust=only)


def test_a_package_of_another_user_is_read_and_not_taken_for_ones_own(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "another secret")
    loaded = hl.load(signed)
    assert isinstance(loaded, LoadedPackage)
    assert not loaded.signed


def test_reading_a_package_makes_no_key(made: hl.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
    hl.load(made.package("onnx"))
    assert not (tmp_path / "empty").exists()


def test_an_attack_is_told_on_the_command_line_without_a_traceback(
    made: hl.Run, tmp_path: Path, hookline: Told
) -> None:
    package = copy_of(made, "onnx", tmp_path)
    MANIFESTS["deep lists"](package)
    pl.DataFrame({"a": [1]}).write_csv(tmp_path / "rows.csv")
    code, _, err = hookline("predict", str(package), str(tmp_path / "rows.csv"))
    assert code == 1
    assert "nested more than" in err
    assert "Traceback" not in err
