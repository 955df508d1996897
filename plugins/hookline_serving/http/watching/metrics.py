"""`/metrics`: what a server has counted, in Prometheus's text exposition, put together when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import sqrt
from typing import TYPE_CHECKING

import hookline
from hookline.errors import MissingBackend
from hookline.kinds.deployments import LATENCY_BOUNDS
from hookline.live.fleet import ALONE

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from hookline.live.seen import ArmCounts

    from ..arms.desk import Desk
    from ..arms.traffic import Traffic

EACH = 4
"""One bound of so many is told: each is twice the one before, and exact, which a round number between two would not be."""
ARM = ("version", "arm")
Key = tuple[int, str]


def exposition(desk: Desk, accept: str) -> tuple[bytes, str]:
    """Return the metrics of a desk with their media type; accept: the request's, which may ask for OpenMetrics."""
    try:
        from prometheus_client import CollectorRegistry, ProcessCollector
        from prometheus_client.exposition import choose_encoder
    except ImportError:
        raise MissingBackend("/metrics", "prometheus_client", "serving") from None

    # One for each time, since it holds nothing: the counts are the desk's own.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DeskCollector(desk))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(accept)
    return encode(registry), media


class DeskCollector:
    """Tells what a desk has counted, as `prometheus_client` asks for it; the path of a request pays nothing for it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from _traffic(self._counts())
        yield from _queues(self._desk)
        yield from _server(self._desk)
        yield from _log(self._desk)
        yield from _policy(self._desk.traffic)

    def _counts(self) -> Mapping[Key, Sequence[ArmCounts]]:
        """Return what was seen of each version and arm, under this policy and all before it, so that it only ever grows."""
        found: dict[Key, list[ArmCounts]] = {}
        desk = self._desk
        former = {} if desk.former is None else desk.former.counted()
        for counted in (desk.retired, former, desk.traffic.counted()):
            for key, counts in counted.items():
                found.setdefault(key, []).append(counts)
        return found


def _traffic(seen: Mapping[Key, Sequence[ArmCounts]]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

    requests = CounterMetricFamily("hookline_requests", "Requests that reached a model, failed ones too", labels=ARM)
    errors = CounterMetricFamily("hookline_errors", "Requests that a model could not answer", labels=ARM)
    took = "How long answered requests took, in seconds; the sum is reckoned from the middle of fine buckets"
    latency = HistogramMetricFamily("hookline_request_seconds", took, labels=ARM)
    for key, counts in seen.items():
        requests.add_metric(_labels(key), sum(one.requests for one in counts))
        errors.add_metric(_labels(key), sum(one.errors for one in counts))
        buckets = [sum(column) for column in zip(*(one.latency for one in counts), strict=True)]
        latency.add_metric(_labels(key), _coarse(buckets), _reckoned(buckets))
    yield from (requests, errors, latency)


def _coarse(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return cumulated counts by upper bound. counts: one a bound of LATENCY_BOUNDS, and last what is beyond all."""
    reached = [*accumulate(counts)]
    told = [(f"{LATENCY_BOUNDS[i]:.5g}", float(reached[i])) for i in range(0, len(LATENCY_BOUNDS), EACH)]
    return [*told, ("+Inf", float(reached[-1]))]


def _reckoned(counts: Sequence[int]) -> float:
    """Return about how many seconds there were in all, each within a tenth."""
    last = LATENCY_BOUNDS[-1]
    middles = [LATENCY_BOUNDS[0] / 2, *(sqrt(a * b) for a, b in pairwise(LATENCY_BOUNDS))]
    return sum(count * middle for count, middle in zip(counts, [*middles, last], strict=True))


def _queues(desk: Desk) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    waiting = GaugeMetricFamily("hookline_requests_waiting", "Requests that wait for a model", labels=ARM)
    dropped = CounterMetricFamily(
        "hookline_dropped", "Requests that a version beside the one in charge was not asked", labels=ARM
    )
    live, lost = desk.traffic.live, dict(desk.dropped)
    waiting.add_metric(_labels((desk.traffic.policy.version, live.answerer.stamp.arm)), live.waiting)
    for traffic in (desk.former, desk.traffic):
        for key, aside in ({} if traffic is None else traffic.asides()).items():
            lost[key] = lost.get(key, 0) + aside.dropped
    for key, aside in desk.traffic.asides().items():
        waiting.add_metric(_labels(key), aside.waiting)
    for key, number in lost.items():
        dropped.add_metric(_labels(key), number)
    yield from (waiting, dropped)


def _server(desk: Desk) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily

    if desk.connections is not None:
        yield GaugeMetricFamily("hookline_connections", "Clients that are connected", desk.connections())
    held = desk.room.held
    yield GaugeMetricFamily("hookline_held_bytes", "Bytes of larger bodies and answers that are held", held.now)
    yield GaugeMetricFamily("hookline_held_bytes_limit", "Bytes of them that are held at most", held.most)


def _log(desk: Desk) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily

    if desk.record is not None:
        record = desk.record
        yield CounterMetricFamily("hookline_log_records", "Answers that were put on record", record.written)
        failed = "Times that answers could not be recorded, and were not given"
        yield CounterMetricFamily("hookline_log_failures", failed, record.failures)


def _policy(traffic: Traffic) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

    policy, info = traffic.policy, traffic.live.info
    yield GaugeMetricFamily("hookline_policy_number", "The policy in force, as the catalog counts", policy.number or 0)
    yield GaugeMetricFamily("hookline_policy_step", "How often it has moved on since it was deployed", policy.step)
    share = GaugeMetricFamily(
        "hookline_route_weight", "The share of requests that a version is to get", labels=(*ARM, "shadow")
    )
    for route in policy.routes:
        share.add_metric([*_labels((route.version, route.arm)), str(route.shadow).lower()], route.weight)
    yield share
    said = {"model": info["model"], "format": info["format"], "deployer": policy.deployer}
    said |= {"version": str(info["version"] or ""), "hookline": hookline.__version__}
    yield InfoMetricFamily(
        "hookline_serving", "The model, and the version in charge", {k: str(v) for k, v in said.items()}
    )


def _labels(key: Key) -> list[str]:
    version, arm = key
    return ["" if version == ALONE else str(version), arm]
