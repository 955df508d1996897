"""Alerting rules for Prometheus and a dashboard for Grafana, as files that these take."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import yaml

from hookline.live.watching.export import dashboard_of, export, rules_of
from kit.command_line import Told
from kit.prometheus import checked

TEXT = {"type": "string", "minLength": 1}
RULES = {
    "type": "object",
    "required": ["groups"],
    "additionalProperties": False,
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "rules"],
                "additionalProperties": False,
                "properties": {
                    "name": TEXT,
                    "rules": {
                        "type": "array",
                        "minItems": 5,
                        "items": {
                            "type": "object",
                            "required": ["alert", "expr"],
                            "additionalProperties": False,
                            "properties": {
                                "alert": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
                                "expr": TEXT,
                                "for": {"type": "string", "pattern": "^[0-9]+[smhd]$"},
                                "labels": {"type": "object", "additionalProperties": TEXT},
                                "annotations": {"type": "object", "additionalProperties": TEXT},
                            },
                        },
                    },
                },
            },
        }
    },
}
"""What the documentation of Prometheus says of a file of rules."""


def test_the_command_writes_rules_and_a_dashboard(shop: Path, tmp_path: Path, hookline: Told) -> None:
    out = tmp_path / "out"
    assert hookline("monitor", "export", "shop", "--output", str(out))[0] == 0
    rules = yaml.safe_load((out / "shop-rules.yaml").read_text())
    assert rules == rules_of("shop")
    jsonschema.validate(rules, RULES)
    assert json.loads((out / "shop-dashboard.json").read_text()) == dashboard_of("shop")
    code, _, err = hookline("monitor", "export", "shup", "--output", str(out))
    assert (code, "did you mean 'shop'" in err) == (2, True)


def test_prometheus_takes_the_rules(shop: Path, tmp_path: Path) -> None:
    rules, _ = export("shop", tmp_path)
    done = checked("rules", str(rules))
    assert (done.returncode, "7 rules found" in done.stdout) == (0, True), done.stderr


def test_prometheus_reads_every_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in dashboard_of("shop")["panels"] for target in panel["targets"]]
    # It reads queries where they stand in rules.
    rules = [{"record": f"panel:{place}", "expr": query} for place, query in enumerate(queries)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    done = checked("rules", str(tmp_path / "panels.yaml"))
    assert (done.returncode, f"{len(queries)} rules found" in done.stdout) == (0, True), done.stderr
    assert len(queries) >= 8


def test_every_expression_is_of_this_models_servers_and_its_brackets_match() -> None:
    rules = [rule["expr"] for rule in rules_of("shop")["groups"][0]["rules"]]
    panels = [target["expr"] for panel in dashboard_of("shop")["panels"] for target in panel["targets"]]
    for expr in (*rules, *panels):
        assert 'hookline_serving_info{model="shop"}' in expr
        for opens, closes in ("()", "[]", "{}"):
            assert expr.count(opens) == expr.count(closes)
    places = [tuple(panel["gridPos"].values()) for panel in dashboard_of("shop")["panels"]]
    assert len(set(places)) == len(places)


def test_what_was_refused_is_alarmed_and_drawn_as_a_share_of_all_that_was_asked() -> None:
    (rule,) = [rule for rule in rules_of("shop")["groups"][0]["rules"] if rule["alert"] == "HooklineRefused"]
    share, bound = rule["expr"].rsplit(" > ", 1)
    over, under = share.split(" / ", 1)
    assert "hookline_refused_total" in over
    assert over in under
    assert 'hookline_requests_total{arm!="shadow"}' in under
    assert float(bound) == 0.02
    panels = {panel["title"]: panel["targets"][0] for panel in dashboard_of("shop")["panels"]}
    assert panels["Share of requests that are refused"]["expr"] == share
    assert "by (instance, status)" in panels["Refused requests a second"]["expr"]
