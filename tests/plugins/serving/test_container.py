"""The context that an image is built from: what it says, and that its command answers."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import httpx
import pytest

import hookline as hl
from hookline.errors import ConfigError
from kit.places import at
from kit.processes import HOOKLINE, free_port, listening_at

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
    told = dict(instructions(package))
    assert told["USER"] == "model"
    assert [name for name, _ in instructions(package)].index("USER") > [
        name for name, _ in instructions(package)
    ].index("COPY")
    assert "/ready" in told["HEALTHCHECK"]
    assert told["FROM"] == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    lines = (package / "container" / "requirements.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+", line) for line in lines), lines
    names = {line.partition("==")[0] for line in lines}
    assert {"hookline", "onnxruntime", "uvicorn", "starlette", "prometheus-client"} <= names
    assert not {"torch", "scikit-learn", "ray", "pytest"} & names


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
