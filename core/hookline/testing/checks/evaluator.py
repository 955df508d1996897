"""Checks on evaluators."""

from __future__ import annotations

import json
import math
from typing import Any

from hookline.kinds.artifacts import Dataset, Task
from hookline.kinds.capabilities import measured_by
from hookline.kinds.fitted import PROBABILITY, label_text
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Report
from hookline.kinds.scored import PREDICTION, TRUTH, WEIGHT, Scored
from hookline.plans.gates import is_among
from hookline.registry.ports import assignable, ports, type_text

from ..judged import evaluate, ordinary_pipeline, read_back, scored_by
from ..subject import CheckFunction, Subject
from ..tables.pipelines import known_pipelines
from .explains import CHECKS as EXPLAINS_CHECKS


def exercise(subject: Subject) -> None:
    """Judge answers that are right, for each task."""
    for task in subject.tasks():
        right, _, test = known_pipelines(subject.rows(task))
        evaluate(subject, right, scored_by(right, test))


def check_metrics_are_finite(subject: Subject) -> None:
    """Every metric of an ordinary model is a finite number, inside its interval, under a name of its own."""
    for task in subject.tasks():
        metrics = _ordinary(subject, task).metrics
        names = [metric.name for metric in metrics]
        if len(set(names)) != len(names):
            subject.fail(f"reports a metric twice: {', '.join(sorted({n for n in names if names.count(n) > 1}))}.")
        for metric in metrics:
            if not isinstance(metric.value, (int, float)) or not math.isfinite(metric.value):
                subject.fail(
                    f"metric '{metric.name}' is {metric.value!r} on a {task} table; leave it out where it is undefined."
                )
            if metric.low is not None and metric.high is not None and not metric.low <= metric.high:
                subject.fail(f"metric '{metric.name}' has an interval from {metric.low} to {metric.high}.")


def check_measures_what_it_says(subject: Subject) -> None:
    """Every metric of a task stands in `measures`, where the evaluator says beforehand what it measures."""
    said = measured_by(subject.component)
    if said is None:
        return
    for task in subject.tasks():
        for metric in _ordinary(subject, task).metrics:
            if not is_among(metric.name, said.get(task, ())):
                subject.fail(f"metric '{metric.name}' is not in `measures['{task}']`, so that a gate on it is refused.")


def check_repeatable(subject: Subject) -> None:
    """Judging the same rows twice gives the same report."""
    for task in subject.tasks():
        if to_json(_ordinary(subject, task)) != to_json(_ordinary(subject, task)):
            subject.fail(f"two reports on the same {task} rows differ; give every random choice a `seed` field.")


def check_rewards_the_truth(subject: Subject) -> None:
    """A pipeline that is always right scores at least as well, by each metric, as one that always says the same."""
    for task in subject.tasks():
        right, same, test = known_pipelines(subject.rows(task))
        best = {metric.name: metric for metric in evaluate(subject, right, scored_by(right, test)).metrics}
        for metric in evaluate(subject, same, scored_by(same, test)).metrics:
            if metric.name not in best or not math.isfinite(metric.value):
                continue
            gain = best[metric.name].value - metric.value
            if (gain if metric.greater_is_better else -gain) < -1e-9:
                subject.fail(
                    f"metric '{metric.name}' is {best[metric.name].value:.4g} for perfect predictions and "
                    f"{metric.value:.4g} for constant ones on a {task} table; is greater_is_better right?"
                )


def check_report_is_plain(subject: Subject) -> None:
    """The report is plain data, so that it fits into JSON."""
    for task in subject.tasks():
        report = _ordinary(subject, task)
        try:
            from_json(Report, json.loads(json.dumps(to_json(report))))
        except (TypeError, ValueError) as error:
            subject.fail(f"its report cannot be written as JSON: {error}")


def check_takes_scored_rows(subject: Subject) -> None:
    """It judges rows with answers, whoever gave them, and beside them takes only the pipeline, by that name."""
    takes = dict(ports(type(subject.component)).takes)
    takes.pop("pipeline", None)
    if len(takes) != 1 or not assignable(Scored, next(iter(takes.values()))):
        named = ", ".join(f"{name}: {type_text(annotation)}" for name, annotation in takes.items()) or "no rows"
        subject.fail(
            f"evaluate() takes {named}; let it take `scored: Scored`, and `pipeline: Predictor` if it asks more."
        )


def check_takes_rows_read_back(subject: Subject) -> None:
    """Rows with answers that were written to a file and read back give the same report."""
    for task in subject.tasks():
        sample = subject.rows(task)
        pipeline = ordinary_pipeline(sample)
        scored = scored_by(pipeline, sample.test)
        with read_back(scored) as again:
            reports = [to_json(evaluate(subject, pipeline, one)) for one in (scored, again)]
        if reports[0] != reports[1]:
            subject.fail(
                f"rows read back from a file give another report on a {task} table; "
                "ask scored.prediction(), .truth() and .weight()."
            )


def check_raw_names_do_not_matter(subject: Subject) -> None:
    """Raw columns that are called `prediction`, `truth` or `weight` change no metric."""
    for task in subject.tasks():
        sample = subject.rows(task)
        pipeline = ordinary_pipeline(sample)
        with read_back(scored_by(pipeline, _with_confusing_names(sample.test))) as named:
            found = _metrics(evaluate(subject, pipeline, named))
        wanted = _metrics(_ordinary(subject, task))
        changed = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if changed:
            subject.fail(
                f"raw columns called `{PREDICTION}`, `{TRUTH}` and `{WEIGHT}` change {', '.join(changed)} on a {task} table; "
                "ask scored.prediction(), .truth() and .weight(), and scored.rows() for raw columns."
            )


def _ordinary(subject: Subject, task: Task) -> Report:
    sample = subject.rows(task)
    pipeline = ordinary_pipeline(sample)
    return evaluate(subject, pipeline, scored_by(pipeline, sample.test))


def _with_confusing_names(rows: Dataset) -> Dataset:
    """Add raw columns of the names that answers have, which say something else."""
    import polars as pl

    target = rows.target
    assert target is not None
    names = [PREDICTION, TRUTH, WEIGHT, *(f"{PROBABILITY}{label_text(label)}" for label in target.classes)]
    new = [name for name in names if name not in rows.frame.collect_schema().names()]
    return rows.with_frame(rows.frame.with_columns(((pl.int_range(pl.len()) % 5) / 4).alias(name) for name in new))


def _metrics(report: Report) -> dict[str, Any]:
    return {metric.name: to_json(metric) for metric in report.metrics}


CHECKS: tuple[CheckFunction, ...] = (
    check_metrics_are_finite,
    check_measures_what_it_says,
    check_repeatable,
    check_rewards_the_truth,
    check_report_is_plain,
    check_takes_scored_rows,
    check_takes_rows_read_back,
    check_raw_names_do_not_matter,
    *EXPLAINS_CHECKS,
)
