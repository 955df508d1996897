"""Archives as TorchServe takes them: the handler answers without hookline, and TorchServe serves it where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

import hookline as hl
from hookline import Trust
from hookline.errors import ConfigError, StoreError
from kit.apart import needs_torchserve
from kit.packages import reseal
from kit.processes import free_port, listening_at, run_python

ALLOWED = Trust(pickle=True)
COUNT = range(160)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Numbers, texts, booleans and dates, some of each missing."""
    return pl.DataFrame(
        {
            "size": [None if i % 11 == 0 else (i * 7 % 50) / 3 for i in COUNT],
            "kind": [None if i % 13 == 0 else ["été", "zoo", 'a"b'][i % 3] for i in COUNT],
            "new": [i % 4 == 0 for i in COUNT],
            "day": [None if i % 17 == 0 else datetime(2010 + i % 9, 1 + i % 9, 10 + i % 10, 3, 4) for i in COUNT],
            "bought": ["yes" if (i * 7 % 50) / 3 + (i % 3) * 4 > 10 else "no" for i in COUNT],
        }
    )


@pytest.fixture(scope="module")
def packages(table: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One model that answers "yes" from a chance of 0.3 on, archived as TorchScript and as a graph."""
    forms = {name: {"component": "torchserve", "holds": name, "batch_size": 4} for name in ("torchscript", "onnx")}
    run = hl.run(
        source=table,
        roles={"target": "bought"},
        trainer={"component": "random_forest", "n_estimators": 5, "max_depth": 4},
        decision={"threshold": 0.3},
        packager=forms,
        monitor=[],
        name="bought",
        home=tmp_path_factory.mktemp("torchserve") / "home",
    )
    return {name: run.package(name) for name in forms}


def asked(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Raw rows as JSON has them."""
    return json.loads(table.drop("bought").head(40).with_columns(pl.col("day").dt.to_string("iso")).write_json())


def require_same(answers: list[dict[str, Any]], package: Path, table: pl.DataFrame) -> None:
    expected = hl.load(package, trust=ALLOWED).predict(table.drop("bought").head(40))
    assert [one["prediction"] for one in answers] == expected.values.tolist()
    assert [one["probability_yes"] for one in answers] == pytest.approx(expected.probabilities[:, 1], abs=1e-5)


ALONE = """
import json, sys, warnings
for name in json.loads(sys.argv[2]):
    sys.modules[name] = None
warnings.simplefilter("ignore", DeprecationWarning)
sys.path.insert(0, sys.argv[1])
from hookline_handler import Handler

class Context:
    system_properties = {"model_dir": sys.argv[1]}
    told = []
    def set_response_status(self, code, phrase, idx):
        self.told.append([code, idx])

handler, context = Handler(), Context()
handler.initialize(context)
rows = json.load(sys.stdin)
batch = [{"body": json.dumps({"rows": rows}).encode()}, {"data": {"rows": rows[:1]}}, {"body": b"no"}, {"body": {"rows": []}}]
print(json.dumps([handler.handle(batch, context), context.told]))
"""


@pytest.mark.parametrize(
    ("held", "absent"),
    [("torchscript", ["hookline", "onnx", "onnxruntime", "pandas"]), ("onnx", ["hookline", "onnx", "torch"])],
)
def test_the_handler_in_the_archive_answers_a_batch_without_hookline(
    held: str, absent: list[str], packages: dict[str, Path], table: pl.DataFrame, tmp_path: Path
) -> None:
    package = packages[held]
    with zipfile.ZipFile(package / "torchserve/model.mar") as archive:
        archive.extractall(tmp_path)
    manifest = json.loads((tmp_path / "MAR-INF/MANIFEST.json").read_text("utf-8"))
    assert manifest["model"]["handler"] == "hookline_handler.py"
    assert json.loads((tmp_path / "model-config.yaml").read_text("utf-8"))["batchSize"] == 4
    told = run_python(ALONE, tmp_path, json.dumps(absent), input=json.dumps(asked(table))).stdout
    (whole, first, unfit, none), statuses = json.loads(told.splitlines()[-1])
    require_same(whole, package, table)
    assert (first, none) == (whole[:1], [])
    assert "error" in unfit
    assert statuses == [[400, 2]]


def test_it_answers_as_when_it_was_made(packages: dict[str, Path]) -> None:
    found = hl.verify_package(packages["torchscript"], trust=ALLOWED)
    assert found.ok
    assert found.golden is not None
    assert found.golden.rows > 0


def test_an_archive_that_holds_another_model_than_was_certified_is_refused(
    packages: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(packages["onnx"], copy)
    archive = copy / "torchserve/model.mar"
    with zipfile.ZipFile(archive) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    for change, told in [
        ({"hookline_handler.py": b"import os"}, "holds another hookline_handler.py"),
        ({"more": b""}, "other files"),
    ]:
        with zipfile.ZipFile(archive, "w") as made:
            for name, content in (parts | change).items():
                made.writestr(name, content)
        reseal(copy)
        with pytest.raises(StoreError, match=told):
            hl.load(copy)


def test_a_damaged_archive_is_told(packages: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(packages["onnx"], copy)
    archive = copy / "torchserve/model.mar"
    with zipfile.ZipFile(archive) as held:
        part = max(held.infolist(), key=lambda one: one.compress_size)
    content = bytearray(archive.read_bytes())
    begin = part.header_offset + 30 + len(part.filename)
    content[begin : begin + 40] = b"\xff" * 40
    archive.write_bytes(content)
    reseal(copy)
    with pytest.raises(StoreError, match="is damaged"):
        hl.load(copy)


def test_making_it_leaves_what_lies_in_the_folder_of_temporary_files(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its own tool would remove a folder there that has the model's name.
    precious = tmp_path / "temporary" / "model"
    precious.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(precious.parent))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (precious / "kept").write_text("", "utf-8")
    hl.run(
        source=table.select("new", "bought"),
        target="bought",
        trainer="logistic_regression",
        packager=[{"component": "torchserve", "holds": "onnx"}],
        home=tmp_path / "home",
    )
    assert (precious / "kept").exists()


def test_a_format_that_needs_hookline_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="needs hookline to answer"):
        hl.run("source=iris", "packager=[torchserve]", "packager.torchserve.holds=skops")


@pytest.fixture
def served(packages: dict[str, Path], tmp_path: Path) -> Iterator[str]:
    """TorchServe around an archive, on ports of its own."""
    needs_torchserve()
    folder = tmp_path / "served"
    shutil.copytree(packages["torchscript"] / "torchserve", folder)
    config = (folder / "config.properties").read_text("utf-8")
    for port in ("8080", "8081", "8082"):
        config = config.replace(f":{port}", f":{free_port()}")
    (folder / "config.properties").write_text(config, "utf-8")
    url = config.partition("inference_address=")[2].partition("\n")[0]
    own = tmp_path / "temporary"
    own.mkdir()
    environment = {
        **os.environ,
        "TEMP": str(own),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    words = [
        "torchserve",
        "--start",
        "--foreground",
        "--ncs",
        "--disable-token-auth",
        "--ts-config",
        "config.properties",
    ]
    with listening_at(words, f"{url}/ping", env=environment, cwd=folder):
        yield url


def test_torchserve_serves_it(served: str, packages: dict[str, Path], table: pl.DataFrame) -> None:
    with httpx.Client(base_url=served, timeout=60, transport=httpx.HTTPTransport(retries=5)) as client:
        found = client.post("/predictions/model", json={"rows": asked(table)})
        assert found.status_code == 200, found.text
        require_same(found.json(), packages["torchscript"], table)
        assert client.post("/predictions/model", json={"other": 1}).status_code == 400
