"""What is in force, and how each arm does by what servers told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

import hookline as hl
from hookline.errors import UnknownName
from hookline.live.seen import AnswerCounts, ArmCounts, Refusals, worth_of_keys
from hookline.workspace.catalog.labels import LabelRecord
from hookline.workspace.processes.owners import Owner, Watch, host
from hookline.workspace.workspace import Workspace
from kit.command_line import Told
from kit.logs import records_of, write_log
from kit.rollouts import ROLLOUT
from kit.shops import BOTH, Versions


def saw(workspace: Workspace, version: int, arm: str, worker: str, requests: int, errors: int = 0) -> None:
    """Tell the catalog what a process saw: answers in half a millisecond each, one in a hundred in 0.2 s."""
    policy = workspace.catalog.deployments.current("shop")
    counts = ArmCounts(AnswerCounts((), ("no", "yes"), [0] * 2))
    for place in range(requests - errors):
        counts.answered(0.2 if place % 100 == 99 else 0.0005, "no" if place % 10 < 6 else "yes")
    for _ in range(errors):
        counts.failed()
    number = 0 if policy is None else policy.number or 0
    workspace.catalog.sightings.tell([counts.sighting("shop", number, version, arm, worker)])


@pytest.fixture
def rollout(versions: Versions, project_module: Callable[[str, str], str]) -> Workspace:
    """A workspace where the second version has a tenth of the traffic."""
    project_module("rollout", ROLLOUT)
    workspace = versions(2)
    hl.deploy("shop:1", "gradual")
    hl.deploy("shop:2")
    return workspace


@BOTH
def test_each_arm_has_the_sum_of_what_its_processes_saw(rollout: Workspace) -> None:
    for worker in ("one", "two"):
        saw(rollout, 1, "live", worker, 400)
        saw(rollout, 2, "canary", worker, 40, errors=2)
    found = hl.deployment("shop")
    live, canary = found.arms
    assert (live.version, live.arm, live.share, live.requests, live.errors) == (1, "live", "90 %", 800, 0)
    assert (canary.version, canary.arm, canary.share, canary.requests, canary.errors) == (2, "canary", "10 %", 80, 4)
    assert canary.error_share == 0.05
    assert live.p50 == pytest.approx(0.0005, rel=0.2)
    assert live.p99 == pytest.approx(0.0005, rel=0.2)
    assert live.answers == "no 60 %, yes 40 %"
    assert (found.workers, found.silent) == (2, 0)
    assert found.heard is not None
    assert found.heard < 10
    assert found.words() == "v1 answers 90 %, v2 10 % (canary)"


def test_it_tells_what_the_deployer_would_say_now(rollout: Workspace) -> None:
    assert hl.deployment("shop").following == "things stay as they are"
    saw(rollout, 2, "canary", "one", 150)
    assert hl.deployment("shop").following == "v2 answers everything: 150 requests were answered"
    assert len(rollout.catalog.deployments.history("shop")) == 2


HEEDING = """
from dataclasses import replace
from hookline import Deployer, Deployment, Package, hookimpl

class Heeding(Deployer):
    \"\"\"Say what it is asked with.\"\"\"
    name = "heeding"
    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, package.version or 1, self.name)
    def follow(self, policy, seen, now):
        truth = None if seen[1].scored is None else len(seen[1].scored.truth())
        told = f"one is worth {seen[1].answers.independent:.4f}, and of {truth} the truth is known"
        return replace(policy, step=policy.step + 1, reason=told)

@hookimpl
def register_deployers():
    return [Heeding]
