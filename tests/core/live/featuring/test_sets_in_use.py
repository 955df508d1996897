"""Feature sets in use: who was made with which version, who is behind, what differs, and how a feature fared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.live.featuring.history import _moved
from hookline.live.featuring.online.filling import Filling
from hookline.packages.settling import EVIDENCE
from hookline.workspace.workspace import open_workspace

SIZE = 400
ROWS = pl.DataFrame(
    {
        "spend": [float(i % 17) for i in range(SIZE)],
        "visits": [i % 5 for i in range(SIZE)],
        "plan": [("basic", "pro", "free")[i % 3] for i in range(SIZE)],
        "y": ["yes" if (i % 17 > 8) != (i % 7 == 3) else "no" for i in range(SIZE)],
    }
)
YAML = """
customer:
  description: What a customer spends.
  owner: growth
  definitions:
    spending: {{component: ratio, columns: {{per_visit: [spend, visits]}}, otherwise: {otherwise}}}
    flags: {{component: expressions, columns: {{much: "CASE WHEN spend > {limit} THEN 1 ELSE 0 END"}}}}
  tests:
    one visit: {{given: {{spend: 12.0, visits: 2}}, wants: {{per_visit: 6.0, much: 1}}}}
    none: {{given: {{spend: 1.0, visits: 0}}, wants: {{per_visit: {otherwise}, much: 0}}}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which two models share a set, one of which was made before it changed."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "conf" / "features").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[tool.hookline]\nconfigs = "conf"\n', "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        define(folder, otherwise="null", limit=8)
        trained(folder, "churn")
        trained(folder, "upsell")
        define(folder, otherwise="null", limit=10)
        trained(folder, "churn")
    return folder


@pytest.fixture(autouse=True)
def _in_the_shop(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("HOOKLINE_HOME", str(shop / "home"))


def define(folder: Path, **numbers: Any) -> None:
    (folder / "conf" / "features" / "customer.yaml").write_text(YAML.format(**numbers), "utf-8")


def trained(folder: Path, name: str) -> None:
    hl.run(
        source=ROWS, target="y", trainer="decision_tree", features="customer", packager=["skops"], deployer="local",
        evaluator=[], monitor=["data_drift"], name=name, home=folder / "home",
    )  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert main(["features", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_share_a_set_by_name_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    now, before = told(capsys, "list", "--sets")
    assert (now["name"], now["current"], now["models"], len(now["runs"])) == ("customer", True, ["churn:2"], 1)
    assert (before["current"], before["models"], len(before["runs"])) == (False, ["churn:1", "upsell:1"], 2)


def test_a_package_names_the_versions_that_it_was_made_with(shop: Path) -> None:
    record = open_workspace(shop / "home").catalog.models.get("churn", 1)
    (one,) = json.loads((Path(record.path) / EVIDENCE).read_text("utf-8"))["feature_sets"]
    assert (one["name"], one["owner"]) == ("customer", "growth")
    assert [feature["name"] for feature in one["features"]] == ["per_visit", "much"]


def test_features_of_derived_columns_name_the_raw_ones(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = {row["name"]: row["inputs"] for row in told(capsys, "list", "churn")}
    assert inputs["per_visit"] == ["spend", "visits"]
    assert inputs["much"] == ["spend"]


def test_models_that_answer_with_a_changed_definition_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "usage", "customer")["outdated"]
    assert [(one["model"], one["changed"]) for one in found] == [("upsell:1", ["much changed"])]
    assert main(["features", "usage"]) == 0
    assert "warning: upsell:1 answers with customer@" in capsys.readouterr().err


def test_two_versions_of_a_set_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    old = told(capsys, "list", "--sets")[1]["version"]
    (change,) = told(capsys, "diff", f"customer@{old[:5]}", "customer")
    assert (change["name"], change["status"]) == ("much", "changed")
    assert change["before"] == "CASE WHEN spend > 8 THEN 1 ELSE 0 END"
    assert change["after"] == "CASE WHEN spend > 10 THEN 1 ELSE 0 END"


def test_a_set_is_shown_with_who_answers_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(capsys, "show", "customer")
    assert (shown["owner"], shown["description"], shown["tests"]) == ("growth", "What a customer spends.", 2)
    assert main(["features", "show", "customer"]) == 0
    assert "owner: growth" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (("show", "custmer"), "did you mean 'customer'"),
        (("show", "customer@zz"), "no version of feature set 'customer' named 'zz'"),
        (("usage", "custmer"), "did you mean 'customer'"),
        (("test", "custmer"), "did you mean 'customer'"),
        (("history", "per_vist"), "did you mean 'per_visit'"),
    ],
)
def test_a_typo_is_one_error_with_what_was_meant(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], hint: str
) -> None:
    assert main(["features", *argv]) == 2
    assert hint in capsys.readouterr().err


def test_tests_of_a_set_are_run(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["passed"] for one in told(capsys, "test", "customer")] == [True, True]
    text = (shop / "conf" / "features" / "customer.yaml").read_text("utf-8")
    try:
        (shop / "conf" / "features" / "customer.yaml").write_text(
            text.replace("per_visit: 6.0", "per_visit: 7"), "utf-8"
        )
        assert main(["features", "test", "customer"]) == 1
        assert "per_visit is 6.0, and not 7" in capsys.readouterr().out
    finally:
        (shop / "conf" / "features" / "customer.yaml").write_text(text, "utf-8")


def test_a_feature_is_followed_through_the_versions_of_models(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "history", "much", "churn")
    assert [one["version"] for one in found] == [1, 2]
    assert [one["definition"] for one in found] == [f"CASE WHEN spend > {limit} THEN 1 ELSE 0 END" for limit in (8, 10)]
    assert found[0]["feature_version"] != found[1]["feature_version"]
    assert all(0 <= one["drift"] <= 1 and one["set"].startswith("customer@") for one in found)
    assert all(0 <= one["share"] <= 1 for one in found)


def test_the_history_is_drawn_as_a_page(tmp_path: Path) -> None:
    assert main(["features", "history", "per_visit", "--html", str(tmp_path / "history.html")]) == 0
    page = (tmp_path / "history.html").read_text("utf-8")
    assert "3 versions with per_visit, in one meaning" in page
    assert 'data-chart="share"' in page


def test_the_features_of_a_column_are_followed_together(capsys: pytest.CaptureFixture[str]) -> None:
    (first, *_) = told(capsys, "history", "plan", "churn")
    assert first["features"] == ["plan=basic", "plan=free", "plan=pro"]
    assert first["set"] is None


DAMAGED: list[Any] = [
    {"feature_sets": [{"name": "customer", "version": "1a", "features": [{}]}], "reports": [{"kind": "monitor", "tables": 3}]},
    {"feature_sets": [{"name": ["customer"], "version": "1a", "features": []}]},
    {"feature_sets": {"name": 1}, "reports": [{"kind": "monitor", "tables": [{"columns": ["column", "effect"], "rows": [[]]}]}]},
    {"feature_sets": [{"name": "customer", "version": "1a", "features": [], "joins": 3}]},
    [],
]  # fmt: skip


@pytest.mark.parametrize("evidence", DAMAGED)
def test_evidence_that_tells_nothing_readable_holds_up_nobody(
    evidence: Any, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(open_workspace(shop / "home").catalog.models.get("upsell", 1).path) / EVIDENCE
    whole = path.read_bytes()
    path.write_text(json.dumps(evidence), "utf-8")
    try:
        assert Filling.of(shop / "home", path.parent.parent) is None
        assert told(capsys, "usage", "customer")["outdated"] == []
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("evidence", DAMAGED[:-1])
def test_what_a_feature_did_is_read_of_what_is_readable(evidence: Any) -> None:
    assert _moved(evidence) == {}
