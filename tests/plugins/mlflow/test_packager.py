"""Models as MLflow takes them: loaded without hookline, and served by MLflow's own server."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, UntrustedPackage
from hookline_mlflow.answering import _load_pyfunc
from kit.own_code import project_at
from kit.processes import free_port, listening_at, run_python

ROWS = 240


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Numbers, texts, booleans and dates, some of each missing."""
    count = range(ROWS)
    return pl.DataFrame(
        {
            "size": [None if i % 11 == 0 else (i * 7 % 50) / 3 for i in count],
            "kind": [None if i % 13 == 0 else ["été", "zoo", 'a"b'][i % 3] for i in count],
            "new": [i % 4 == 0 for i in count],
            "day": [None if i % 17 == 0 else f"20{10 + i % 9}-0{1 + i % 9}-1{i % 10} 03:04:05" for i in count],
            "bought": ["yes" if (i * 7 % 50) / 3 + (i % 3) * 4 > 10 else "no" for i in count],
        }
    ).with_columns(pl.col("day").str.to_datetime())


@pytest.fixture(scope="module")
def package(table: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in ONNX inside an MLflow folder."""
    run = hl.run(
        source=table,
        roles={"target": "bought"},
        trainer="hist_gradient_boosting",
        packager=[{"component": "mlflow", "holds": "onnx"}],
        monitor=[],
        home=tmp_path_factory.mktemp("mlflow") / "home",
    )
    return run.package()


ALONE = """
import json, sys
sys.modules["hookline"] = None
import pandas as pd
from mlflow import pyfunc
model = pyfunc.load_model(sys.argv[1])
rows = pd.read_json(sys.stdin, orient="records", dtype={"new": bool}, convert_dates=["day"])
rows["size"] = rows["size"].astype(float)
answers = model.predict(rows)
print(json.dumps(answers.to_dict(orient="records")))
print(json.dumps(list(model.input_example.columns)))
"""


def test_it_answers_alike_in_a_process_without_hookline(package: Path, table: pl.DataFrame) -> None:
    rows = table.drop("bought")
    given = rows.with_columns(pl.col("day").dt.to_string("iso")).write_json()
    told = run_python(ALONE, package / "mlflow", input=given).stdout.splitlines()
    answers = json.loads(told[0])
    expected = hl.load(package).predict(rows)
    assert [one["prediction"] for one in answers] == expected.values.tolist()
    shares = [[one["probability_no"], one["probability_yes"]] for one in answers]
    assert shares == pytest.approx(expected.probabilities, abs=1e-6)
    assert json.loads(told[1]) == ["size", "kind", "new", "day"]


def test_around_a_program_of_pytorch_it_answers_alike_in_a_process_without_hookline(
    table: pl.DataFrame, tmp_path: Path
) -> None:
    run = hl.run(
        source=table,
        roles={"target": "bought"},
        trainer={"component": "random_forest", "n_estimators": 5},
        packager=[{"component": "mlflow", "holds": "torch_export"}],
        monitor=[],
        deployer=None,
        home=tmp_path / "home",
    )
    rows = table.drop("bought")
    given = rows.with_columns(pl.col("day").dt.to_string("iso")).write_json()
    told = run_python(ALONE, run.package() / "mlflow", input=given).stdout.splitlines()
    expected = hl.load(run.package(), trust=hl.Trust(pickle=True)).predict(rows)
    assert [one["prediction"] for one in json.loads(told[0])] == expected.values.tolist()


@pytest.fixture(scope="module")
def server(package: Path) -> Iterator[str]:
    """MLflow's own server of the package."""
    port = free_port()
    words = [
        "models",
        "serve",
        "-m",
        str(package / "mlflow"),
        "--env-manager",
        "local",
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
    ]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    url = f"http://127.0.0.1:{port}"
    with listening_at([sys.executable, "-m", "mlflow", *words], f"{url}/ping", env=environment):
        yield url


def test_mlflow_serves_it(server: str, package: Path, table: pl.DataFrame) -> None:
    rows = table.drop("bought").head(40)
    texts = rows.with_columns(pl.col("day").dt.to_string("iso")).to_dicts()
    found = httpx.post(f"{server}/invocations", json={"dataframe_records": texts}, timeout=60)
    assert found.status_code == 200, found.text
    answers = found.json()["predictions"]
    expected = hl.load(package).predict(rows)
    assert [one["prediction"] for one in answers] == expected.values.tolist()
    assert [one["probability_yes"] for one in answers] == pytest.approx(expected.probabilities[:, 1], abs=1e-6)
    lacking = httpx.post(f"{server}/invocations", json={"dataframe_records": [{"size": 1.0}]}, timeout=60)
    assert (lacking.status_code, "missing inputs" in lacking.text) == (400, True)


def test_numbers_and_models_of_other_formats(tmp_path: Path) -> None:
    run = hl.run(
        "source=diabetes",
        "trainer=ridge",
        "packager=[mlflow]",
        "packager.mlflow.holds=skops",
        "monitor=[]",
        "~deployer",
    )
    folder = run.package() / "mlflow"
    code = (
        "import sys, pandas as pd; from mlflow import pyfunc;"
        "rows = pd.read_json(sys.stdin, orient='records', dtype=float);"
        "print(pyfunc.load_model(sys.argv[1]).predict(rows).prediction.tolist())"
    )
    rows = pl.read_ipc(next((run.path.parents[1] / "store").glob("*/*/test.arrow"))).head(5)
    rows = rows.select(hl.load(run.package()).schema.names)
    told = run_python(code, folder, input=rows.write_json()).stdout
    assert json.loads(told.splitlines()[-1]) == pytest.approx(hl.load(run.package()).predict(rows).values)
    assert any(line.startswith("hookline==") for line in (folder / "requirements.txt").read_text().splitlines())


def test_what_is_inside_decides_what_may_be_loaded(tmp_path: Path) -> None:
    run = hl.run(
        "source=iris",
        "trainer=decision_tree",
        "packager=[mlflow]",
        "packager.mlflow.holds=pickle",
        "monitor=[]",
        "~deployer",
    )
    with pytest.raises(UntrustedPackage, match="is a pickle"):
        hl.load(run.package())
    code = "import sys; from mlflow import pyfunc; pyfunc.load_model(sys.argv[1])"
    refused = run_python(code, run.package() / "mlflow", check=False)
    assert "is a pickle, which can run any code" in refused.stderr
    environment = {**os.environ, "HOOKLINE_ALLOW_PICKLE": "1"}
    allowed = run_python(code, run.package() / "mlflow", env=environment, check=False)
    assert allowed.returncode == 0, allowed.stderr


def test_code_of_a_project_goes_where_mlflow_copies_it_and_runs_only_where_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, home = project_at(tmp_path, "mlflow_shop"), tmp_path / "home"
    project.make(2.0, home, shop={"trainer": "cut", "packager": [{"component": "mlflow", "holds": "pickle"}]})
    package = next((home / "models" / "shop").iterdir())
    assert json.loads((package / "manifest.json").read_text())["code"]["folder"] == "mlflow/model/own_code"
    moved = shutil.copytree(package / "mlflow" / "model", tmp_path / "moved")
    with pytest.raises(UntrustedPackage, match="brings its own, which is run only where it is trusted"):
        _load_pyfunc(str(moved))
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
    golden = json.loads((package / "golden.json").read_text())
    answers = _load_pyfunc(str(moved)).predict(pd.DataFrame([one["row"] for one in golden]))
    assert answers["prediction"].tolist() == [one["prediction"] for one in golden]
    assert answers["probability_a"].tolist() == [one["probabilities"]["a"] for one in golden]


def test_code_of_a_project_that_is_other_where_mlflow_loads_it_is_no_substitute(tmp_path: Path) -> None:
    project, home = project_at(tmp_path, "mlflow_other"), tmp_path / "home"
    held = {"component": "mlflow", "holds": "skops"}
    project.make(2.0, home, shop={"trainer": "decision_tree", "packager": [held]})
    model = next((home / "models" / "shop").iterdir()) / "mlflow" / "model"
    with project.here(home):
        assert _load_pyfunc(str(model)).predict(pd.DataFrame({"x": [1.5]}))["prediction"].tolist() == ["a"]
    project.says(-3.0)
    with project.here(home), pytest.raises(UntrustedPackage, match="made with other code of mlflow_other.parts"):
        _load_pyfunc(str(model))


def test_one_inside_another_is_refused_before_anything_runs() -> None:
    inner = {"component": "mlflow", "holds": "onnx"}
    with pytest.raises(ConfigError, match="holds a model of another format"):
        hl.run(source="iris", packager=[{"component": "mlflow", "holds": inner}])
    with pytest.raises(ConfigError, match="holds"):
        hl.run(source="iris", packager=["mlflow"])
