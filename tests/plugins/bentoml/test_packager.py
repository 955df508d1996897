"""Models as BentoML takes them: what answers without hookline, and BentoML's own server and build."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import hookline as hl
from hookline.errors import ConfigError, StoreError
from kit.processes import free_port, listening_at, run_python

ROWS = [
    {"sepal_length_cm": 6.1, "sepal_width_cm": 2.8, "petal_length_cm": 4.7, "petal_width_cm": 1.2},
    {"sepal_length_cm": 5.0, "sepal_width_cm": 3.4, "petal_length_cm": 1.5, "petal_width_cm": 0.2},
]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in ONNX inside a folder of BentoML's."""
    run = hl.run(
        *("source=iris", "trainer=logistic_regression", "packager=[bentoml]", "packager.bentoml.holds=onnx"),
        *("monitor=[]", "~deployer"),
        home=tmp_path_factory.mktemp("bentoml") / "home",
    )
    return run.package()


def expected(package: Path) -> list[dict[str, object]]:
    answers = hl.load(package).predict(ROWS).frame().drop("row_id").to_dicts()
    return [
        {name: pytest.approx(v, abs=1e-6) if isinstance(v, float) else v for name, v in one.items()} for one in answers
    ]


ALONE = """
import json, sys
from pathlib import Path
sys.modules["hookline"] = None
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import pandas as pd
from hookline_onnx_answers import Answers
print(json.dumps(Answers(folder / "model").predict(pd.DataFrame(json.load(sys.stdin))).to_dict(orient="records")))
"""


def test_what_travels_answers_alike_without_hookline(package: Path) -> None:
    told = run_python(ALONE, package / "bento", input=json.dumps(ROWS)).stdout
    assert json.loads(told) == expected(package)


def test_what_python_compiled_there_makes_it_no_other_package_and_any_other_file_does(
    package: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(package, copy)
    compiled = copy / "bento" / "__pycache__"
    compiled.mkdir(exist_ok=True)
    (compiled / "service.cpython-311.pyc").write_bytes(b"compiled")
    assert hl.load(copy).predict(ROWS).values.tolist() == hl.load(package).predict(ROWS).values.tolist()
    (compiled / "service.py").write_text("", "utf-8")
    with pytest.raises(StoreError, match="does not list"):
        hl.load(copy)


def test_a_bento_of_it_holds_all_that_the_service_reads_and_locks_what_it_needs(package: Path) -> None:
    folder = package / "bento"
    facts = json.loads((folder / "bentofile.yaml").read_text("utf-8"))
    held = {path.relative_to(folder).as_posix() for pattern in facts["include"] for path in folder.glob(pattern)}
    assert held >= {"service.py", "hookline_onnx_answers.py", "model/model.onnx", "model/answers.json"}
    compile((folder / "service.py").read_text("utf-8"), "service.py", "exec")
    lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    assert [line.partition("=")[0].rstrip(">") for line in lines] == ["bentoml", "numpy", "onnxruntime", "pandas"]


def test_a_format_that_needs_hookline_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="needs hookline to answer"):
        hl.run("source=iris", "packager=[bentoml]", "packager.bentoml.holds=skops")


@pytest.fixture(scope="module")
def environment(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of what the package says, and nothing else: hookline is not in it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    # A later one wants what not every index has.
    wanted = ["-r", str(package / "bento" / "requirements.txt"), "bentoml!=1.4.40"]
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *wanted], check=True)
    return folder


@pytest.mark.long
def test_bentoml_builds_and_serves_it(package: Path, environment: Path, tmp_path: Path) -> None:
    port = free_port()
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "BENTOML_HOME": str(tmp_path), "BENTOML_DO_NOT_TRACK": "True"}
    bentoml, folder = str(environment / "bin" / "bentoml"), str(package / "bento")
    subprocess.run([bentoml, "build", folder], env=variables, check=True)
    command = [bentoml, "serve", folder, "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with listening_at(command, f"{url}/readyz", env=variables):
        found = httpx.post(f"{url}/predict", json={"rows": ROWS}, timeout=60)
    assert found.json() == expected(package)
