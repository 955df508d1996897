"""What answered when, and who put it there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import UnknownName, UsageError
from hookline.workspace.processes.owners import person
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told
from kit.shops import BOTH, Versions


@BOTH
def test_the_log_tells_every_change_with_what_it_came_after(versions: Versions) -> None:
    versions(2)
    hl.deploy("shop:1", reason="the first")
    hl.promote("shop:2", reason="it is better")
    hl.rollback("shop")
    back, promoted, first = hl.promotions("shop")
    assert [one.row()["change"] for one in (first, promoted, back)] == ["none -> v1", "v1 -> v2", "v2 -> v1"]
    assert (promoted.policy.reason, promoted.policy.who, promoted.before) == ("it is better", person(), first.policy)
    assert first.before is None


@BOTH
def test_a_moment_has_the_policy_that_was_in_force_then(versions: Versions) -> None:
    catalog = versions(2).catalog
    before = datetime.now(UTC)
    for version in (1, 2):
        hl.promote(f"shop:{version}")
    second, first = catalog.deployments.history("shop")
    assert first.since is not None
    assert second.since is not None
    (at_first,) = hl.live_at("shop", first.since)
    assert (at_first.policy, at_first.until) == (first, second.since)
    (at_second,) = hl.live_at("shop", datetime.now(UTC))
    assert (at_second.policy, at_second.until) == (second, None)
    (at_none,) = hl.live_at("shop", before)
    assert at_none.policy is None
    assert at_none.words() == "v2 answers, the newest: no policy"
    (at_naught,) = hl.live_at("shop", timedelta(days=9))
    assert at_naught.words() == "there was no version"


def test_a_day_has_all_of_its_policies(versions: Versions) -> None:
    versions(2)
    for version in (1, 2):
        hl.promote(f"shop:{version}")
    today = datetime.now(UTC).date()
    found = hl.live_at("shop", today)
    assert [term.policy.version for term in found if term.policy] == [1, 2]
    assert hl.live_at("shop", today.isoformat()) == found
    assert len(hl.live_at("shop", date(2020, 1, 1))) == 1


def test_a_time_to_come_or_none_is_refused(versions: Versions) -> None:
    versions(1)
    with pytest.raises(UsageError, match="has not come yet"):
        hl.live_at("shop", datetime.now(UTC) + timedelta(days=2))
    with pytest.raises(UsageError, match="'noon' is no time"):
        hl.live_at("shop", "noon")
    with pytest.raises(UnknownName, match="no model named 'shp'"):
        hl.live_at("shp", "1d")
    with pytest.raises(UsageError, match="'shop:1' is a version, and a model is meant") as error:
        hl.promotions("shop:1")
    assert error.value.hint == "hookline models log shop"


def test_the_log_is_a_table_under_either_name_and_json(versions: Versions, hookline: Told) -> None:
    versions(2)
    hl.deploy("shop:1", reason="the first")
    hl.promote("shop:2")
    code, out, _ = hookline("models", "log", "shop")
    assert code == 0
    assert "v1 -> v2" in out
    assert "deployed by hand: the first" in out
    assert hookline("models", "history", "shop")[1] == out
    code, out, _ = hookline("models", "log", "shop", "--json")
    assert '"change": "v1 -> v2"' in out
    code, out, _ = hookline("models", "at", datetime.now(UTC).isoformat(), "shop")
    assert (code, "v2 answers everything" in out) == (0, True)
    assert '"words": "v2 answers everything"' in hookline("models", "at", "0s", "shop", "--json")[1]


def test_a_model_that_was_never_put_in_charge_has_an_empty_promotion_log(tmp_path: Path) -> None:
    catalog = open_workspace(tmp_path).catalog
    catalog.models.register("shop", "run", str(tmp_path), "skops", {}, "f")
    assert hl.promotions("shop", home=tmp_path) == []
