"""What a run learned, as plain data: the source of report.html, of --json, and of what travels inside a package.

Keys: title, run, verdict, data, split, cleaning, reports, concordance, remarks, decision, intervals, sets, learning, importances,
features, feature_sets, selection, parity, certificates, packages, gates, deployment, plan, config, environment. A key is left
out where the run did not get so far. Beside an evaluator's metric stand `baseline`, what a constant guess has there, and
`training`, what the model has on rows that it was fitted to. A stage of the plan whose component chose another to do its work
has that name as `chosen`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import CHOSEN, Finding, Metric, Metrics, Report
from hookline.packages.certificate.certificate import HELD_OUT
from hookline.packages.manifest import environment
from hookline.plans.plan import Knowledge, Stage
from hookline.quality.concordance import concordances_of

from .execution import Execution, kind_of
from .gates.checking import gates_told
from .past.tracking import tracked
from .sets import sets_told
from .stages.split import facts_of
from .stages.trainer import beside_of


def build_evidence(run: Execution, status: str, error: str | None, started: float) -> dict[str, Any]:
    """Gather everything there is to say of a run, whatever became of it."""
    reports = [_report(run, stage) for stage in run.plan.stages if stage.makes is Report and run.is_at_hand(stage)]
    evidence: dict[str, Any] = {
        "title": run.info.name,
        "run": _run_facts(run, status, error, started),
        "reports": reports,
        "remarks": _remarks(run),
        "plan": [_stage_facts(run, stage) for stage in run.plan.stages],
        "config": run.info.config,
        "environment": environment(),
    }
    for section in dict.fromkeys(section for stage in run.plan.stages for section in kind_of(stage).sections):
        needed = run.plan.of(*section.needs)
        if all(run.is_at_hand(stage) for stage in needed) and (told := section.tell(run)) is not None:
            evidence[section.key] = told
    if sets := sets_told(run):
        evidence["feature_sets"] = sets
    if concordance := _concordance(reports):
        evidence["concordance"] = concordance
    if gates := gates_told(run):
        evidence["gates"] = gates
    evidence["verdict"] = _verdict(evidence, status, error)
    return evidence


def _run_facts(run: Execution, status: str, error: str | None, started: float) -> dict[str, Any]:
    return {
        "id": run.info.id,
        "name": run.info.name,
        "status": status,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 3),
        "error": error,
    }


def _report(run: Execution, stage: Stage) -> dict[str, Any]:
    report: Report = run.value(stage.key)
    plain: dict[str, Any] = to_json(report)
    plain.pop("files", None)
    if stage.kind == "evaluator":
        beside = beside_of(run)
        for metric in plain["metrics"]:
            metric |= {what: found[metric["name"]] for what, found in beside.items() if metric["name"] in found}
    return {"stage": stage.key, "kind": stage.kind, **plain}


def _concordance(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return how far evaluators agree on which columns matter, where two or more say it; None where they do not.

    Each is named by its key in the config; ranks: a row a column, with its rank by each, 1 being the first.
    """
    said = {_key(one["stage"]): one["importances"] for one in reports if one.get("importances")}
    pairs = concordances_of(said)
    if not pairs:
        return None
    orders = {name: sorted(weights, key=lambda column: -weights[column]) for name, weights in said.items()}
    columns = dict.fromkeys(column for order in orders.values() for column in order)
    ranks = [[one, *(order.index(one) + 1 if one in order else None for order in orders.values())] for one in columns]
    return {"methods": [*said], "ranks": ranks, "pairs": [to_json(pair) for pair in pairs]}


def _key(stage: str) -> str:
    return stage.partition(".")[2]


def _remarks(run: Execution) -> list[dict[str, Any]]:
    """Return what stages told while they were fitted."""
    return [
        {"stage": stage.key, "kind": stage.kind, **to_json(finding)}
        for stage in run.plan.stages
        for finding in _told_by(run, stage)
    ]


def _told_by(run: Execution, stage: Stage) -> Sequence[Finding]:
    return run.findings(stage) if run.is_at_hand(stage) else ()


def _stage_facts(run: Execution, stage: Stage) -> dict[str, Any]:
    here = run.told.get(stage.key)
    facts = {"key": stage.key, "kind": stage.kind, "component": stage.name, "fingerprint": stage.fingerprint}
    chosen = next((finding.subject for finding in _told_by(run, stage) if finding.statistic == CHOSEN), None)
    facts |= {} if chosen is None else {"chosen": chosen}
    if here is None:
        return facts | {"status": "not reached", "seconds": 0.0, "why": "", "summary": ""}
    return facts | {"status": here.status, "seconds": here.seconds, "why": here.why, "summary": here.summary}


