"""What stages put together from what a run has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.data.cleaning.ledger import counted
from hookline.data.target import true_values
from hookline.kinds.reports import Metrics, Report
from hookline.kinds.scored import Scored
from hookline.packages.pipeline import FittedStage, Pipeline, apply_transforms, decided

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from hookline.kinds.artifacts import Dataset
    from hookline.kinds.fitted import Prediction
    from hookline.plans.plan import Knowledge

    from .execution import Execution


def pipeline_of(run: Execution, *, ruled: bool = True) -> Pipeline[Any]:
    """Put the fitted parts of a run together, with the rules that make its answers, or without."""
    knowledge: Knowledge = run.value("knowledge")
    return Pipeline(
        knowledge.schema,
        run.plan.roles,
        run.value("target"),
        fitted_in(run, "always"),
        featurizers_of(run),
        run.value(run.plan.of("trainer")[0].key),
        *(run.value(key) if ruled and run.plan.of(key) else None for key in RULES),
    )


def fitted_in(run: Execution, *scopes: str, until: str | None = None) -> tuple[FittedStage, ...]:
    """Return the fitted transforms that apply in some scopes, up to the stage `until`."""
    found = []
    for stage in run.plan.fitted_transforms():
        if stage.key == until:
            break
        if stage.applies in scopes:
            found.append(FittedStage(stage.key, stage.name, run.value(stage.key)))
    return tuple(found)


def featurizers_of(run: Execution) -> tuple[FittedStage, ...]:
    """Return the fitted featurizers, in order."""
    return tuple(FittedStage(stage.key, stage.name, run.value(stage.key)) for stage in run.plan.of("featurizer"))


def scored_of(run: Execution) -> Scored:
    """Return the held-out rows with the pipeline's answers and the truth; made once a run."""
    if SCORED not in run.values:
        (rows, said), target = plain_answers_of(run), run.value("target")
        test = run.value("split").test.with_frame(rows.lazy())
        rules = (run.value(key) if run.plan.of(key) else None for key in RULES)
        truth = true_values(apply_transforms(fitted_in(run, "always"), test.frame), target)
        run.values[SCORED] = Scored.of(test, decided(said, target, *rules), target, truth, weights_in(test))
    found: Scored = run.values[SCORED]
    return found


def plain_answers_of(run: Execution) -> tuple[pl.DataFrame, Prediction]:
    """Return the held-out rows with what the model says of them, before any rule decides; asked once a run."""
    if ANSWERED not in run.values:
        rows = run.value("split").test.frame.collect()
        answered: Prediction | None = run.second.take("answer", run.plan.of("trainer")[0].key)
        # Without the model, whose library may take seconds to import.
        run.values[ANSWERED] = rows, pipeline_of(run, ruled=False).undecided(rows) if answered is None else answered
    found: tuple[pl.DataFrame, Prediction] = run.values[ANSWERED]
    return found


def weights_in(rows: Dataset) -> np.ndarray | None:
    """Return how much each row counts, float64 (n_rows,); None for equal weights, and where rows do not say."""
    if rows.roles.weight is None or rows.roles.weight not in rows.frame.collect_schema():
        return None
    weights: np.ndarray = rows.frame.select(rows.roles.weight).collect().to_series().cast(float).to_numpy()
    return weights


RULES = ("decision", "intervals", "sets")
"""Stages that make an answer of what the model says, in the order of a pipeline's fields."""
SCORED, ANSWERED = "\0scored", "\0answered"
"""Where `scored_of` and `plain_answers_of` keep them among a run's values; no stage has such a key."""


def report_in_words(report: Report) -> str:
    """Say in a few words what a report found."""
    shown = [f"{metric.name} {metric.value:.4g}" for metric in report.metrics[:2]]
    return ", ".join([*shown, *([counted(len(report.findings), "finding")] if report.findings else [])])


def metrics_of(run: Execution) -> Metrics:
    """Return what the run's evaluators measured; raises DataError where two measure a metric of one name."""
    return Metrics.of(run.reports("evaluator"))