"""


def test_the_deployer_is_asked_with_keys_and_labels_as_a_rollout_is(
    versions: Versions, project_module: Callable[[str, str], str]
) -> None:
    project_module("heeding", HEEDING)
    workspace = versions(2)
    catalog = workspace.catalog
    routes = (hl.Route(1, 0.9), hl.Route(2, 0.1, arm="canary"))
    catalog.deployments.record(hl.Deployment("shop", 1, routes, "heeding", key="c"), "by customer")
    saw(workspace, 1, "live", "one", 100)
    now = datetime.now(UTC)
    # Each of two customers always gets the same answer, so that 60 answers are worth few.
    rows = [{"a": 1.0 if place % 2 else -1.0, "b": 0.0, "c": "uv"[place % 2]} for place in range(40)]
    told = [
        *records_of("shop:1", rows, [now] * 40, workspace.home),
        *records_of("shop:2", rows[:20], [now] * 20, workspace.home, 40),
    ]
    records = [{**one, "key": one["row"]["c"]} for one in told]
    write_log(workspace.home / "predictions" / "shop", records)
    worth = worth_of_keys(records)
    assert worth < 0.1
    assert hl.deployment("shop").following.endswith(f"one is worth {worth:.4f}, and of None the truth is known")
    catalog.labels.add([LabelRecord("shop", one["id"], "yes", now, "by hand") for one in records])
    assert hl.deployment("shop").following.endswith(f"one is worth {worth:.4f}, and of 40 the truth is known")


def test_it_tells_who_carries_the_rollout_on(rollout: Workspace) -> None:
    assert hl.deployment("shop").controller is None
    rollout.catalog.controllers.take("shop", Owner.here(), Watch())
    assert hl.deployment("shop").controller == host()


def test_a_deployer_that_is_gone_or_fails_hides_nothing_else(
    rollout: Workspace, monkeypatch: pytest.MonkeyPatch, project_module: Callable[[str, str], str]
) -> None:
    project_module("rollout", ROLLOUT.replace("new = next(", "new = 1 / 0 or next("))
    assert hl.deployment("shop").following == "deployer 'gradual' fails: ZeroDivisionError: division by zero"
    monkeypatch.delenv("HOOKLINE_PLUGINS")
    found = hl.deployment("shop")
    assert found.following.startswith("deployer 'gradual' cannot be asked: no deployer named 'gradual'")
    assert found.words() == "v1 answers 90 %, v2 10 % (canary)"


def test_of_a_model_that_was_never_deployed_the_newest_version_answers(versions: Versions) -> None:
    workspace = versions(2)
    saw(workspace, 2, "live", "one", 10)
    found = hl.deployment("shop")
    assert found.words() == "v2 answers everything, the newest: no policy was ever put in force"
    assert [(arm.version, arm.requests) for arm in found.arms] == [(2, 10)]
    with pytest.raises(UnknownName, match="no model named 'shp'"):
        hl.deployment("shp")


def test_a_shadow_whose_package_is_gone_is_noted(versions: Versions) -> None:
    workspace = versions(1)
    workspace.catalog.models.register("shop", "run-2", str(workspace.home / "gone"), "skops", {}, "f2")
    routes = (hl.Route(1, 1.0), hl.Route(2, 1.0, shadow=True, arm="shadow"))
    workspace.catalog.deployments.record(hl.Deployment("shop", 1, routes, "local"), "aside")
    found = hl.deployment("shop")
    assert found.agreements == ()
    assert "shadows cannot be held against the answers given" in found.notes[0]
    # Also once the shadow has ended, which is when its report sends people here.
    workspace.catalog.deployments.record(hl.Deployment("shop", 1, (hl.Route(1, 1.0),), "local", step=1), "it ends")
    assert hl.deployment("shop").notes == found.notes
    workspace.catalog.deployments.record(hl.Deployment("shop", 1, (hl.Route(1, 1.0),), "local"), "another begins")
    assert hl.deployment("shop").notes == ()


def test_of_a_shadow_that_answered_nothing_yet_no_agreement_is_told(versions: Versions, hookline: Told) -> None:
    workspace = versions(2)
    routes = (hl.Route(1, 1.0), hl.Route(2, 1.0, shadow=True, arm="shadow"))
    workspace.catalog.deployments.record(hl.Deployment("shop", 1, routes, "local"), "aside")
    (found,) = hl.deployment("shop").agreements
    assert (found.share, found.changes.rows) == (None, 0)
    code, out, _ = hookline("deploy", "status", "shop")
    assert code == 0
    assert "no answer of the shadow v2 is on record beside one that was given" in out
    assert "agrees" not in out
    assert "the shadow" not in hookline("deploy", "status", "shop", "--limit", "0")[1]
    code, _, err = hookline("deploy", "status", "shop", "--limit", "-1")
    assert (code, "limit must be 0 or more, got -1" in err) == (2, True)


def test_it_is_printed_as_tables_or_as_json(rollout: Workspace, hookline: Told) -> None:
    saw(rollout, 2, "canary", "one", 150, errors=3)
    code, out, _ = hookline("deploy", "status", "shop")
    assert code == 0
    assert "v1 answers 90 %, v2 10 % (canary)" in out
    assert "3 (2 %)" in out
    assert "servers: 1 at work, the last heard" in out
    assert "deployer gradual, step 0 (heeds=True requests=100 share=0.1)" in out
    assert "if asked now: v2 answers everything: 150 requests were answered" in out
    code, out, _ = hookline("deploy", "status", "shop", "--json")
    told = json.loads(out)
    assert (told["arms"][1]["requests"], told["policy"]["number"]) == (150, 2)
    code, _, err = hookline("deploy", "status", "shop", "--watch", "0")
    assert (code, "hint: --watch 2" in err) == (2, True)


@BOTH
def test_refused_requests_are_told_beside_the_arms(rollout: Workspace) -> None:
    saw(rollout, 1, "live", "one", 95)
    policy = rollout.catalog.deployments.current("shop")
    assert policy is not None
    refused = Refusals()
    for _ in range(5):
        refused.add(422)
    rollout.catalog.sightings.tell([refused.sighting("shop", policy.number or 0, "one")])
    found = hl.deployment("shop")
    assert [arm.version for arm in found.arms] == [1, 2]
    told = "5 % of 100 requests were refused before a version answered: 5 with 422 (the contract)"
    assert (found.refused, found.refused_words) == ({422: 5}, told)
