"""Intervals around numbers, in every package and from every server, and what the report says of them."""

from __future__ import annotations

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
    "source": "diabetes",
    "trainer": "ridge",
    "split": {"valid": 0.3},
    "intervals": {"coverage": 0.9},
    "packager": ["onnx", "skops", "pickle"],
    "monitor": [],
    "deployer": "local",
    "name": "told",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hl.Run]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOOKLINE_HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield hl.run(**CONFIG)


def rows(run: hl.Run) -> pl.DataFrame:
    from sklearn.datasets import load_diabetes

    found = load_diabetes()
    return pl.DataFrame(found.data, schema=list(found.feature_names)).select(run.predictor.schema.names)


def width_of(run: hl.Run) -> float:
    return float(run.evidence["intervals"]["half_width"])


@pytest.mark.parametrize("packager", ["onnx", "skops", "pickle"])
def test_every_package_tells_them(run: hl.Run, packager: str) -> None:
    found = hl.load(run.path / "packages" / packager, trust=hl.Trust(pickle=True)).predict(rows(run))
    assert found.intervals is not None
    assert found.intervals == pytest.approx(
        np.column_stack([found.values - width_of(run), found.values + width_of(run)])
    )
    assert found.frame().columns[-2:] == ["lower", "upper"]


def test_onnxruntime_alone_tells_them(run: hl.Run) -> None:
    session = onnxruntime.InferenceSession(run.path / "packages" / "onnx" / "model.onnx")
    (feeds,) = _slices(rows(run), run.predictor.schema)
    value, lower, upper = session.run(["value", "lower", "upper"], feeds)
    assert upper - lower == pytest.approx(2 * width_of(run))
    assert (lower + upper) / 2 == pytest.approx(value)


def test_as_many_held_out_rows_lie_within_as_the_report_says(run: hl.Run) -> None:
    told = run.evidence["intervals"]
    assert told["coverage"] == 0.9
    assert told["rows"] == run.evidence["split"]["valid"]
    assert told["held_out"]["rows"] == run.evidence["split"]["test"]
    assert told["held_out"]["low"] <= told["held_out"]["covered"] <= told["held_out"]["high"]
    assert told["held_out"]["covered"] == pytest.approx(0.9, abs=0.1)
    page = (run.path / "report.html").read_text("utf-8")
    assert "How far off it is" in page
    assert f"{100 * told['held_out']['covered']:.1f} % do" in page
    assert all(one["ok"] for one in run.evidence["certificates"])


def test_predict_writes_both_bounds(run: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(run).head(3).write_csv(tmp_path / "rows.csv")
    assert main(["predict", str(run.path / "packages" / "onnx"), str(tmp_path / "rows.csv")]) == 0
    assert capsys.readouterr().out.startswith("row_id,prediction,lower,upper,warnings\n")


def test_every_route_of_a_server_that_can_says_them(run: hl.Run) -> None:
    row = rows(run).row(0, named=True)
    expected = run.predict(rows(run).head(1)).intervals
    assert expected is not None
    lower, upper = expected[0]
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [value]} for name, value in row.items()]
    with serving(run.path / "packages" / "onnx") as server, httpx.Client(base_url=server.url) as client:
        plain = client.post("/predict", json={"rows": [row]}).json()["predictions"][0]
        invoked = client.post("/invocations", json={"dataframe_records": [row]}).json()
        asked = client.post("/v2/models/told/infer", json={"inputs": tensors}).json()["outputs"]
        named = {"inputs": tensors, "outputs": [{"name": "upper"}]}
        alone = client.post("/v2/models/told/infer", json=named).json()["outputs"]
        stream = pl.DataFrame([row]).write_ipc_stream(None).getvalue()
        arrow = {"content-type": "application/vnd.apache.arrow.stream"}
        answer = client.post("/predict", content=stream, headers=arrow | {"accept": arrow["content-type"]})
        described = client.get("/v2/models/told").json()["outputs"]
    framed = pl.read_ipc_stream(answer.content)
    close = pytest.approx([lower, upper], rel=1e-5)
    assert [plain["lower"], plain["upper"]] == close
    assert [invoked["lower"][0], invoked["upper"][0]] == close
    assert [output["data"][0] for output in asked[1:]] == close
    assert [output["name"] for output in alone] == ["upper"]
    assert framed.select("lower", "upper").row(0) == close
    assert [output["name"] for output in described] == ["prediction", "lower", "upper"]


def test_too_few_validation_rows_are_an_error_before_training() -> None:
    with pytest.raises(hl.errors.DataError, match="need at least 999 validation rows, and there are 133"):
        hl.run(**CONFIG | {"intervals": {"coverage": 0.999}, "deployer": None})


def test_an_update_measures_them_again() -> None:
    rng = np.random.default_rng(0)

    def table(noise: float) -> pl.DataFrame:
        x = rng.normal(size=(400, 2))
        return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + noise * rng.normal(size=400)})

    config = {"target": "y", "trainer": "sgd_regressor", "packager": ["skops"], "name": "wider"}
    hl.run(**CONFIG | config | {"source": table(0.5)})
    hl.update("wider", table(2.0))
    before, after = (hl.load(f"wider:{version}").predictor.intervals for version in (1, 2))
    assert after.rows == 400
    assert after.half_width > 2 * before.half_width
