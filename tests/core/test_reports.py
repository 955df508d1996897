"""Findings have one order, whoever made them."""

from __future__ import annotations

from itertools import product
from operator import itemgetter
from typing import get_args

from hookline.kinds.reports import SEVERITIES, Finding, Severity, at_least, worst_first


def finding(subject: str, severity: Severity) -> Finding:
    return Finding(subject, "share", 1.0, 0.5, severity, f"{subject} is odd.")


def test_every_severity_has_its_place_in_the_order() -> None:
    assert sorted(SEVERITIES) == sorted(get_args(Severity))
    assert SEVERITIES == ("info", "warning", "critical")


def test_the_worst_comes_first_and_equals_stay_as_they_came() -> None:
    found = [finding("a", "info"), finding("b", "critical"), finding("c", "warning"), finding("d", "critical")]
    assert [one.subject for one in worst_first(found)] == ["b", "d", "c", "a"]


def test_findings_that_were_read_from_json_are_ordered_alike() -> None:
    found = [{"severity": "info"}, {"severity": "critical"}, {"severity": "warning"}]
    assert worst_first(found, itemgetter("severity")) == [found[1], found[2], found[0]]


def test_a_severity_is_at_least_itself_and_whatever_is_milder() -> None:
    reached = {(one, bound) for one, bound in product(SEVERITIES, SEVERITIES) if at_least(one, bound)}
    assert reached == {
        ("info", "info"),
        ("warning", "info"),
        ("warning", "warning"),
        ("critical", "info"),
        ("critical", "warning"),
        ("critical", "critical"),
    }
