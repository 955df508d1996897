"""The package of a finished run made a version by hand, such as that of a sweep's best job."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import UsageError
from hookline.live.registering import register
from hookline.sweeps.ledger import Ledger
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told
from kit.places import own_home

QUICK = ("source=iris", "trainer=decision_tree", "packager=[skops]")


def test_a_run_is_registered_once_and_the_line_that_promotes_it_works(hookline: Told) -> None:
    run = hl.run(*QUICK, "~deployer")
    code, out, err = hookline("models", "register", "last")
    assert (code, out) == (0, "iris:1\n")
    line = err.strip().partition("To put it in charge: hookline ")[2]
    assert open_workspace().catalog.deployments.current("iris") is None
    assert hookline(*line.split())[0] == 0
    again = register(run)
    assert (again.version, again.is_new) == (1, False)
    record = open_workspace().catalog.models.get("iris", 1)
    assert record.run_id == run.id
    assert record.metrics == run.metrics


def test_a_run_that_its_deployer_registers_afterwards_is_the_same_version() -> None:
    hl.run(*QUICK, "~deployer")
    register("last")
    run = hl.run(*QUICK)
    assert run.evidence["deployment"]["version"] == 1
    assert len(open_workspace().catalog.models.versions("iris")) == 1


def test_the_best_of_a_sweep_is_registered_by_its_folder(hookline: Told) -> None:
    code, _, err = hookline("-m", *QUICK, "trainer.max_depth=1,3", "hydra.launcher.n_jobs=1")
    assert code == 0, err
    ledger = Ledger(open_workspace().catalog)
    best = ledger.jobs(ledger.sweep("last").id)[1]
    code, out, _ = hookline("models", "register", best.path, "--json")
    assert code == 0
    assert json.loads(out)["version"] == 1
    assert open_workspace().catalog.models.get("iris", 1).run_id == best.run_id


def test_a_lost_or_damaged_copy_is_made_again() -> None:
    run = hl.run(*QUICK)
    path = Path(open_workspace().catalog.models.get("iris", 1).path)
    (path / "profile.json").write_text("{}", "utf-8")
    assert register(run).version == 1
    assert hl.load("iris:1").manifest["name"] == "iris"
    shutil.rmtree(path)
    assert register(run).version == 1
    assert path.is_dir()
    assert not list((own_home() / "store" / "tmp").iterdir())


def test_what_is_no_finished_run_with_a_package_is_told() -> None:
    hl.run("source=iris", "trainer=decision_tree", "packager=[]", "~deployer")
    with pytest.raises(UsageError, match="has no package"):
        register("last")
    with pytest.raises(hl.errors.GateFailed):
        hl.run(*QUICK, "~deployer", "gates.accuracy=1.1")
    with pytest.raises(UsageError, match="is gated, and only a finished one"):
        register("last")


def test_every_policy_that_a_model_had_is_listed_with_its_reason(hookline: Told) -> None:
    hl.run(*QUICK)
    hl.run(*QUICK, "trainer.max_depth=1", "~deployer")
    register("last")
    assert hookline("models", "promote", "iris:2", "--reason", "to see how it does")[0] == 0
    code, out, _ = hookline("models", "history", "iris", "--json")
    assert code == 0
    assert [(one["version"], one["reason"][:10]) for one in json.loads(out)] == [
        (2, "to see how"),
        (1, "run 202611"[:10]),
    ]
    code, out, _ = hookline("models", "history", "iris")
    assert "champion -> 2" in out
    assert hookline("models", "history", "irys")[0] == 2
