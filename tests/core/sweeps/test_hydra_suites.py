"""Our launcher and sweeper pass Hydra's own suites, unmodified."""

from __future__ import annotations

from typing import Any

import cloudpickle
import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, IntegrationTestSuite, LauncherTestSuite

from hookline.sweeps.workers.pickling import pickled

pytestmark = pytest.mark.usefixtures("fresh_hydra")
PACKAGE = "hydra_plugins.hookline_sweep"


def test_hydra_finds_both() -> None:
    assert f"{PACKAGE}.HooklineLauncher" in {_name(cls) for cls in Plugins.instance().discover(Launcher)}
    assert f"{PACKAGE}.HooklineSweeper" in {_name(cls) for cls in Plugins.instance().discover(Sweeper)}


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__name__}"


def test_what_goes_to_a_worker_keeps_the_file_that_it_is_from() -> None:
    def inner() -> None: ...

    assert cloudpickle.loads(pickled(inner)).__code__.co_filename == __file__


@pytest.mark.parametrize(("launcher_name", "overrides"), [("hookline", []), ("hookline", ["hydra/sweeper=hookline"])])
class TestLauncher(LauncherTestSuite):
    """Hydra's own tests of launchers."""


@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("hookline", ["hydra/sweeper=hookline", "hydra.sweeper.max_batch_size=2"])]
)
class TestBatches(BatchedSweeperTestSuite):
    """Hydra's own tests of sweepers in batches."""


@pytest.mark.long
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"),
    [({}, ["-m", "hydra/launcher=hookline", "hydra/sweeper=hookline"])],
)
class TestIntegration(IntegrationTestSuite):
    """Hydra's own tests of whole applications."""
