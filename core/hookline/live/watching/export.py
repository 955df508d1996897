"""Alerting rules for Prometheus and a dashboard for Grafana, over what a server's `/metrics` counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hookline.workspace.files import write_whole

from ..deploying.naming import workspace_of

MOST_ERRORS = 0.01
"""The share of requests that may fail."""
MOST_REFUSED = 0.02
"""The share of all requests that may be refused before a version answers, as the monitor `service` has it."""
SLOWEST = 1.0
"""Seconds within which 99 of 100 requests are answered."""
MOST_WAITING = 100
ARMS = "version, arm"


class Rule(NamedTuple):
    """When Prometheus is to alert."""

    name: str
    expr: str
    wait: str
    severity: str
    summary: str
    advice: str


def export(model: str, folder: Path, home: str | Path | None = None) -> list[Path]:
    """Write `MODEL-rules.yaml` and `MODEL-dashboard.json` into a folder and return where; raises UnknownName for no model."""
    import yaml

    workspace_of(model, home)
    rules, dashboard = folder / f"{model}-rules.yaml", folder / f"{model}-dashboard.json"
    write_whole(rules, yaml.safe_dump(rules_of(model), sort_keys=False, width=120))
    write_whole(dashboard, json.dumps(dashboard_of(model), indent=2) + "\n")
    return [rules, dashboard]


def rules_of(model: str) -> dict[str, Any]:
    """Return alerting rules of the servers of a model, as Prometheus reads them."""
    rules = [
        {
            "alert": rule.name,
            "expr": rule.expr,
            "for": rule.wait,
            "labels": {"severity": rule.severity, "model": model},
            "annotations": {"summary": f"{model}: {rule.summary}", "description": rule.advice},
        }
        for rule in _rules(model)
    ]
    return {"groups": [{"name": f"hookline-{model}", "rules": rules}]}


def dashboard_of(model: str) -> dict[str, Any]:
    """Return a dashboard of the servers of a model, as Grafana imports it."""
    panels = [_panel(place, *said) for place, said in enumerate(_panels(model))]
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "title": f"hookline: {model}",
        "uid": f"hookline-{model}"[:40],
        "tags": ["hookline"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def _of(model: str, metric: str) -> str:
    """Return a metric of the servers of one model, whose name stands beside it in another."""
    return f'{metric} and on (job, instance) hookline_serving_info{{model="{model}"}}'


def _summed(model: str, metric: str, by: str = ARMS) -> str:
    return f"sum by ({by}) ({_of(model, metric)})"


def _quantile(model: str, share: float) -> str:
    buckets = _summed(model, "rate(hookline_request_seconds_bucket[5m])", f"{ARMS}, le")
    return f"histogram_quantile({share:g}, {buckets})"


def _failing(model: str) -> str:
    errors, requests = (_summed(model, f"rate(hookline_{what}_total[5m])") for what in ("errors", "requests"))
    return f"{errors} / {requests}"


def _refused(model: str) -> str:
    """Return the share of all requests that a server refused; they reached no version, and are told of none."""
    refused = _summed(model, "rate(hookline_refused_total[5m])", "instance")
    # What is asked in the shadow was asked of the version in charge too, and is one request.
    reached = _summed(model, 'rate(hookline_requests_total{arm!="shadow"}[5m])', "instance")
    return f"{refused} / ({refused} + {reached})"


def _rules(model: str) -> Sequence[Rule]:
    where = "{{ $labels.arm }} (version {{ $labels.version }})"
    return (
        Rule(
            "HooklineGone",
            f'absent(hookline_serving_info{{model="{model}"}})',
            "5m",
            "critical",
            "no server tells of itself",
            f"hookline serve {model}",
        ),
        Rule(
            "HooklineErrors",
            f"{_failing(model)} > {MOST_ERRORS}",
            "5m",
            "critical",
            f"more than {MOST_ERRORS:.0%} of the requests to {where} fail",
            f"hookline deploy status {model}",
        ),
        Rule(
            "HooklineRefused",
            f"{_refused(model)} > {MOST_REFUSED}",
            "10m",
            "warning",
            f"more than {MOST_REFUSED:.0%} of the requests to {{{{ $labels.instance }}}} are refused",
            f"hookline monitor run {model} --monitor service says why, by status",
        ),
        Rule(
            "HooklineSlow",
            f"{_quantile(model, 0.99)} > {SLOWEST:g}",
            "10m",
            "warning",
            f"1 of 100 requests to {where} takes longer than {SLOWEST:g} s",
            "more workers, or smaller requests: hookline serve --workers",
        ),
        Rule(
            "HooklineWaiting",
            f"{_summed(model, 'hookline_requests_waiting')} > {MOST_WAITING}",
            "5m",
            "warning",
            f"more than {MOST_WAITING} requests wait for {where}",
            "more workers: hookline serve --workers",
        ),
        Rule(
            "HooklineNotRecorded",
            f"{_summed(model, 'increase(hookline_log_failures_total[10m])', 'instance')} > 0",
            "0m",
            "critical",
            "answers could not be put on record on {{ $labels.instance }}, and were not given",
            "free space where the prediction log lies",
        ),
        Rule(
            "HooklinePolicyBehind",
            f"max by (instance) ({_of(model, 'hookline_policy_behind')}) > 0",
            "5m",
            "warning",
            "{{ $labels.instance }} cannot follow the newest policy",
            f"hookline deploy status {model}",
        ),
    )


def _panels(model: str) -> Sequence[tuple[str, str, str, str]]:
    arm = "{{arm}} v{{version}}"
    return (
        ("Requests a second", _summed(model, "rate(hookline_requests_total[5m])"), "reqps", arm),
        ("Share of requests that fail", _failing(model), "percentunit", arm),
        (
            "Refused requests a second",
            _summed(model, "rate(hookline_refused_total[5m])", "instance, status"),
            "reqps",
            "{{status}} {{instance}}",
        ),
        ("Share of requests that are refused", _refused(model), "percentunit", "{{instance}}"),
        ("Time of an answer, 1 of 2", _quantile(model, 0.5), "s", arm),
        ("Time of an answer, 1 of 100", _quantile(model, 0.99), "s", arm),
        ("Requests that wait", _summed(model, "hookline_requests_waiting"), "short", arm),
        ("Share that the policy gives", f"max by ({ARMS}) ({_of(model, 'hookline_route_weight')})", "percentunit", arm),
        (
            "Answers put on record a second",
            _summed(model, "rate(hookline_log_records_total[5m])", "instance"),
            "short",
            "{{instance}}",
        ),
        ("Requests that a shadow was not asked", _summed(model, "rate(hookline_dropped_total[5m])"), "reqps", arm),
    )


def _panel(place: int, title: str, expr: str, unit: str, legend: str) -> Mapping[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": source, "expr": expr, "legendFormat": legend}],
    }
