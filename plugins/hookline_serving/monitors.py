"""The service monitor: how many requests fail, how long the others take, and how many are answered with a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Annotated

from annotated_types import Gt, Interval

from hookline import Finding, Histogram, Metric, Monitor, Reference, Report, Table, Traffic
from hookline.kinds.deployments import REFUSED
from hookline.kinds.reports import Severity, worst_first

TITLE = "Service"
TAIL, MIDDLE = 0.99, 0.5
CHANCE = 0.001
"""How often an unchanged share may lie below what it is said to be at least."""
STEPS = 40
NAMES = ("what", "now", "at least", "threshold", "before", "verdict")


@dataclass(frozen=True)
class Measure:
    """One thing that was measured of the requests."""

    subject: str
    statistic: str
    value: float
    low: float
    """What it is at least, with 99.9 % confidence."""
    threshold: float
    before: float | None
    critical: bool
    """Whether it is certain that it is far beyond the threshold."""
    message: str

    @property
    def is_told(self) -> bool:
        """Whether it is certain that it is beyond the threshold."""
        return self.low > self.threshold


class ServiceMonitor(Monitor):
    """Compare how requests fared with limits, and with the seven days before, whichever version answered then.

    A limit is passed where it is certain, but for a chance of one in a thousand, that too many requests fail or take longer
    (Chernoff, 1952). Latency is known to within a fifth.

    It sees what servers counted, in parts of five minutes, and what is in the prediction log. Requests that were refused
    before any version answered, since they cannot be read, do not keep the contract or are too many, are told by status of the
    version in charge. Those that no route was found for, or that bore no token, are not counted.
    """

    name = "service"
    errors: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Share of requests that may fail."""
    seconds: Annotated[float, Gt(0)] = 1.0
    """Within which 99 of 100 requests are to be answered."""
    warned: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Share of answers that may be given with a warning, such as that a value lies outside the contract."""
    refused: Annotated[float, Interval(gt=0, lt=1)] = 0.02
    """Share of all requests that may be refused before a version answers."""
    times: Annotated[float, Gt(1)] = 2.0
    """So many times as slow as before, or failing so many times as often, is told although it is within the limits."""
    least_errors: Annotated[float, Interval(gt=0, lt=1)] = 0.001
    """Share of failing or refused requests below which a change is not told."""
    least_seconds: Annotated[float, Gt(0)] = 0.02
    """Latency below which a change is not told."""
    critical_factor: Annotated[float, Gt(1)] = 5.0
    """Beyond so many times a limit it is critical."""
    min_requests: Annotated[int, Gt(0)] = 100
    """Requests below which nothing is judged, or nothing held against them."""

    def check(self, current: Traffic, reference: Reference) -> Report:
        """Report what is beyond a limit; a note where there is too little to judge by."""
        count = max(current.requests or 0, sum(current.latency.counts), current.answers, current.asked)
        if count < self.min_requests:
            text = f"{count} requests are too few to judge the service by; {self.min_requests} are needed."
            note = Finding("requests", "requests", float(count), float(self.min_requests), "info", text)
            return Report(TITLE, findings=(note,))
        before = current.before if current.before and (current.before.requests or 0) >= self.min_requests else Traffic()
        measures = [
            *self._errors(current, before),
            *self._refused(current, before),
            *self._latency(current, before),
            *self._warnings(current),
        ]
        findings = [_finding(one) for one in measures if one.is_told]
        if current.requests is None:
            text = "no server counted requests in this time: how many failed is not known, and latency is of the log."
            findings.append(Finding("errors", "requests", 0.0, float(self.min_requests), "info", text))
        rows = tuple(_row(one) for one in measures)
        metrics = (Metric("requests", float(count)), *map(_metric, measures))
        return Report(TITLE, metrics, (Table(TITLE, NAMES, rows),), findings=tuple(worst_first(findings)))

    def _errors(self, now: Traffic, before: Traffic) -> Iterator[Measure]:
        if now.requests is None or not now.requests:
            return
        failed = now.errors or 0
        share, threshold, was = failed / now.requests, self.errors, None
        if before.requests:
            was = (before.errors or 0) / before.requests
            threshold = min(threshold, max(self.least_errors, self.times * was))
        low = _surely(failed, now.requests)
        text = f"{share:.2%} of {now.requests:,} requests failed (at least {low:.2%})"
        text += "." if was is None else f"; {was:.2%} in the days before."
        far = low > self.errors * self.critical_factor
        yield Measure("errors", "error share", share, low, threshold, was, far, text)

    def _refused(self, now: Traffic, before: Traffic) -> Iterator[Measure]:
        count = sum(now.refused.values())
        if not count:
            return
        share, threshold, was = count / now.asked, self.refused, None
        if before.requests:
            was = sum(before.refused.values()) / max(before.asked, before.requests)
            threshold = min(threshold, max(self.least_errors, self.times * was))
        low = _surely(count, now.asked)
        why = ", ".join(f"{number:,} with {status} ({REFUSED[status]})" for status, number in _most_first(now.refused))
        text = f"{share:.2%} of {now.asked:,} requests were refused (at least {low:.2%}): {why}"
        text += "." if was is None else f"; {was:.2%} in the days before."
        far = low > self.refused * self.critical_factor
        yield Measure("refused", "share of requests", share, low, threshold, was, far, text)

    def _latency(self, now: Traffic, before: Traffic) -> Iterator[Measure]:
        for share, name, limit in ((TAIL, "p99", self.seconds), (MIDDLE, "median", None)):
            value, was = _quantile(now.latency, share), _quantile(before.latency, share)
            if value is None:
                continue
            changed = None if was is None else max(self.least_seconds, self.times * was)
            threshold = min(one for one in (limit, changed) if one is not None) if limit or changed else None
            if threshold is None:
                continue
            low = _at_least(now.latency, share)
            text = f"{share:.0%} of requests take up to {_said(value)} (at least {_said(low)})"
            text += "." if was is None else f"; {_said(was)} in the days before."
            far = low > (limit or threshold) * self.critical_factor
            yield Measure("latency", name, value, low, threshold, was, far, text)

    def _warnings(self, now: Traffic) -> Iterator[Measure]:
        if now.answers:
            share, low = now.warned / now.answers, _surely(now.warned, now.answers)
            text = f"{share:.1%} of {now.answers:,} answers were given with a warning (at least {low:.1%})."
            yield Measure("warnings", "share of answers", share, low, self.warned, None, critical=False, message=text)


def _most_first(refused: Mapping[int, int]) -> list[tuple[int, int]]:
    return sorted(refused.items(), key=lambda pair: (-pair[1], pair[0]))


def _surely(count: int, among: int) -> float:
    """Return what a share is at least: the least at which so many are not too unlikely by Chernoff's bound (1952, theorem 1).

    It holds for any number of requests, however rare what is counted.
    """
    share, (low, high) = count / among, (0.0, count / among)
    for _ in range(STEPS if count else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if among * _divergence(share, middle) < log(1 / CHANCE) else (middle, high)
    return low


def _divergence(share: float, other: float) -> float:
    """Return the Kullback-Leibler divergence of two coins; other: above 0 and below share."""
    rest = (1 - share) * log((1 - share) / (1 - other)) if share < 1 else 0.0
    return share * log(share / other) + rest


def _quantile(latency: Histogram, share: float) -> float | None:
    """Return the bound in seconds that a share of requests stayed within, the last where they took longer; None without any."""
    found = latency.quantile(share)
    return None if found is None else min(found, latency.bounds[-1])


def _at_least(latency: Histogram, share: float) -> float:
    """Return the longest time that certainly too many requests take longer than, in seconds."""
    count, longer, lowest = sum(latency.counts), 0, 0.0
    for place in range(len(latency.counts) - 1, 0, -1):
        longer += latency.counts[place]
        if _surely(longer, count) > 1 - share:
            lowest = latency.bounds[place - 1]
            break
    return lowest


def _finding(one: Measure) -> Finding:
    severity: Severity = "critical" if one.critical else "warning"
    return Finding(one.subject, one.statistic, one.value, one.threshold, severity, one.message)


def _row(one: Measure) -> tuple[str | float, ...]:
    before = "" if one.before is None else one.before
    what = f"{one.subject}, {one.statistic}"
    return what, one.value, one.low, one.threshold, before, "too much" if one.is_told else "fine"


def _metric(one: Measure) -> Metric:
    name = f"{one.subject}_{one.statistic}".replace(" ", "_")
    return Metric(name, one.value, greater_is_better=False)


def _said(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds >= 1 else f"{seconds * 1000:.2g} ms"
