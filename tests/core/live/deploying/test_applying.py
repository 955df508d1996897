"""A version planned and put in force by a deployer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import ConfigError, GateFailed, StoreError, UnknownName, UsageError
from hookline.packages.door.files import MANIFEST
from hookline.packages.manifest import read_manifest, seal
from hookline.registry.registry import load_registry
from hookline.workspace.processes.owners import person
from kit.command_line import Told
from kit.rollouts import ROLLOUT
from kit.shops import BOTH, Versions, add_version

KEPT = ("name", "target", "features", "parity", "trainer", "environment", "data", "reading")
"""Facts of a manifest that do not change with what was measured."""


@pytest.fixture
def gradual(project_module: Callable[[str, str], str]) -> str:
    """The name of a deployer of the project's own."""
    project_module("rollout", ROLLOUT)
    return "gradual"


@BOTH
def test_the_first_version_ever_is_put_in_force_and_the_log_says_by_whom_and_why(versions: Versions) -> None:
    catalog = versions(1).catalog
    made = hl.deploy("shop:1", reason="the first one")
    assert (made.version, made.deployer, made.who) == (1, "local", person())
    assert made.reason.startswith("deployed by hand: the first one")
    assert catalog.models.aliases("shop") == {"champion": 1}


@BOTH
def test_a_rollout_begins_with_the_fields_that_are_said(versions: Versions, gradual: str) -> None:
    versions(2)
    hl.deploy("shop:1")
    made = hl.deploy("shop:2", [f"deployer={gradual}", "deployer.share=0.25"])
    assert made.routes == (hl.Route(1, 0.75), hl.Route(2, 0.25, arm="canary"))
    assert (made.deployer, made.fields["share"], made.fields["requests"]) == (gradual, 0.25, 100)
    assert hl.deploy("shop:2", ["deployer.share=0.5"]).fields == {**made.fields, "share": 0.5}


def test_python_takes_a_mapping_or_a_name(versions: Versions, gradual: str) -> None:
    versions(2)
    assert hl.deploy("shop:1", gradual).deployer == gradual
    made = hl.deploy("shop:2", {"component": gradual, "share": 0.3})
    assert made.routes[1].weight == 0.3


def test_what_is_in_force_already_is_recorded_once(versions: Versions) -> None:
    catalog = versions(1).catalog
    hl.deploy("shop:1")
    hl.deploy("shop:1", reason="again")
    assert len(catalog.deployments.history("shop")) == 1


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        (["deployer=lcal"], UnknownName, "did you mean 'local'"),
        (["deployer.promte=always"], ConfigError, "deployer.promte: unknown field; did you mean 'promote'"),
        (["deployer.promote=sometimes"], ConfigError, "deployer.promote: must be"),
        (["trainer=ridge"], UsageError, "only its deployer is said"),
        (["deployer=null"], UsageError, "a version is deployed by a deployer"),
        ({"component": "local", "promote": 3}, ConfigError, "deployer.promote: must be"),
        ("nowhere", UnknownName, "no deployer named 'nowhere'"),
    ],
)
def test_a_wrong_deployer_is_refused_in_the_words_of_a_run(
    versions: Versions, choice: hl.Deployer, error: type[Exception], words: str
) -> None:
    versions(1)
    with pytest.raises(error, match=words):
        hl.plan_deployment("shop:1", choice)


@pytest.mark.parametrize(
    ("said", "words", "hint"),
    [
        ("shop", "say which version of 'shop' is meant", "hookline deploy apply shop:2"),
        ("shop:two", "'two' is no version of 'shop': versions are numbers", "hookline deploy apply shop:2"),
        ("shop:7", "no version of shop named '7'", None),
        ("shop@stable", "no alias of shop named 'stable'", None),
        ("shp:2", "no model named 'shp'", None),
    ],
)
def test_a_version_that_is_not_said_rightly_is_asked_for(
    versions: Versions, said: str, words: str, hint: str | None
) -> None:
    versions(2)
    with pytest.raises(UsageError, match=words) as error:
        hl.deploy(said)
    assert error.value.hint is not None
    assert hint is None or error.value.hint == hint


