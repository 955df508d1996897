"""The gates of a run: each held against what was measured, before anything is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, DataError, GateFailed, Problem, StoreError, suggestion
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Metric, Metrics, Report
from hookline.packages.manifest import read_manifest
from hookline.plans.gates import LATENCY, WORDS, Gate, read_gates

from ..parts import metrics_of
from .latency import latency_of
from .standing import is_worse, same_rows

if TYPE_CHECKING:
    from ..execution import Execution

RESULTS = "\0gates"
"""Where a run keeps what its gates said, among its values; no stage has such a key."""


@dataclass(frozen=True)
class GateResult:
    """What one gate said of one metric.

    said: as it was typed; value: measured; bound: what it was held against, None where there is no champion yet
    """

    metric: str
    said: str
    value: float
    bound: float | None
    passed: bool
    told: str
    """The figures, as a clause."""


@dataclass(frozen=True)
class Rival:
    """The version in charge, and what is known of it."""

    version: int
    metrics: Metrics | None
    """None where its package is lost."""
    same_rows: bool

    @property
    def where(self) -> str:
        """Say on which rows it was measured."""
        return f"of v{self.version} on {'the same' if self.same_rows else 'other'} held-out rows"


def check_audit(run: Execution) -> None:
    """Raise GateFailed where the split audit found something critical and the config says `audit: fail`."""
    if run.plan.config.options.audit != "fail":
        return
    report: Report = run.value("audit")
    critical = [finding for finding in report.findings if finding.severity == "critical"]
    if critical:
        told = " ".join(finding.message for finding in critical)
        names = ",".join(dict.fromkeys(finding.subject for finding in critical))
        hint = f"audit_allow=[{names}] lets pass what you have looked at; audit=warn tells it and goes on"
        raise GateFailed(f"the split audit said no: {told}", hint=hint)


def check_gates(run: Execution) -> None:
    """Hold each gated metric against its gate, and keep what was said; raises GateFailed where one says no.

    A gate on the champion goes by what its package says of it: on the same held-out rows by the values alone, on others a
    loss counts once it is larger than chance makes it. Where there is no champion yet, such a gate is passed.
    """
    gates = read_gates(run.plan.config.options.gates)
    # Also where no gate asks: of two evaluators that measure one metric neither is believed.
    metrics_of(run)
    if not gates:
        return
    rival = _rival(run) if any(gate.champion for gate in gates) else None
    measured = list(_measured(run, gates))
    results = [_result(gate, metric, rival) for gate in gates for metric in _named(gate, measured)]
    run.values[RESULTS] = tuple(results)
    failures = [result.told for result in results if not result.passed]
    if failures:
        raise GateFailed("a gate said no: " + "; ".join(failures))


def gates_told(run: Execution) -> list[dict[str, Any]]:
    """Return what a run's gates said, as plain data; empty where it has none or did not get so far."""
    return [to_json(result) for result in run.values.get(RESULTS, ())]


def _measured(run: Execution, gates: Sequence[Gate]) -> Iterator[Metric]:
    yield from metrics_of(run).values()
    for report in (run.value(stage.key) for stage in run.plan.of("folds", "repeats", "monitor")):
        yield from report.metrics
    if any(gate.metric in LATENCY for gate in gates):
        yield from latency_of(run)


def _named(gate: Gate, measured: Sequence[Metric]) -> list[Metric]:
    found = [metric for metric in measured if gate.names(metric.name)]
    if not found:
        told = suggestion(gate.metric, {metric.name for metric in measured}, "metric")
        problem = Problem(f"gates.{gate.metric}", f"no evaluator measures this, nor does anything else; {told}")
        raise ConfigError("bad config", [problem])
    return found


def _rival(run: Execution) -> Rival | None:
    catalog = run.workspace.catalog
    current = catalog.deployments.current(run.info.name)
    champion = None if current is None else catalog.models.get(run.info.name, current.version)
    if champion is None:
        return None
    try:
        manifest = read_manifest(Path(champion.path))
    except (DataError, StoreError):
        return Rival(champion.version, None, same_rows=False)
    found = Metrics(tuple(from_json(Metric, metric) for metric in manifest["metrics"]))
    return Rival(
        champion.version, found, same_rows(run.workspace.catalog.runs, champion, run.plan["split"].fingerprint)
    )


def _result(gate: Gate, metric: Metric, rival: Rival | None) -> GateResult:
    return _of_champion(gate, metric, rival) if gate.champion else _of_number(gate, metric)


def _of_number(gate: Gate, metric: Metric) -> GateResult:
    sign = gate.sign or _own(metric)
    passed = _holds(metric.value, sign, gate.number)
    told = f"{metric.name} is {metric.value:.4g}, and must be {_words(sign)}{gate.number:g}"
    return GateResult(metric.name, str(gate.said), metric.value, gate.number, passed, told)


def _of_champion(gate: Gate, metric: Metric, rival: Rival | None) -> GateResult:
    told = f"{metric.name} is {metric.value:.4g}"
    said = str(gate.said)
    if rival is None:
        return GateResult(metric.name, said, metric.value, None, passed=True, told=f"{told}; there is no champion yet")
    if rival.metrics is None:
        told = f"{told}; the package of v{rival.version}, which it would be held against, is lost"
        return GateResult(metric.name, said, metric.value, None, passed=True, told=told)
    if not rival.metrics.found:
        # As one that learned on is, which every other would be held against for ever.
        told = f"{told}; v{rival.version}, which it would be held against, was never measured"
        return GateResult(metric.name, said, metric.value, None, passed=True, told=told)
    if metric.name not in rival.metrics:
        told = (
            f"{told}, and v{rival.version}, which it is held against, was never measured by it: a number holds anyway"
        )
        return GateResult(metric.name, said, metric.value, None, passed=False, told=told)
    old, sign = rival.metrics[metric.name], gate.sign or _own(metric)
    bound = old.value + gate.number
    if sign == _own(metric):
        passed = not is_worse(metric, old, same_rows=rival.same_rows, margin=gate.margin - _asked_more(gate))
    else:
        passed = _holds(metric.value, sign, bound)
    more = f" {'+' if gate.number > 0 else '-'} {abs(gate.number):g}" if gate.number else ""
    must = "no worse than" if not gate.sign else f"{_words(sign)}".strip()
    told = f"{told}, and must be {must} {old.value:.4g} {rival.where}{more}"
    return GateResult(metric.name, said, metric.value, bound, passed, told)


def _asked_more(gate: Gate) -> float:
    """Return by how much a metric must be better than the champion's."""
    return max(0.0, gate.number if gate.sign in (">=", ">") else -gate.number)


def _own(metric: Metric) -> Any:
    return ">=" if metric.greater_is_better else "<="


def _holds(value: float, sign: str, bound: float) -> bool:
    # What is not a number holds nothing.
    compared = {
        ">=": value >= bound,
        ">": value > bound,
        "<=": value <= bound,
        "<": value < bound,
        "==": value == bound,
    }
    return compared[sign]


def _words(sign: str) -> str:
    return f"{WORDS[sign]} " if WORDS[sign] else ""
