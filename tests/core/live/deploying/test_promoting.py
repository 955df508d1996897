"""Putting a version in charge by hand, and putting one back."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import hookline as hl
import hookline.live.deploying.promoting as promoting
from hookline.errors import StoreError, UnknownName, UsageError
from hookline.packages.manifest import verify
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.processes.owners import person
from hookline.workspace.workspace import open_workspace
from kit.shops import BOTH, Versions


def test_a_promotion_keeps_the_deployer_with_its_fields() -> None:
    for depth in (1, 2):
        hl.run("source=iris", "trainer=decision_tree", f"trainer.max_depth={depth}", "packager=[skops]", "name=flowers")
    catalog = open_workspace().catalog
    rollout = replace(hl.Deployment.single("flowers", 1, "canary"), fields={"steps": [0.1, 0.5]})
    catalog.deployments.record(rollout, "a rollout of somebody's own deployer")
    hl.promote("flowers:2")
    current = catalog.deployments.current("flowers")
    assert current is not None
    assert (current.version, current.deployer, current.fields) == (2, "canary", {"steps": [0.1, 0.5]})


@BOTH
def test_a_promotion_of_the_model_alone_ends_its_rollout_in_favor_of_the_new_version(versions: Versions) -> None:
    catalog = versions(2).catalog
    catalog.deployments.record(hl.Deployment.single("shop", 1, "local"), "first")
    routes = (hl.Route(1, 0.9), hl.Route(2, 0.1, arm="canary"))
    catalog.deployments.record(hl.Deployment("shop", 1, routes, "local", {"champion": 1}), "a rollout")
    made = hl.promote("shop")
    assert made is not None
    assert (made.version, made.routes, made.who) == (2, (hl.Route(2, 1.0),), person())
    assert catalog.models.aliases("shop") == {"champion": 2}
    with pytest.raises(
        UsageError, match="say which version of 'shop' to promote: no rollout is going on, and v2 answers"
    ) as error:
        hl.promote("shop")
    assert error.value.hint == "hookline deploy promote shop:1"


def test_a_promotion_asks_which_of_several_new_versions_is_meant(versions: Versions) -> None:
    catalog = versions(3).catalog
    routes = tuple(hl.Route(version, 1.0, arm=arm) for version, arm in ((1, "A"), (2, "B"), (3, "C")))
    catalog.deployments.record(hl.Deployment("shop", 1, routes, "local"), "three arms")
    with pytest.raises(UsageError, match="may end with v2 or v3") as error:
        hl.promote("shop")
    assert error.value.hint == "hookline deploy promote shop:2"
    made = hl.promote("shop:3")
    assert made is not None
    assert made.version == 3


def test_after_a_switch_to_the_new_version_the_old_one_is_not_promoted(versions: Versions) -> None:
    catalog = versions(2).catalog
    switched = hl.Deployment("shop", 2, (hl.Route(2, 1.0), hl.Route(1, 0.0, arm="previous")), "local")
    catalog.deployments.record(switched, "everything goes from v1 to v2")
    with pytest.raises(UsageError, match="to promote: v2 answers everything, v1 stands by") as error:
        hl.promote("shop")
    assert error.value.hint == "for the one in charge alone: hookline deploy promote shop:2"
    current = catalog.deployments.current("shop")
    assert current is not None
    assert current.version == 2


def canary(catalog: Catalog, old: int, new: int) -> hl.Deployment:
    """Begin a rollout, and return how a controller takes it back."""
    routes = (hl.Route(old, 0.9), hl.Route(new, 0.1, arm="canary"))
    catalog.deployments.record(hl.Deployment("shop", old, routes, "local"), "a rollout")
    return replace(hl.Deployment.single("shop", old, "local"), step=1, who="controller@here")


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (hl.Deployment.single("shop", 1, "local"), "no rollout is going on, and v1 answers everything"),
        (
            hl.Deployment("shop", 1, (hl.Route(1, 0.9), hl.Route(3, 0.1, arm="canary")), "local"),
            "the rollout of 'shop' is one of v3 by now",
        ),
    ],
)
def test_a_rollout_that_ends_while_its_package_is_read_is_not_promoted(
    versions: Versions, monkeypatch: pytest.MonkeyPatch, meanwhile: hl.Deployment, words: str
) -> None:
    catalog = versions(3).catalog
    hl.promote("shop:1")
    canary(catalog, 1, 2)

    def slowly(folder: Path) -> object:
        catalog.deployments.record(meanwhile, "2 % of its requests failed")
        return verify(folder)

    monkeypatch.setattr(promoting, "verify", slowly)
    with pytest.raises(UsageError, match=words):
        hl.promote("shop")
    current = catalog.deployments.current("shop")
    assert current is not None
    assert (current.version, current.routes) == (1, meanwhile.routes)


def test_a_rollout_that_was_taken_back_a_moment_before_is_not_rolled_back_further(versions: Versions) -> None:
    catalog = versions(3).catalog
    hl.promote("shop:1")
    hl.promote("shop:2")
    catalog.deployments.record(canary(catalog, 2, 3), "2 % of its requests failed")
    with pytest.raises(UsageError, match="the rollout was taken back already: v2 answers everything") as error:
        hl.rollback("shop")
    assert error.value.hint == "to go back further: hookline deploy rollback shop --to 1"
    assert hl.rollback("shop", 1).version == 1


def test_a_rollout_of_the_first_version_that_was_taken_back_has_nothing_before_it(versions: Versions) -> None:
    catalog = versions(2).catalog
    catalog.deployments.record(canary(catalog, 1, 2), "2 % of its requests failed")
    with pytest.raises(UsageError, match="taken back already: v1") as error:
        hl.rollback("shop")
    assert error.value.hint == "hookline models log shop"


@BOTH
def test_a_roll_back_puts_back_what_was_in_force_and_says_so(versions: Versions) -> None:
    workspace = versions(3)
    for version in (1, 2, 3):
        hl.promote(f"shop:{version}")
    back = hl.rollback("shop", reason="too many complaints")
    assert (back.version, back.reason) == (2, "rolled back by hand, v3 -> v2: too many complaints")
    assert workspace.catalog.models.aliases("shop") == {"champion": 2}
    assert hl.rollback("shop").version == 1
    with pytest.raises(UsageError, match="there is nothing before v1 of 'shop'") as error:
        hl.rollback("shop")
    assert error.value.hint == "hookline deploy promote shop:3"
    assert [policy.version for policy in workspace.catalog.deployments.history("shop")] == [1, 2, 3, 2, 1]


@BOTH
def test_a_roll_back_may_name_the_version(versions: Versions) -> None:
    workspace = versions(3)
    for version in (1, 2, 3):
        hl.promote(f"shop:{version}")
    workspace.catalog.models.set_alias("shop", "stable", 1)
    assert hl.rollback("shop", "stable").version == 1
    assert hl.rollback("shop", 2).version == 2
    with pytest.raises(UsageError, match="v2 of 'shop' answers everything already"):
        hl.rollback("shop", "v2")
    with pytest.raises(UnknownName, match="no version of shop named '9'"):
        hl.rollback("shop", 9)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("verified", "no alias of shop named 'verified'"),
        ("²", "no alias of shop named '²'"),
        ("9" * 30, "no alias of shop named '999"),
        ("v7", "no version of shop named '7'"),
    ],
)
def test_a_roll_back_to_what_there_is_not_names_it_as_it_was_typed(versions: Versions, said: str, words: str) -> None:
    versions(1)
    with pytest.raises(UnknownName, match=words):
        hl.rollback("shop", said)


def test_a_roll_back_may_name_an_alias_that_begins_like_a_version(versions: Versions) -> None:
    catalog = versions(2).catalog
    hl.promote("shop:2")
    catalog.models.set_alias("shop", "verified", 1)
    assert hl.rollback("shop", "verified").version == 1


def test_a_roll_back_that_names_a_version_which_was_never_in_force_makes_a_policy_for_it(versions: Versions) -> None:
    versions(2)
    hl.promote("shop:2")
    assert hl.rollback("shop", 1).routes == (hl.Route(1, 1.0),)


def test_a_version_whose_package_is_gone_is_not_put_back(versions: Versions) -> None:
    workspace = versions(3)
    for version in (1, 2, 3):
        hl.promote(f"shop:{version}")
    shutil.rmtree(workspace.catalog.models.get("shop", 2).path)
    with pytest.raises(StoreError, match="v2 cannot be put back: there is no folder") as error:
        hl.rollback("shop")
    assert error.value.hint == "go back to another: hookline deploy rollback shop --to 3"
    assert workspace.catalog.deployments.history("shop")[0].version == 3


def test_a_version_whose_package_was_cut_short_is_not_put_back(versions: Versions) -> None:
    workspace = versions(2)
    for version in (1, 2):
        hl.promote(f"shop:{version}")
    pipeline = Path(workspace.catalog.models.get("shop", 1).path) / "pipeline.json"
    pipeline.write_text(pipeline.read_text()[:-1])
    with pytest.raises(StoreError, match=r"pipeline\.json is not what the manifest says"):
        hl.rollback("shop")


def test_nothing_is_rolled_back_of_a_model_that_was_never_deployed(versions: Versions) -> None:
    versions(1)
    with pytest.raises(UsageError, match="no version of 'shop' was ever put in charge") as error:
        hl.rollback("shop")
    assert error.value.hint == "hookline deploy apply shop:1"
    with pytest.raises(UnknownName, match="no model named 'shp'"):
        hl.rollback("shp")
    with pytest.raises(UsageError, match="'shop:1' is a version") as error:
        hl.rollback("shop:1")
    assert error.value.hint == "hookline deploy rollback shop"


@BOTH
def test_two_people_who_roll_back_at_once_go_back_one_after_the_other(versions: Versions) -> None:
    workspace = versions(3)
    for version in (1, 2, 3):
        hl.promote(f"shop:{version}")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: hl.rollback("shop", home=workspace.home).version, range(2)))
    assert sorted(found) == [1, 2]
    assert [policy.version for policy in workspace.catalog.deployments.history("shop")[:3]] == [1, 2, 3]


@BOTH
def test_what_a_version_is_called_is_on_record_with_who_said_so_and_why(versions: Versions) -> None:
    catalog = versions(2).catalog
    hl.promote("shop:1", alias="stable", reason="three weeks without an alarm", who="ann")
    hl.promote("shop:2", alias="stable")
    found = [(act.words(), act.reason, act.who) for act in catalog.acts.of("shop")]
    assert found[1] == ("@stable -> v1", "three weeks without an alarm", "ann")
    assert found[0][:2] == ("@stable -> v2, before v1", "")
    assert found[0][2]
