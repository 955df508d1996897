"""Sets of classes, in every package and from every server, and what the report says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline_onnx.predictor import _slices
from kit.serving import serving

CONFIG: dict[str, Any] = {
    "source": "wine",
    "trainer": {"component": "random_forest", "n_estimators": 4, "max_depth": 1},
    "split": {"valid": 0.3},
    "sets": {"coverage": 0.9},
    "packager": ["onnx", "skops", "pickle", "torchscript"],
    "monitor": [],
    "deployer": "local",
    "name": "sets",
}
LABELS = ("class_0", "class_1", "class_2")


def places(home: Path) -> dict[str, str]:
    """Return the environment of one home and one key for all tests of this module."""
    return {"HOOKLINE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home: Path) -> Iterator[hl.Run]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in places(home).items():
            patch.setenv(name, value)
        yield hl.run(**CONFIG)


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in places(home).items():
        monkeypatch.setenv(name, value)


def rows(run: hl.Run) -> pl.DataFrame:
    from sklearn.datasets import load_wine

    found = load_wine()
    names = [name.replace("/", "_") for name in found.feature_names]
    frame = pl.DataFrame(found.data, schema=names)
    return frame.rename(dict(zip(names, run.predictor.schema.names, strict=True)))


def expected(run: hl.Run) -> tuple[np.ndarray, np.ndarray]:
    said = run.predict(rows(run))
    limit = run.evidence["sets"]["limit"]
    assert said.probabilities is not None
    most = said.probabilities == said.probabilities.max(axis=1, keepdims=True)
    return said.probabilities, (said.probabilities >= limit) | most


@pytest.mark.parametrize("packager", ["onnx", "skops", "pickle", "torchscript"])
def test_every_package_tells_them(run: hl.Run, packager: str) -> None:
    found = hl.load(run.path / "packages" / packager, trust=hl.Trust(everything=True)).predict(rows(run))
    assert found.sets is not None
    np.testing.assert_array_equal(found.sets, expected(run)[1])
    assert found.frame().columns[-3:] == [f"set_{label}" for label in LABELS]


def test_some_sets_hold_one_class_and_some_more(run: hl.Run) -> None:
    sizes = {int(size) for size in expected(run)[1].sum(axis=1)}
    assert {1, 2} <= sizes


def test_onnxruntime_alone_tells_them(run: hl.Run) -> None:
    session = onnxruntime.InferenceSession(run.path / "packages" / "onnx" / "model.onnx")
    (feeds,) = _slices(rows(run), run.predictor.schema)
    (found,) = session.run(["set"], feeds)
    np.testing.assert_array_equal(found, expected(run)[1])


def test_as_many_held_out_rows_are_covered_as_the_report_says(run: hl.Run) -> None:
    told = run.evidence["sets"]
    assert told["rows"] == run.evidence["split"]["valid"]
    assert told["held_out"]["rows"] == run.evidence["split"]["test"] == sum(one["rows"] for one in told["classes"])
    assert told["held_out"]["covered"] == pytest.approx(0.9, abs=0.1)
    page = (run.path / "report.html").read_text("utf-8")
    assert "What else may be true" in page
    assert f"{100 * told['held_out']['covered']:.1f} % have theirs in it" in page
    assert all(one["ok"] for one in run.evidence["certificates"])


def test_predict_writes_a_column_a_class(run: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(run).head(3).write_csv(tmp_path / "rows.csv")
    assert main(["predict", str(run.path / "packages" / "onnx"), str(tmp_path / "rows.csv")]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.endswith("probability_class_2,set_class_0,set_class_1,set_class_2,warnings")
    assert first.split(",")[5:8] == ["true" if one else "false" for one in expected(run)[1][0]]


def test_every_route_of_a_server_says_them(run: hl.Run) -> None:
    within = expected(run)[1]
    place = int(np.flatnonzero(within.sum(axis=1) == 2)[0])
    row = rows(run).row(place, named=True)
    named = [label for label, inside in zip(LABELS, within[place], strict=True) if inside]
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [value]} for name, value in row.items()]
    with serving(run.path / "packages" / "onnx") as server, httpx.Client(base_url=server.url) as client:
        plain = client.post("/predict", json={"rows": [row]}).json()["predictions"][0]
        invoked = client.post("/invocations", json={"dataframe_records": [row]}).json()
        asked = client.post("/v2/models/sets/infer", json={"inputs": tensors}).json()["outputs"]
        alone = client.post("/v2/models/sets/infer", json={"inputs": tensors, "outputs": [{"name": "set"}]}).json()
        stream = pl.DataFrame([row]).write_ipc_stream(None).getvalue()
        arrow = {"content-type": "application/vnd.apache.arrow.stream"}
        answer = client.post("/predict", content=stream, headers=arrow | {"accept": arrow["content-type"]})
        described = client.get("/v2/models/sets").json()["outputs"]
    assert plain["set"] == named
    assert invoked["sets"] == [named]
    assert asked[-1] == {"name": "set", "datatype": "BOOL", "shape": [1, 3], "data": within[place].tolist()}
    assert [output["name"] for output in alone["outputs"]] == ["set"]
    assert pl.read_ipc_stream(answer.content)["set"].to_list() == [named]
    assert described[-1] == {"name": "set", "datatype": "BOOL", "shape": [-1, 3]}


def test_models_show_tells_the_rule(run: hl.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "sets"]) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("sets: ")]
    assert json.loads(line.removeprefix("sets: "))["limit"] == run.evidence["sets"]["limit"]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"sets": {"coverage": 0.999}}, "sets that cover 0.999 of the rows need at least 999 validation rows"),
        (
            {"source": "diabetes", "trainer": "ridge"},
            "sets.coverage: is for classes, and the target 'target' is a number",
        ),
        ({"split": {}}, "sets: goes by validation rows, of which there are none"),
        ({"sets": {"coverage": 1.5}}, r"sets\.coverage: "),
    ],
)
def test_what_cannot_be_told_is_an_error_before_training(config: dict[str, Any], told: str) -> None:
    with pytest.raises(hl.errors.HooklineError) as caught:
        hl.run(**CONFIG | {"deployer": None} | config)
    assert told.replace("\\", "") in str(caught.value)


def test_an_update_measures_them_again() -> None:
    def table(noise: float, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(400, 2))
        label = np.where(x[:, 0] + noise * rng.normal(size=400) > 0, "yes", "no")
        return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": label})

    config = {"target": "y", "trainer": {"component": "sgd_classifier", "loss": "log_loss"}, "packager": ["skops"]}
    hl.run(**CONFIG | config | {"source": table(0.5, 0), "name": "surer"})
    hl.update("surer", table(3.0, 1))
    before, after = (hl.load(f"surer:{version}").predictor.sets for version in (1, 2))
    assert after.rows == 400
    assert after.limit < before.limit
