"""Deployments in the catalog: the policy in force, every one before it, and the aliases that come with each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hookline.errors import UnknownName
from hookline.kinds.deployments import Deployment, Route
from hookline.workspace.catalog.catalog import Catalog


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    """A model with two versions, in a database of either sort."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    found = Catalog(url)
    for number in (1, 2):
        found.models.register("churn", "r", f"path/{number}", "onnx", {}, f"f{number}")
    return found


CANARY = Deployment(
    "churn",
    1,
    (Route(1, 0.9), Route(2, 0.1), Route(2, 0.0, shadow=True)),
    "canary",
    {"challenger": 2},
    {"steps": [0.1, 0.5], "patience": "1h"},
    3,
)


def test_a_policy_is_read_as_it_was_recorded_with_its_time_and_reason(catalog: Catalog) -> None:
    before = datetime.now(UTC)
    catalog.deployments.record(CANARY, "version 2 held for an hour")
    current = catalog.deployments.current("churn")
    assert current is not None
    assert current.is_same_policy(CANARY)
    assert current.reason == "version 2 held for an hour"
    assert current.since is not None
    assert before <= current.since <= datetime.now(UTC)
    assert catalog.models.aliases("churn") == {"challenger": 2}


def test_the_policy_in_force_is_the_newest_and_the_others_stay(catalog: Catalog) -> None:
    for version in (1, 2, 1):
        catalog.deployments.record(Deployment.single("churn", version, "local"), f"to {version}")
    assert [policy.reason for policy in catalog.deployments.history("churn")] == ["to 1", "to 2", "to 1"]
    assert [policy.version for policy in catalog.deployments.history("churn")] == [1, 2, 1]
    current = catalog.deployments.current("churn")
    assert current is not None
    assert current.version == 1


def test_a_model_that_was_never_deployed_has_no_policy(catalog: Catalog) -> None:
    catalog.deployments.record(CANARY, "test")
    assert catalog.deployments.current("tips") is None
    assert catalog.deployments.history("tips") == []


def test_a_policy_that_names_no_version_that_there_is_changes_nothing(catalog: Catalog) -> None:
    with pytest.raises(UnknownName, match="version of churn"):
        catalog.deployments.record(Deployment("churn", 1, (Route(1, 0.5), Route(3, 0.5)), "split", {"b": 3}), "test")
    assert catalog.deployments.history("churn") == []
    assert catalog.models.aliases("churn") == {}


def test_the_policy_in_force_of_every_model_is_told_at_once(catalog: Catalog) -> None:
    assert catalog.deployments.every_current() == []
    catalog.models.register("other", "r", "path", "onnx", {}, "f")
    for policy in (CANARY, Deployment.single("other", 1, "local"), Deployment.single("churn", 2, "local")):
        catalog.deployments.record(policy, "so")
    found = {policy.model: policy for policy in catalog.deployments.every_current()}
    assert found == {name: catalog.deployments.current(name) for name in ("churn", "other")}
    assert catalog.models_in("deployments") == {"churn", "other"}
    assert catalog.models_in("alarms") == frozenset()
