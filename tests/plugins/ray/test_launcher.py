"""`hydra/launcher=ray`: real sweeps on a Ray of this machine, whose workers die, hang, refuse and are resumed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
import ray
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite

from hookline.cli import main
from hookline.errors import UsageError
from hookline.registry.registry import load_registry
from hookline.sweeps.hydra.launcher import kept_launcher
from hookline.sweeps.job import CHECK, check_machine
from hookline.sweeps.ledger import Ledger
from hookline.sweeps.workers.interfaces import Limits, Outcome
from hookline.version import install_line
from hookline.workspace.catalog.sql.engine import WAIT_SECONDS
from hookline.workspace.workspace import open_workspace
from hookline_optuna.storage import catalog_storage
from hookline_ray.cluster import Cluster
from hookline_ray.pool import RayPool
from kit.processes import HOOKLINE, heard, run_hookline, run_python, started
from kit.workers import DYING, JOBS

ON_RAY = ("-m", "hydra/launcher=ray")
pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The module of jobs, in a folder that workers look for modules in as this process does."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "jobs_on_ray.py").write_text(JOBS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield "jobs_on_ray:act"


@pytest.fixture(scope="module")
def running(function: str) -> Iterator[None]:
    """A Ray that the sweeps of this module share; its GPU is only said to be there."""
    folder = Path(tempfile.mkdtemp(prefix="hl-", dir="/tmp"))
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    told: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    ray.init("local", num_cpus=2, num_gpus=1, _temp_dir=str(folder), object_store_memory=2**27, **told)
    yield
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a component of its own, which workers find by the folder that they are given."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["dying_on_ray"]\n')
    (folder / "dying_on_ray.py").write_text(DYING)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "dying_on_ray", raising=False)
    monkeypatch.chdir(folder)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for temporary files with a name that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def run(function: str, payloads: list[object], setup: Any = None, check: str = "", **options: Any) -> list[Outcome]:
    """Run payloads in two workers of the Ray that is there."""
    limits = Limits(**options)
    cluster = Cluster(None, {}, limits.cores, 0, 2)
    pool = RayPool(function, setup, cluster, limits, len(payloads), check)
    return sorted(pool.run(list(enumerate(payloads))), key=lambda outcome: outcome.job)


def statuses() -> list[str]:
    """Return what became of each job of the last sweep."""
    ledger = Ledger(open_workspace().catalog)
    return [job.status for job in ledger.jobs(ledger.sweep("last").id)]


def left_by(folder: Path) -> list[str]:
    """Return the command lines of processes that name a folder, once they had the time to end."""
    for _ in range(50):
        found = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
        left = [line for line in found if str(folder) in line]
        if not left:
            break
        time.sleep(0.1)
    return left


@pytest.mark.usefixtures("running")
def test_workers_are_reused_and_one_that_dies_is_named_and_takes_nobody_with_it(function: str) -> None:
    dying = [("raise", "mine"), ("exit", 3), ("segfault", 0), ("kill", 0), ("kill the worker", 0)]
    outcomes = run(function, [("echo", 0), *dying, *(("echo", number) for number in range(6, 10))], "setup")
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "failed", *["crashed"] * 3, *["done"] * 4]
    told = [outcome.error or "" for outcome in outcomes[1:6]]
    for word, text in zip(("ValueError: mine", "sys.exit(3)", "SIGSEGV", "SIGKILL", "died"), told, strict=True):
        assert word in text
    echoes = [outcome for outcome in outcomes if outcome.ok]
    assert [outcome.value[:2] for outcome in echoes] == [("setup", number) for number in (0, 6, 7, 8, 9)]
    assert len({outcome.value[2] for outcome in echoes}) < 5
    assert all(outcome.peak_memory > 0 for outcome in echoes)


@pytest.mark.usefixtures("running")
def test_limits_hold_and_what_died_is_tried_again(function: str, tmp_path: Path) -> None:
    payloads = [("sleep", 60), ("eat", 400 * 1024**2), ("once", str(tmp_path / "tried")), ("echo", 0)]
    outcomes = run(function, payloads, timeout=5, memory=200 * 1024**2, retries=1)
    assert [outcome.status for outcome in outcomes] == ["timed out", "out of memory", "done", "done"]
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 2, 1]


@pytest.mark.usefixtures("running")
def test_a_worker_has_the_cores_and_the_gpus_that_it_leased(function: str) -> None:
    pool = RayPool(function, None, Cluster(None, {}, 2, 1, None), Limits(cores=2), 1)
    (outcome,) = pool.run([(0, ("leased", None))])
    assert outcome.value == ["2", "0"]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("setup", "told"),
    [
        ({"signature": (("ghost", "ghost", "1"),)}, "ghost"),
        ({"sweep": "/nowhere/sweep"}, "does not see /nowhere/sweep"),
    ],
)
def test_a_machine_that_differs_is_refused(function: str, setup: dict[str, Any], told: str, tmp_path: Path) -> None:
    same = {"host": os.uname().nodename, "sweep": str(tmp_path), "signature": load_registry().plugins.signature()}
    with pytest.raises(UsageError, match=told):
        run(function, [("echo", 0)], same | setup, CHECK)


def test_machines_do_not_share_a_catalog_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = {"host": "another", "sweep": str(tmp_path), "signature": load_registry().plugins.signature()}
    with pytest.raises(UsageError, match="SQLite"):
        check_machine(setup)
    monkeypatch.setenv("HOOKLINE_CATALOG", "postgresql+psycopg://host/hookline")
    check_machine(setup)


@pytest.mark.usefixtures("running", "project")
def test_a_sweep_stops_where_told_and_is_resumed_on_ray_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = [*ON_RAY, "source=iris", "trainer=dying", "trainer.how=raise,well,segfault", "on_error=stop"]
    assert main([*sweep, "hydra.launcher.n_jobs=1", "hydra.launcher.timeout=200", "packager=[]", "monitor=[]"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "ValueError: on purpose, on Ray" in err
    assert "hookline resume" in err
    assert statuses() == ["failed", "pending", "pending"]
    kept = kept_launcher(Ledger(open_workspace().catalog).sweep("last").settings)
    assert (kept.option, kept.workers, kept.limits.timeout) == ("ray", 1, 200)
    assert main(["resume", "last", "--failed"]) == 1
    assert statuses() == ["failed", "finished", "crashed"]
    out, err = capsys.readouterr()
    assert "2 of 3 jobs did not finish" in err
    assert "SIGSEGV" in out
    assert "on Ray" in out


@pytest.mark.usefixtures("running")
def test_nothing_runs_if_one_job_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ON_RAY, "source=iris", "trainer=decision_tree", "trainer.max_depth=1,0,2"]) == 2
    assert "nothing was run" in capsys.readouterr().err
    assert open_workspace().catalog.runs.newest() == []


@pytest.mark.usefixtures("running")
def test_a_search_runs_its_trials_on_ray() -> None:
    search = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=2", "hydra.launcher.n_jobs=1")
    assert (
        main(
            [
                *ON_RAY,
                *search,
                "source=iris",
                "packager=[]",
                "monitor=[]",
                "trainer=logistic_regression",
                "trainer.C=interval(0.1,10)",
            ]
        )
        == 0
    )
    storage = catalog_storage(open_workspace().catalog.database.url, WAIT_SECONDS)
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    assert statuses() == ["finished"] * 3
    assert Ledger(open_workspace().catalog).sweep(name).settings["launcher"]["option"] == "ray"


@pytest.mark.usefixtures("running")
def test_an_address_has_no_effect_where_ray_runs_already(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main([*ON_RAY, "source=iris", "trainer=logistic_regression", "trainer.C=1,2", "hydra.launcher.address=auto"])
        == 2
    )
    assert "Ray runs in this process already" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
@pytest.mark.long
def test_a_ray_of_our_own_ends_with_a_sweep_that_stops(short: Path) -> None:
    sweep = ("source=iris", "trainer=dying", "trainer.how=raise,well", "on_error=stop", "hydra.launcher.n_jobs=1")
    env = os.environ | {"TMPDIR": str(short)}
    marked = "hydra.launcher.runtime_env={env_vars:{MARK:seen}}"
    done = run_hookline(*ON_RAY, *sweep, marked, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ValueError: on purpose, on Ray, mark seen" in done.stderr
    assert left_by(short) == []
    assert list(short.glob("hl-*")) == []


def test_ctrl_c_ends_the_jobs_and_ray_and_the_sweep_can_be_resumed(short: Path, project: None) -> None:
    sweep = ("source=iris", "trainer=dying", "trainer.how=well,hang", "hydra.launcher.n_jobs=1", "packager=[]")
    command, env = [HOOKLINE, *ON_RAY, *sweep], os.environ | {"TMPDIR": str(short)}
    with started(command, env=env, stdout=subprocess.PIPE, start_new_session=True) as process:
        heard(process, "#0")
        time.sleep(0.5)
        # As a terminal does it: to every process of the group at once.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert left_by(short) == []
    assert list(short.glob("hl-*")) == []
    assert statuses() == ["finished", "interrupted"]


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*ON_RAY, "source=iris", "trainer=logistic_regression", "trainer.C=1,2"]) == 2
    assert install_line([("hookline", "ray", "ray")]) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("hydra.launcher.num_gpus=-1", "hydra.launcher.num_gpus: must not be negative"),
        ("hydra.launcher.adress=auto", "did you mean 'address'"),
        ("hydra.launcher.runtime_env.env_var.A=b", "did you mean 'env_vars'"),
        ("hydra.launcher.runtime_env.env_vars.A=1", "hydra.launcher.runtime_env: "),
        ("hydra.launcher.address=127.0.0.1:1", "no Ray cluster can be joined at '127.0.0.1:1'"),
    ],
)
def test_a_wrong_setting_is_named(wrong: str, told: str, tmp_path: Path) -> None:
    # In a process of its own, in which no Ray runs.
    done = run_hookline(*ON_RAY, "trainer=logistic_regression", "trainer.C=1,2", wrong)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_launcher_that_nothing_brings_is_named() -> None:
    with pytest.raises(UsageError, match="no launcher named 'rey'\nhint: did you mean 'ray'"):
        kept_launcher({"launcher": {"option": "rey"}})


def test_hydra_finds_the_launcher_and_nobody_imports_ray_for_it() -> None:
    code = (
        "import sys; from hydra.core.plugins import Plugins; from hydra.plugins.launcher import Launcher\n"
        "print(*[c.__module__ for c in Plugins.instance().discover(Launcher)], 'ray' in sys.modules)"
    )
    done = run_python(code)
    *found, imported = done.stdout.split()
    assert "hydra_plugins.hookline_ray_launch" in found
    assert imported == "False"


@pytest.mark.usefixtures("running", "fresh_hydra")
@pytest.mark.filterwarnings("ignore:Future Hydra versions:UserWarning")
@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("ray", ["hydra/sweeper=hookline", "hydra.sweeper.max_batch_size=2"])]
)
class TestBatches(BatchedSweeperTestSuite):
    """Hydra's own tests of sweepers in batches, with jobs of another application than hookline."""
