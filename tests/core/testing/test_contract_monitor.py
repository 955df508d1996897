"""What is promised of a monitor of answers, each promise with one that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hookline import Dataset, Finding, Metric, Monitor, Reference, Report, Scored
from hookline.errors import DataError
from hookline.kinds.component import Component
from hookline.testing import Check, CheckFailed, checks_for


class Accuracy(Monitor):
    """Hold the share of right answers against the one that was measured."""

    name = "accuracy"

    def check(self, current: Scored, reference: Reference) -> Report:
        if reference.metrics is None or "accuracy" not in reference.metrics:
            raise DataError("monitor 'accuracy' needs a reference with the accuracy on held-out rows")
        least = reference.metrics["accuracy"].low or 0.0
        now = float((current.prediction().values == current.truth()).mean())
        text = f"accuracy is {now:.3f}, and was at least {least:.3f}."
        found = Finding("accuracy", "share", now, least, "critical", text)
        return Report("Accuracy", (Metric("accuracy", now),), findings=(found,) if now < least else ())


class Positives(Monitor):
    """Tell the share of each answer, which needs nothing else."""

    name = "positives"

    def check(self, current: Scored, reference: Reference) -> Report:
        said = current.prediction().values
        shares = (Metric(f"share_{label}", float((said == label).mean())) for label in current.target.classes)
        return Report("Answers", tuple(shares))


class Trusting(Accuracy):
    """Takes it that everything was measured."""

    def check(self, current: Scored, reference: Reference) -> Report:
        assert reference.metrics is not None, "no metrics"
        return super().check(current, reference)


class Certain(Positives):
    """Takes it that the truth is known."""

    def check(self, current: Scored, reference: Reference) -> Report:
        truth = current.frame.collect()["truth"]
        return Report("Rows", (Metric("rows", float(len(truth))),))


class OfAnything(Positives):
    """Does not say what it looks at."""

    def check(self, current: Any, reference: Reference) -> Report:
        return Report("Nothing")


class OfReports(Positives):
    """Looks at what there is not."""

    def check(self, current: Report, reference: Reference) -> Report:
        return current


FAULTS: Mapping[str, Callable[[], Component]] = {
    "says_what_it_looks_at": OfAnything,
    "says_what_it_lacks": Trusting,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


@pytest.mark.parametrize("component", [Accuracy(), Positives()], ids=lambda part: type(part).__name__)
def test_a_good_monitor_of_answers_passes(component: Component) -> None:
    for check in checks_for(component):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    component = FAULTS[name]()
    with pytest.raises(CheckFailed, match=f"^monitor '{component.name}': "):
        named(component, name)()


@pytest.mark.parametrize(
    ("component", "name", "told"),
    [
        (OfReports(), "says_what_it_looks_at", "looks at Report; annotate `current` as Dataset"),
        (
            Trusting(),
            "says_what_it_lacks",
            "a reference without metrics makes it raise AssertionError \\(no metrics\\)",
        ),
        (Certain(), "says_what_it_lacks", "rows of which the truth is not known make"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Monitor) else "",
)
def test_a_fault_of_a_monitor_is_told(component: Monitor, name: str, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, name)()


def test_a_monitor_of_raw_rows_is_given_raw_rows() -> None:
    seen: list[type] = []

    class Recording(Monitor):
        """Keep what it is given."""

        name = "recording"

        def check(self, current: Dataset, reference: Reference) -> Report:
            seen.append(type(current))
            return Report("Rows")

    named(Recording(), "same_data_raise_no_alarm")()
    assert seen == [Dataset]