def _verdict(evidence: Mapping[str, Any], status: str, error: str | None) -> dict[str, Any]:
    points: list[dict[str, str]] = []
    if error:
        points.append({"level": "info" if status == "pruned" else "critical", "text": error})
    for report in evidence["reports"]:
        points += _points(report["findings"])
    points += _points(evidence["remarks"])
    for parity in evidence.get("parity", []):
        points.append({"level": "ok" if parity["ok"] else "critical", "text": _parity_text(parity)})
    points += [
        {"level": "ok" if one["ok"] else "critical", "text": _certificate_text(one)}
        for one in evidence.get("certificates", [])
    ]
    points += [{"level": "ok", "text": text} for text in _folds_texts(evidence)]
    # Those that said no are in the error.
    points += [{"level": "ok", "text": _gate_text(gate)} for gate in evidence.get("gates", []) if gate["passed"]]
    if deployment := evidence.get("deployment"):
        points.append({"level": "ok" if deployment["accepted"] else "warning", "text": deployment["told"]})
    return {"headline": _headline(evidence, status), "ok": status == "finished", "points": points}


def _points(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"level": finding["severity"], "text": finding["message"]} for finding in findings]


def _headline(evidence: Mapping[str, Any], status: str) -> str:
    plain = [metric for report in evidence["reports"] if report["kind"] == "evaluator" for metric in report["metrics"]]
    found = Metrics(tuple(from_json(Metric, metric) for metric in plain)).headline()
    if status not in ("finished", "gated") or found is None:
        return f"The run is {status}" if status != "finished" else "The run finished"
    interval = "" if found.low is None or found.high is None else f" [{found.low:.3g}, {found.high:.3g}]"
    rows = evidence.get("split", {}).get("test", 0)
    said = f"{found.name.replace('_', ' ').capitalize()} {found.value:.4g}{interval} on {rows:,} held-out rows"
    return said if status == "finished" else f"A gate said no: {said}"


def _folds_texts(evidence: Mapping[str, Any]) -> Iterator[str]:
    for report in evidence["reports"]:
        if report["kind"] == "folds" and report["metrics"]:
            head, (spread, each) = report["metrics"][0], report["tables"]
            name, mean, _, least, most, *_ = spread["rows"][0]
            if mean is None or least is None or most is None:  # It was no number in some fold.
                continue
            interval = "" if head["low"] is None else f" [{head['low']:.3g}, {head['high']:.3g}]"
            said = f"{name.replace('_', ' ')} {mean:.4g}{interval}, between {least:.4g} and {most:.4g}"
            yield f"Over {len(each['rows'])} folds of the training rows: {said}"


def _gate_text(gate: Mapping[str, Any]) -> str:
    return f"Gate {gate['metric']} {gate['said']}: {gate['told']}"


def _certificate_text(certificate: Mapping[str, Any]) -> str:
    generated = [one for one in certificate["agreements"] if one["sort"] != HELD_OUT and one["rows"]]
    counts = ", ".join(f"{one['rows']:,} {one['sort']}" for one in generated) or "no"
    beyond = sum(one["beyond_limit_differing"] for one in generated)
    said = f"; {beyond} beyond the format's limit differ: {certificate['limit']}" if beyond else ""
    verb = "agrees" if certificate["ok"] else "does not agree"
    who = certificate["package"]
    subject = f"What is {who}" if who.startswith("served") else f"The {who} package"
    return f"{subject} {verb} on generated rows at the edges ({counts}){said}"


def _parity_text(parity: Mapping[str, Any]) -> str:
    verb = "predicts the same as" if parity["ok"] else "differs from"
    # Where it predicts the same, a label may change only where two classes are as likely as each other.
    ties = ", all at ties" if parity["ok"] and parity["changed_decisions"] else ""
    return (
        f"The {parity['package']} package {verb} the native pipeline on {parity['rows']:,} rows: largest difference "
        f"{parity['max_difference']:.2g}, {parity['changed_decisions']} changed decisions{ties}"
    )


def record_data(run: Execution) -> None:
    """Record which version of the data the run saw, with the profile of its training rows once there is one."""
    if not run.is_at_hand(run.plan["split"]):
        return
    version = facts_of(run).version
    knowledge: Knowledge | None = run.value("knowledge") if run.is_at_hand(run.plan["knowledge"]) else None
    source = run.plan["source"]
    origin = {"component": source.name, **source.parts["fields"]}
    if versions := tracked(origin):
        origin["tracked"] = versions
    if version is not None:
        profile = None if knowledge is None else knowledge.profile
        run.workspace.catalog.datasets.record(version, origin, run.info.id, profile)
