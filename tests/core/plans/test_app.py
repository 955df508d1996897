"""What becomes of the errors of jobs that Hydra runs, and of flags that Hydra alone acts on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf.errors import ConfigKeyError
from yaml import YAMLError

from hookline.errors import ConfigError, UsageError
from hookline.plans.hydra.app import run_app
from hookline.registry.registry import Registry

ERRORS = [
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "on purpose"),
    YAMLError("on purpose"),
    ConfigKeyError("on purpose"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_of_a_job_is_raised_as_it_is(registry: Registry, error: Exception) -> None:
    def task(config: dict[str, Any], folder: Path) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_app(registry, ["seed=1"], task)
    assert caught.value is error
    assert "task" in [entry.name for entry in caught.traceback]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_of_a_job_of_somebody_elses_launcher_is_raised_as_it_is(registry: Registry, error: Exception) -> None:
    def task(config: dict[str, Any], folder: Path) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_app(registry, ["-m", "hydra/launcher=basic", "hydra/sweeper=basic", "seed=1"], task)
    assert caught.value is error


def test_a_config_that_is_not_yaml_is_told_in_our_words(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text("seed: [1\n")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        run_app(registry, ["--config-dir", str(tmp_path), "experiment=own"], lambda *_: None)


def test_a_flag_that_nothing_reads_is_refused(registry: Registry, tmp_path: Path) -> None:
    ran: list[int] = []

    def task(config: dict[str, Any], folder: Path) -> None:
        ran.append(config["seed"])

    with pytest.raises(UsageError, match="--experimental-rerun"):
        run_app(registry, ["--experimental-rerun", str(tmp_path / "config.txt")], task)
    assert ran == []
