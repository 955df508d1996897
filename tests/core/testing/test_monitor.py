"""What is promised of a monitor: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from hookline import Dataset, Finding, Metric, Reference, Report
from hookline.kinds.component import Component
from kit.components import Counting
from kit.conformance import built_in, check_built_in, check_good, own_checks, require_failure


class Alarmist(Counting):
    """Always alarmed."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        return Report("Rows", findings=(Finding("rows", "count", 1.0, 0.0, "critical", "Rows!"),))


class Terse(Counting):
    """Leaves out the sentence."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        return Report("Rows", findings=(Finding("rows", "count", 1.0, 0.0, "info", ""),))


class UnsteadyMonitor(Counting):
    """Gives another number each time."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        return Report("Rows", (Metric("luck", float(np.random.default_rng().normal())),))


class Greedy(Counting):
    """Needs the training rows."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        assert reference.dataset is not None, "the training rows are gone"
        return super().check(current, reference)


class Surprising(Counting):
    """Says that it measures something else."""

    measures = ("columns",)


FAULTS: Mapping[str, Callable[[], Component]] = {
    "same_data_raise_no_alarm": Alarmist,
    "findings_are_complete": Terse,
    "repeatable": UnsteadyMonitor,
    "measures_what_it_says": Surprising,
    "needs_only_the_profile": Greedy,
}


@pytest.mark.parametrize("name", built_in("monitor"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("monitor", name, {})


def test_a_good_component_passes() -> None:
    check_good(Counting())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("monitor")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)
