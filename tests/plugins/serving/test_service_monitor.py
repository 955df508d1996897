"""The service monitor: failing, slow and warned requests are told where that is certain, and hardly ever otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hookline import Histogram, Profile, Reference, Report, Traffic
from hookline.kinds.deployments import LATENCY_BOUNDS
from hookline_serving import ServiceMonitor

REFERENCE = Reference(Profile(0, ()))


def latency(seconds: np.ndarray) -> Histogram:
    """Return how long requests took as a server counts it."""
    places = np.searchsorted(LATENCY_BOUNDS, seconds, side="left")
    return Histogram(LATENCY_BOUNDS, tuple(np.bincount(places, minlength=len(LATENCY_BOUNDS) + 1).tolist()))


def traffic(requests: int, errors: int, median: float = 0.004, seed: int = 0, warned: int = 0) -> Traffic:
    """Return requests whose latency is lognormal around a median in seconds."""
    took = median * np.exp(0.5 * np.random.default_rng(seed).normal(size=requests - errors))
    return Traffic(requests, errors, latency(took), requests - errors, warned)


def check(now: Traffic, before: Traffic | None = None, **fields: float) -> Report:
    return ServiceMonitor(**fields).check(replace(now, before=before), REFERENCE)


def found(report: Report) -> dict[tuple[str, str], str]:
    return {(one.subject, one.statistic): one.severity for one in report.findings}


USUAL = traffic(50_000, 20, seed=9)


def test_usual_requests_are_nothing_to_report() -> None:
    report = check(traffic(5_000, 2), USUAL)
    assert report.findings == ()
    assert [row[0] for row in report.tables[0].rows] == [
        "errors, error share",
        "latency, p99",
        "latency, median",
        "warnings, share of answers",
    ]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (traffic(5_000, 25), {("errors", "error share"): "warning"}),
        (traffic(5_000, 400), {("errors", "error share"): "critical"}),
        (traffic(5_000, 2, 0.4), {("latency", "p99"): "warning", ("latency", "median"): "critical"}),
        (traffic(5_000, 2, 0.05), {("latency", "p99"): "warning", ("latency", "median"): "warning"}),
        (traffic(5_000, 2, warned=400), {("warnings", "share of answers"): "warning"}),
        (traffic(300, 300), {("errors", "error share"): "critical"}),
    ],
)
def test_what_is_certainly_worse_than_a_limit_or_than_before_is_told(
    now: Traffic, told: dict[tuple[str, str], str]
) -> None:
    assert found(check(now, USUAL)) == told


def test_a_change_too_small_to_matter_is_not_told() -> None:
    # Three times as slow, and five times as many errors: a few milliseconds, and one in two thousand.
    assert check(traffic(20_000, 10, 0.006), traffic(50_000, 5, 0.002)).findings == ()


def test_without_days_before_only_the_limits_count() -> None:
    assert check(traffic(5_000, 25, 0.05)).findings == ()
    assert found(check(traffic(5_000, 25, 0.05), seconds=0.05)) == {("latency", "p99"): "warning"}
    assert found(check(traffic(5_000, 25, 0.05), traffic(20, 0))) == {}


def test_requests_that_no_server_counted_are_judged_by_the_log_and_that_is_said() -> None:
    report = check(replace(traffic(5_000, 0, 1.0), requests=None, errors=None))
    assert found(report) == {("latency", "p99"): "warning", ("errors", "requests"): "info"}
    assert "how many failed is not known" in report.findings[1].message


def test_few_requests_are_not_judged() -> None:
    report = check(traffic(99, 99), USUAL)
    assert [(one.severity, one.statistic) for one in report.findings] == [("info", "requests")]


def test_windows_of_an_unchanged_service_are_hardly_ever_told() -> None:
    rng, told = np.random.default_rng(4), 0
    for seed in range(300):
        requests = int(rng.integers(200, 2_000))
        told += bool(check(traffic(requests, rng.binomial(requests, 0.0004), seed=seed), USUAL).findings)
    assert told == 0


def test_a_latency_is_at_least_what_certainly_too_many_requests_take() -> None:
    now = traffic(5_000, 0, 0.05)
    rows = {row[0]: row for row in check(now, USUAL).tables[0].rows}
    exact = 0.05 * np.exp(0.5 * np.quantile(np.random.default_rng(0).normal(size=5_000), (0.99, 0.5)))
    for (value, low), true in zip(
        [(rows[name][1], rows[name][2]) for name in ("latency, p99", "latency, median")], exact, strict=True
    ):
        assert float(low) <= true <= float(value) <= 1.2 * true


def refused(counts: dict[int, int], requests: int = 10_000) -> Traffic:
    return replace(traffic(requests, 0), refused=counts, asked=requests + sum(counts.values()))


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (refused({422: 100}), None, {}),
        (refused({422: 290, 413: 20}), None, {("refused", "share of requests"): "warning"}),
        (refused({503: 5_000}), None, {("refused", "share of requests"): "critical"}),
        (refused({422: 100}), USUAL, {("refused", "share of requests"): "warning"}),
        (refused({422: 100}), refused({422: 90}), {}),
        (Traffic(0, 0, refused={422: 400}, asked=400), None, {("refused", "share of requests"): "critical"}),
    ],
    ids=["few", "too many", "most", "none before", "as before", "all"],
)
def test_refused_requests_are_told_where_certainly_too_many_or_more_than_before(
    now: Traffic, before: Traffic | None, told: dict[tuple[str, str], str]
) -> None:
    assert found(check(now, before)) == told


def test_refused_requests_are_told_by_status_and_why() -> None:
    [finding] = check(refused({422: 290, 413: 20})).findings
    assert "3.01% of 10,310 requests were refused" in finding.message
    assert "290 with 422 (the contract), 20 with 413 (too large)." in finding.message
