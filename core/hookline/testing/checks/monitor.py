"""Checks on monitors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hookline.errors import HooklineError
from hookline.kinds.artifacts import Dataset
from hookline.kinds.deployments import Traffic
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import SEVERITIES, Reference, Report
from hookline.kinds.scored import Scored
from hookline.plans.gates import is_among
from hookline.registry.ports import assignable, ports, type_text

from ..judged import Seen, reference_of, seen_by, unlabeled
from ..subject import CheckFunction, Subject


def exercise(subject: Subject) -> None:
    """Compare the training rows with themselves."""
    sample = subject.rows("binary")
    subject.component.check(seen_by(subject, sample, sample.train), reference_of(sample))


def check_same_data_raise_no_alarm(subject: Subject) -> None:
    """Rows compared with themselves give no critical finding."""
    sample = subject.rows("binary")
    report = subject.component.check(seen_by(subject, sample, sample.train), reference_of(sample))
    loud = [finding for finding in report.findings if finding.severity == "critical"]
    if loud:
        subject.fail(f"finds something critical in rows compared with themselves: {loud[0].message}")


def check_findings_are_complete(subject: Subject) -> None:
    """Every finding has a subject, a statistic, finite numbers, a known severity and a sentence."""
    for report in _reports(subject):
        for finding in report.findings:
            if not (finding.subject and finding.statistic and finding.message):
                subject.fail(f"makes a finding without a subject, a statistic or a sentence: {finding}")
            if finding.severity not in SEVERITIES:
                subject.fail(f"makes a finding of severity {finding.severity!r}; use {', '.join(SEVERITIES)}.")
            if not all(math.isfinite(float(number)) for number in (finding.value, finding.threshold)):
                subject.fail(f"makes a finding with a value or threshold that is not finite: {finding}")


def check_repeatable(subject: Subject) -> None:
    """Checking the same rows twice gives the same report, which is plain data."""
    for first, second in zip(_reports(subject), _reports(subject), strict=True):
        text = json.dumps(to_json(first))
        if text != json.dumps(to_json(second)):
            subject.fail("two reports on the same rows differ; leave clocks and random numbers out of them.")
        from_json(Report, json.loads(text))


def check_measures_what_it_says(subject: Subject) -> None:
    """Every metric stands in `measures`, where the monitor says beforehand what it measures."""
    said: Any = subject.component.measures
    names = [] if said is None else [metric.name for report in _reports(subject) for metric in report.metrics]
    for name in names:
        if said is not None and not is_among(name, said):
            subject.fail(f"metric '{name}' is not in `measures`, so that a gate on it is refused.")


def check_needs_only_the_profile(subject: Subject) -> None:
    """The monitor works from a package, where the training rows are gone and only what the run left is at hand."""
    import tempfile
    from pathlib import Path

    sample = subject.rows("binary")
    reference = reference_of(sample)
    with tempfile.TemporaryDirectory() as name:
        files = {}
        current = seen_by(subject, sample, sample.test)
        for file, content in subject.component.check(current, reference).files.items():
            files[file] = Path(name) / file
            files[file].parent.mkdir(parents=True, exist_ok=True)
            files[file].write_bytes(content)
        try:
            subject.component.check(current, replace(reference, dataset=None, files=files))
        except (AttributeError, AssertionError) as error:
            subject.fail(f"needs the training rows ({error}); use reference.profile where reference.dataset is None.")


def check_says_what_it_looks_at(subject: Subject) -> None:
    """The annotation of what it looks at is Dataset, for raw rows, Scored, for rows with answers, or Traffic, for requests."""
    wanted = next(iter(ports(type(subject.component)).takes.values()), Any)
    if wanted is Any or not any(assignable(given, wanted) for given in (Dataset, Scored, Traffic)):
        subject.fail(
            f"check() looks at {type_text(wanted)}; annotate `current` as Dataset, as Scored to see answers, or as Traffic."
        )


def check_says_what_it_lacks(subject: Subject) -> None:
    """Where metrics, answers or target were not kept, or the truth is not known yet, it does without or says so."""
    sample = subject.rows("binary")
    reference = reference_of(sample)
    current = seen_by(subject, sample, sample.test)
    poorer = {
        "metrics": replace(reference, metrics=None),
        "answers": replace(reference, answers=None),
        "metrics, answers and target": replace(reference, metrics=None, answers=None, target=None),
    }
    for lacking, known in poorer.items():
        _do_without(subject, f"a reference without {lacking}", current, known)
    if isinstance(current, Traffic):
        _do_without(subject, "requests that no server counted", Traffic(), reference)
    if isinstance(current, Scored):
        _do_without(subject, "rows of which the truth is not known", unlabeled(current), reference)


def _do_without(subject: Subject, what: str, current: Seen, reference: Reference) -> None:
    try:
        subject.component.check(current, reference)
    except Exception as error:  # noqa: BLE001  the component may raise anything; that is what is checked
        if not isinstance(error, HooklineError):
            told = str(error).strip().partition("\n")[0]
            subject.fail(
                f"{what} makes it raise {type(error).__name__} ({told}); do without, or raise DataError saying what it lacks."
            )


def _reports(subject: Subject) -> Iterator[Report]:
    """Check the training rows, the test rows, and rows that have moved."""
    sample = subject.rows("binary")
    reference = reference_of(sample)
    for current in (sample.train, sample.test, _moved(sample.test)):
        yield subject.component.check(seen_by(subject, sample, current), reference)


def _moved(dataset: Dataset) -> Dataset:
    import polars as pl
    import polars.selectors as cs

    moved = dataset.frame.with_columns(
        cs.numeric().exclude("__row_id__") * 3 + 1_000, cs.string().exclude("target").replace("Oslo", "Rome")
    )
    assert isinstance(moved, pl.LazyFrame)
    return dataset.with_frame(moved)


CHECKS: tuple[CheckFunction, ...] = (
    check_same_data_raise_no_alarm,
    check_findings_are_complete,
    check_repeatable,
    check_measures_what_it_says,
    check_needs_only_the_profile,
    check_says_what_it_looks_at,
    check_says_what_it_lacks,
)