def test_a_damaged_package_is_not_put_in_force(versions: Versions) -> None:
    workspace = versions(1)
    pipeline = Path(workspace.catalog.models.get("shop", 1).path) / "pipeline.json"
    pipeline.write_text(pipeline.read_text().replace("label", "lapel"))
    with pytest.raises(StoreError, match=r"damaged: pipeline\.json"):
        hl.deploy("shop:1", force=True)
    assert workspace.catalog.deployments.current("shop") is None


def measured(package: Path, accuracy: float) -> Path:
    """Return a copy of a package that says of itself that it was measured so."""
    copy = Path(shutil.copytree(package, package.with_name(f"measured-{accuracy}"), dirs_exist_ok=True))
    manifest = read_manifest(copy)
    packager = load_registry().build("packager", manifest["packager"], {}, "packager")
    assert isinstance(packager, hl.Packager)
    (copy / MANIFEST).unlink()
    metrics = [{"name": "accuracy", "value": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01}]
    seal(copy, packager, {name: manifest[name] for name in KEPT if name in manifest} | {"metrics": metrics})
    return copy


def test_what_speaks_against_a_version_keeps_it_back_unless_it_is_forced(versions: Versions, package: Path) -> None:
    workspace = versions(1)
    add_version(workspace, measured(package, 0.5))
    hl.deploy("shop:1")
    plan = hl.plan_deployment("shop:2", limit=0)
    assert plan.after is None
    assert plan.words() == "deployer 'local' does not take v2: v1 answers everything, as now"
    assert "accuracy is 0.5" in plan.objections[0]
    with pytest.raises(GateFailed, match="deployer 'local' does not take shop:2: accuracy is 0.5") as error:
        hl.deploy("shop:2")
    assert error.value.hint is not None
    assert error.value.hint.endswith("hookline deploy apply shop:2 --force")
    made = hl.deploy("shop:2", force=True, reason="for a test")
    assert made.version == 2
    assert made.reason.startswith("deployed by hand: for a test: although accuracy is 0.5")


def test_a_plan_changes_nothing_and_says_what_would(versions: Versions, gradual: str) -> None:
    catalog = versions(2).catalog
    hl.deploy("shop:1")
    plan = hl.plan_deployment("shop:2", [f"deployer={gradual}"])
    assert plan.is_change
    assert plan.words() == "v1 answers everything  ->  v1 answers 90 %, v2 10 % (canary)"
    assert plan.rows[1] == {"version": 2, "arm": "canary", "now": "", "then": "10 %"}
    assert plan.replay is not None
    assert plan.replay.records == 0
    assert plan.plain()["words"] == plan.words()
    assert len(catalog.deployments.history("shop")) == 1
    assert hl.plan_deployment("shop:1", limit=0).words() == "nothing changes: v1 answers everything"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("promote", "shop:2"), "hookline deploy apply shop:2 deployer=local"),
        (("rollback", "shop"), "hookline deploy apply shop:N deployer=local"),
        (("status", "shop"), "hookline deploy apply shop:N deployer=local"),
        (("export", "shop", "--to", "kserve"), "hookline deploy apply shop:N deployer=local"),
    ],
)
def test_a_deployer_is_said_only_where_it_is_asked(
    versions: Versions, hookline: Told, words: tuple[str, ...], line: str
) -> None:
    catalog = versions(2).catalog
    hl.promote("shop:1")
    code, out, err = hookline("deploy", *words, "deployer=local")
    assert (code, out) == (2, "")
    assert f"`deploy {words[0]}` takes no deployer=local" in err
    assert f"hint: to change the deployer: {line}" in err
    assert len(catalog.deployments.history("shop")) == 1
