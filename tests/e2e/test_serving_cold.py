"""What a server of an ONNX package imports until it has answered: no more than that takes."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import httpx
import pytest

from kit.places import at
from kit.processes import heard, started
from kit.serving import ROW, train_churn

COLD = """
import atexit, sys
from hookline.cli import main
tell = lambda: sys.stderr.write("loaded: " + " ".join(sorted({name.partition(".")[0] for name in sys.modules})) + "\\n")
atexit.register(tell)
sys.exit(main())
"""
TRAINERS = {
    "sklearn",
    "torch",
    "hydra",
    "omegaconf",
    "scipy",
    "pandas",
    "skl2onnx",
    "mlflow",
    "lightning",
    "ray",
    "whylogs",
}


@pytest.fixture(scope="module")
def package(home: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(home))
        return train_churn()


def loaded(package: Path, home: Path, *options: str) -> set[str]:
    """Serve a package's folder until the first answer, and return what the process that was started had imported then."""
    command = [sys.executable, "-c", COLD, "serve", str(package), "--port", "0", *options]
    with started(command, env=at(home)) as process:
        url = re.findall(r"answers at (http://\S+)", heard(process, "answers at "))[-1]
        assert httpx.post(f"{url}/predict", json=ROW).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        (told,) = re.findall(r"^loaded: (.+)$", process.stderr.read(), re.MULTILINE)
    return set(told.split())


def test_a_package_alone_is_served_without_what_trains_a_database_and_data_frames(package: Path, home: Path) -> None:
    found = loaded(package, home)
    assert "onnxruntime" in found
    assert found & (TRAINERS | {"sqlalchemy", "polars"}) == set()


def test_the_process_that_starts_workers_loads_no_model(package: Path, home: Path) -> None:
    found = loaded(package, home, "--workers", "2", "--no-log")
    assert "hookline" in found
    assert found & (TRAINERS | {"sqlalchemy", "onnx", "onnxruntime", "numpy", "polars", "uvicorn"}) == set()
