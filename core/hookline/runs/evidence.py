"""What a run learned, as plain data: the source of report.html, of --json, and of what travels inside a package.

Keys: title, run, verdict, data, split, cleaning, reports, learning, importances, features, parity, certificates, packages,
deployment, plan, config, environment. A key is left out where the run did not get so far.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hookline.data.cleaning.ledger import CleaningLedger
from hookline.data.split import SplitFacts
from hookline.kinds.deployments import Deployment, Package
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Metric, Report
from hookline.packages.certificate.certificate import CERTIFICATE, HELD_OUT
from hookline.packages.manifest import environment
from hookline.plans.plan import Knowledge, Stage

from .execution import Running, importances_of, learning_of
from .stages.deploying import served_folder

if TYPE_CHECKING:
    from hookline.kinds.hooks import StageInfo

HEADLINES = ("accuracy", "r2", "roc_auc", "rmse")
"""Metrics that may head a report, the first found wins."""


class Told(Running, Protocol):
    """A run that can be told about."""

    @property
    def told(self) -> dict[str, StageInfo]:
        """Stage key -> what became of it."""
        ...

    def value(self, key: str) -> Any:
        """Return a stage's output."""
        ...

    def split_facts(self) -> SplitFacts:
        """Return what is known of the split, without its rows."""
        ...

    def is_stored(self, stage: Stage) -> bool:
        """Tell whether the store holds a stage's output."""
        ...


def build_evidence(run: Told, status: str, error: str | None, started: float) -> dict[str, Any]:
    """Gather everything there is to say of a run, whatever became of it."""
    reports = [
        _report(run, stage) for stage in run.plan.of("contract", "audit", "evaluator", "monitor") if at_hand(run, stage)
    ]
    evidence: dict[str, Any] = {
        "title": run.info.name,
        "run": _run_facts(run, status, error, started),
        "reports": reports,
        "plan": [_stage_facts(run, stage) for stage in run.plan.stages],
        "config": run.info.config,
        "environment": environment(),
    }
    for key, needs, tell in SECTIONS:
        if all(at_hand(run, stage) for stage in run.plan.of(*needs)) and run.plan.of(*needs):
            evidence[key] = tell(run)
    if any(stage.key in run.told for stage in run.plan.of("trainer")) and (learning := learning_of(run)):
        evidence["learning"] = learning
    evidence["verdict"] = _verdict(evidence, status, error)
    return evidence


def at_hand(run: Told, stage: Stage) -> bool:
    """Tell whether a stage's output can be had without computing it: evidence never runs a stage."""
    here = run.told.get(stage.key)
    if here is None or here.status == "failed":
        return False
    return here.status == "ran" or run.is_stored(stage)


def _run_facts(run: Told, status: str, error: str | None, started: float) -> dict[str, Any]:
    return {
        "id": run.info.id,
        "name": run.info.name,
        "status": status,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 3),
        "error": error,
    }


def _report(run: Told, stage: Stage) -> dict[str, Any]:
    report: Report = run.value(stage.key)
    plain: dict[str, Any] = to_json(report)
    plain.pop("files", None)
    return {"stage": stage.key, "kind": stage.kind, **plain}


def _stage_facts(run: Told, stage: Stage) -> dict[str, Any]:
    here = run.told.get(stage.key)
    facts = {"key": stage.key, "kind": stage.kind, "component": stage.name, "fingerprint": stage.fingerprint}
    if here is None:
        return facts | {"status": "not reached", "seconds": 0.0, "why": "", "summary": ""}
    return facts | {"status": here.status, "seconds": here.seconds, "why": here.why, "summary": here.summary}


def _data(run: Told) -> dict[str, Any]:
    knowledge: Knowledge = run.value("knowledge")
    split = run.split_facts()
    target = run.value("target")
    column = next((c for c in knowledge.profile.columns if c.name == target.name), None)
    return {
        "name": split.name,
        "rows": sum(split.rows.values()),
        "columns": len(knowledge.schema.columns),
        "fingerprint": run.plan["source"].fingerprint,
        "version": split.version.fingerprint if split.version else None,
        "target": target.name,
        "task": target.task,
        "classes": [list(pair) for pair in column.top] if column and column.top else [],
        "profile": to_json(knowledge.profile),
    }


def _split(run: Told) -> dict[str, Any]:
    split = run.split_facts()
    return {"method": split.method, **split.rows}


def _cleaning(run: Told) -> list[Any]:
    ledger: CleaningLedger = run.value("cleaning")
    return [to_json(entry) for entry in ledger.entries]


