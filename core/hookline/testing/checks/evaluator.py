"""Checks on evaluators."""

from __future__ import annotations

import json
import math

from hookline.kinds.artifacts import Task
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Report

from ..exercise import evaluate, ordinary_pipeline
from ..parts import known_pipelines
from ..subject import CheckFunction, Subject


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


def check_repeatable(subject: Subject) -> None:
    """Judging the same rows twice gives the same report."""
    for task in subject.tasks():
        if to_json(_ordinary(subject, task)) != to_json(_ordinary(subject, task)):
            subject.fail(f"two reports on the same {task} rows differ; give every random choice a `seed` field.")


def check_rewards_the_truth(subject: Subject) -> None:
    """A pipeline that is always right scores at least as well, by each metric, as one that always says the same."""
    for task in subject.tasks():
        right, same, test = known_pipelines(subject.rows(task))
        best = {metric.name: metric for metric in evaluate(subject, right, test).metrics}
        for metric in evaluate(subject, same, test).metrics:
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


def _ordinary(subject: Subject, task: Task) -> Report:
    sample = subject.rows(task)
    return evaluate(subject, ordinary_pipeline(sample), sample.test)


CHECKS: tuple[CheckFunction, ...] = (
    check_metrics_are_finite,
    check_repeatable,
    check_rewards_the_truth,
    check_report_is_plain,
)
