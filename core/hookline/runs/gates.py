"""What may say no to a run: the split audit, and metrics' bounds."""

from __future__ import annotations

from hookline.errors import ConfigError, GateFailed, Problem, suggestion
from hookline.kinds.reports import Report

from .execution import Execution
from .parts import metrics_of


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
    """Raise GateFailed unless each gated metric reaches its value."""
    gates, metrics = run.plan.config.options.gates, metrics_of(run)
    failures = []
    for name, bound in gates.items():
        if name not in metrics:
            told = suggestion(name, metrics, "metric")
            raise ConfigError("bad config", [Problem(f"gates.{name}", f"no evaluator measures this; {told}")])
        metric = metrics[name]
        if not (metric.value >= bound if metric.greater_is_better else metric.value <= bound):
            wanted = "at least" if metric.greater_is_better else "at most"
            failures.append(f"{name} is {metric.value:.4g}, and must be {wanted} {bound:g}")
    if failures:
        raise GateFailed("a gate said no: " + "; ".join(failures))