def _importances(run: Told) -> list[list[Any]]:
    return [list(pair) for pair in sorted(importances_of(run).items(), key=lambda item: -abs(item[1]))]


def _features(run: Told) -> list[Any]:
    fitted = run.value(run.plan.of("featurizer")[0].key)
    return [to_json(feature) for feature in fitted.features]


def _made(run: Told) -> list[tuple[str, Package]]:
    """Return each package with the key of its packager, which names its folder."""
    return [(stage.key.partition(".")[2], run.value(stage.key)) for stage in run.plan.of("packager")]


def _parity(run: Told) -> list[dict[str, Any]]:
    manifests = [(key, json.loads((package.path / "manifest.json").read_text("utf-8"))) for key, package in _made(run)]
    return [{"package": key, **manifest["parity"]} for key, manifest in manifests]


def _certificates(run: Told) -> list[dict[str, Any]]:
    """Return the parity certificate of each package, and of what a client is answered."""
    made = [(key, package.path / CERTIFICATE) for key, package in _made(run)]
    for stage in run.plan.of("deployer"):
        folder = served_folder(run, stage) if _reached(run, stage) else None
        made += [] if folder is None else [(f"served by {stage.name}", folder / CERTIFICATE)]
    return [{"package": key, **json.loads(path.read_text("utf-8"))} for key, path in made]


def _reached(run: Told, stage: Stage) -> bool:
    return stage.key in run.told and run.told[stage.key].status == "ran"


def _packages(run: Told) -> list[dict[str, Any]]:
    return [
        {"format": package.format, "path": f"packages/{key}", "bytes": _bytes(package.path)}
        for key, package in _made(run)
    ]


def _deployment(run: Told) -> Any:
    deployment: Deployment = run.value(run.plan.of("deployer")[0].key)
    return to_json(deployment)


SECTIONS = (
    ("data", ("knowledge", "split", "target"), _data),
    ("split", ("split",), _split),
    ("cleaning", ("cleaning",), _cleaning),
    ("importances", ("trainer",), _importances),
    ("features", ("featurizer",), _features),
    ("parity", ("packager",), _parity),
    ("certificates", ("packager",), _certificates),
    ("packages", ("packager",), _packages),
    ("deployment", ("deployer",), _deployment),
)
"""Evidence key -> the stage kinds it needs, and how it is told."""


def _verdict(evidence: Mapping[str, Any], status: str, error: str | None) -> dict[str, Any]:
    points: list[dict[str, str]] = []
    if error:
        points.append({"level": "info" if status == "pruned" else "critical", "text": error})
    for report in evidence["reports"]:
        points += [{"level": f["severity"], "text": f["message"]} for f in report["findings"]]
    for parity in evidence.get("parity", []):
        points.append({"level": "ok" if parity["ok"] else "critical", "text": _parity_text(parity)})
    points += [
        {"level": "ok" if one["ok"] else "critical", "text": _certificate_text(one)}
        for one in evidence.get("certificates", [])
    ]
    if deployment := evidence.get("deployment"):
        text = ", ".join(f"{alias} is now version {version}" for alias, version in deployment["aliases"].items())
        points.append({"level": "ok", "text": f"{deployment['model']}: {text}"})
    return {"headline": _headline(evidence, status), "ok": status == "finished", "points": points}


def _headline(evidence: Mapping[str, Any], status: str) -> str:
    plain = [metric for report in evidence["reports"] if report["kind"] == "evaluator" for metric in report["metrics"]]
    metrics = [from_json(Metric, metric) for metric in plain]
    by_name = {metric.name: metric for metric in reversed(metrics)}
    found = next((by_name[name] for name in HEADLINES if name in by_name), metrics[0] if metrics else None)
    if status not in ("finished", "gated") or found is None:
        return f"The run is {status}" if status != "finished" else "The run finished"
    interval = "" if found.low is None or found.high is None else f" [{found.low:.3g}, {found.high:.3g}]"
    rows = evidence.get("split", {}).get("test", 0)
    said = f"{found.name.replace('_', ' ').capitalize()} {found.value:.4g}{interval} on {rows:,} held-out rows"
    return said if status == "finished" else f"A gate said no: {said}"


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
    # Within the tolerance a label changes only where two classes are as likely as each other.
    ties = ", all at ties" if parity["ok"] and parity["changed_decisions"] else ""
    return (
        f"The {parity['package']} package {verb} the native pipeline on {parity['rows']:,} rows: largest difference "
        f"{parity['max_difference']:.2g}, {parity['changed_decisions']} changed decisions{ties}"
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
