"""What speaks against a run's package taking over from the version in charge."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, StoreError
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Metric, Metrics, Report
from hookline.packages.manifest import read_manifest
from hookline.plans.gates import margins_of

from ..parts import metrics_of

if TYPE_CHECKING:
    from hookline.workspace.catalog.models import ModelRecord
    from hookline.workspace.catalog.runs import Runs

    from ..execution import Execution

ROUNDING = 1e-9
"""Relative difference of a metric on the very same rows that is no difference."""


@dataclass(frozen=True)
class Standing:
    """What a run found of its package, held against the version in charge; each a clause with its figures."""

    objections: tuple[str, ...] = ()
    merit: str = ""
    """Why it may take over; empty where there is no version to take over from."""
    unfit: tuple[str, ...] = ()
    """Those of the objections that no trial on live traffic can settle."""


@dataclass(frozen=True)
class Candidate:
    """What is known of a version that may take over.

    target: as a manifest has it; critical: messages of critical findings of its audit and evaluators
    gates: metric that was gated -> by how much it may be worse
    same_rows: whether it was judged by the held-out rows that judged the champion
    """

    target: Mapping[str, Any]
    metrics: Metrics
    critical: tuple[str, ...] = ()
    gates: Mapping[str, float] = field(default_factory=dict)
    same_rows: bool = False


def stand(run: Execution, champion: ModelRecord | None) -> Standing:
    """Hold a run's model against the version in charge, None where there is none."""
    same = champion is not None and same_rows(run.workspace.catalog.runs, champion, run.plan["split"].fingerprint)
    gates = margins_of(run.plan.config.options.gates)
    return held_against(
        Candidate(to_json(run.value("target")), metrics_of(run), tuple(_critical(run)), gates, same), champion
    )


def held_against(new: Candidate, champion: ModelRecord | None) -> Standing:
    """Hold a version against the one in charge, None where there is none.

    A model may not take over with a critical finding of its audit or evaluators, with another target or task, or where it
    is worse than the champion in what both were judged by: the gated metrics that both have, else the headline. On the
    same held-out rows any loss counts. On other rows a loss counts once it is larger than chance makes it: than the root of
    the summed squares of both half intervals of 95 % (the interval of a difference of independent estimates; Altman and
    Bland 2003, "Interaction revisited", BMJ 326:219).
    """
    critical = tuple(f"critical finding: {message.rstrip('.')}" for message in new.critical)
    if champion is None:
        return Standing(critical, unfit=critical)
    try:
        manifest = read_manifest(Path(champion.path))
    except (DataError, StoreError):
        return Standing(critical, f"the package of v{champion.version} is lost", critical)
    objections = (*critical, *_other_target(new.target, manifest, champion.version))
    if objections:
        return Standing(objections, unfit=objections)
    return _by_metrics(new, manifest, champion)


def _critical(run: Execution) -> Iterator[str]:
    for kind in ("audit", "evaluator"):
        for stage in run.plan.of(kind):
            report: Report = run.value(stage.key)
            for finding in report.findings:
                if finding.severity == "critical":
                    yield finding.message


def _other_target(new: Mapping[str, Any], manifest: Mapping[str, Any], version: int) -> Iterator[str]:
    """Say in what a model answers another question than the champion does."""
    old = manifest["target"]
    if (new["name"], new["task"]) != (old["name"], old["task"]):
        yield f"it predicts {new['name']} ({new['task']}), and v{version} {old['name']} ({old['task']})"
    elif new["classes"] != old["classes"]:
        told = [", ".join(map(str, one["classes"][:10])) for one in (new, old)]
        yield f"it tells the classes {told[0]} apart, and v{version} {told[1]}"


def _by_metrics(new: Candidate, manifest: Mapping[str, Any], champion: ModelRecord) -> Standing:
    old = Metrics(tuple(from_json(Metric, metric) for metric in manifest["metrics"]))
    names = _judged_by(new, old)
    if not old:
        return Standing((), f"v{champion.version} was never measured")
    if not names:
        return Standing((f"no evaluator measured both it and v{champion.version}",))
    where = "the same held-out rows" if new.same_rows else "other held-out rows"
    worse: list[str] = []
    told: list[str] = []
    for name in names:
        ours = new.metrics[name]
        clause = f"{name} is {ours.value:.4g}, and {old[name].value:.4g} of v{champion.version} on {where}"
        lost = is_worse(ours, old[name], same_rows=new.same_rows, margin=new.gates.get(name, 0.0))
        (worse if lost else told).append(clause)
    return Standing(tuple(worse), "; ".join(told))


def _judged_by(new: Candidate, old: Metrics) -> list[str]:
    """Return the metrics that decide: the gated ones that both have, else the one that heads a report."""
    shared = Metrics(tuple(metric for metric in new.metrics.values() if metric.name in old))
    gated = [name for name in new.gates if name in shared]
    head = shared.headline()
    return gated or ([] if head is None else [head.name])


def same_rows(runs: Runs, champion: ModelRecord, split: str | None) -> bool:
    """Tell whether the held-out rows of a split, by its fingerprint, are those that judged the champion; None is of no split."""
    return split is not None and runs.stage_fingerprint(champion.run_id, "split") == split


def is_worse(new: Metric, old: Metric, *, same_rows: bool, margin: float = 0.0) -> bool:
    """Tell whether a metric is worse than the champion's by more than a margin and, on other rows, than chance makes it."""
    loss = (old.value - new.value if new.greater_is_better else new.value - old.value) - margin
    chance = ROUNDING * max(1.0, abs(old.value)) if same_rows else math.hypot(_half(new), _half(old))
    # What is not a number is worse than any number.
    return not math.isnan(old.value) and not loss <= chance


def _half(metric: Metric) -> float:
    return 0.0 if metric.low is None or metric.high is None else (metric.high - metric.low) / 2
