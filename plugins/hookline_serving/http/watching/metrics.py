"""`/metrics`: what a server has counted, in Prometheus's text exposition, put together when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import sqrt
from typing import TYPE_CHECKING

import hookline
from hookline.errors import MissingBackend
from hookline.kinds.deployments import LATENCY_BOUNDS, REFUSED
from hookline.live.fleet import ALONE

from .snapshots import Key, Seen, Snapshot, all_snapshots, together

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from ..arms.desk import Desk

EACH = 4
"""One bound of so many is told: each is twice the one before, and exact, which a round number between two would not be."""
ARM = ("version", "arm")


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
        """Yield every metric, of all processes of the server together."""
        snapshots = all_snapshots(self._desk)
        yield from _traffic(together(snapshots))
        yield _refused(snapshots)
        yield _unfilled(snapshots)
        yield from _server(snapshots)
        yield from _log(snapshots)
        yield from _policy(self._desk)


def _traffic(seen: Mapping[Key, Seen]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    requests = CounterMetricFamily("hookline_requests", "Requests that reached a model, failed ones too", labels=ARM)
    errors = CounterMetricFamily("hookline_errors", "Requests that a model could not answer", labels=ARM)
    took = "How long answered requests took, in seconds; the sum is reckoned from the middle of fine buckets"
    latency = HistogramMetricFamily("hookline_request_seconds", took, labels=ARM)
    waiting = GaugeMetricFamily("hookline_requests_waiting", "Requests that wait for a model", labels=ARM)
    unasked = "Requests that a version beside the one in charge was not asked"
    dropped = CounterMetricFamily("hookline_dropped", unasked, labels=ARM)
    for key, one in seen.items():
        requests.add_metric(_labels(key), one.requests)
        errors.add_metric(_labels(key), one.errors)
        if one.latency:
            latency.add_metric(_labels(key), _coarse(one.latency), _reckoned(one.latency))
        waiting.add_metric(_labels(key), one.waiting)
        dropped.add_metric(_labels(key), one.dropped)
    yield from (requests, errors, latency, waiting, dropped)


def _refused(snapshots: Sequence[Snapshot]) -> Metric:
    from prometheus_client.metrics_core import CounterMetricFamily

    said = "Requests for predictions that were refused before a version answered"
    refused = CounterMetricFamily("hookline_refused", said, labels=("status",))
    for place, status in enumerate(REFUSED):
        refused.add_metric([str(status)], sum(one.refused[place] for one in snapshots if one.refused))
    return refused


def _unfilled(snapshots: Sequence[Snapshot]) -> Metric:
    from prometheus_client.metrics_core import CounterMetricFamily

    said = "Times that rows lacked stored features, and these could not be read"
    return CounterMetricFamily("hookline_unfilled", said, sum(one.unfilled for one in snapshots))


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


def _server(snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily

    known = [one.connections for one in snapshots if one.connections is not None]
    if known:
        yield GaugeMetricFamily("hookline_connections", "Clients that are connected", sum(known))
    held, most = (sum(getattr(one, name) for one in snapshots) for name in ("held", "held_most"))
    yield GaugeMetricFamily("hookline_held_bytes", "Bytes of larger bodies and answers that are held", held)
    yield GaugeMetricFamily("hookline_held_bytes_limit", "Bytes of them that are held at most", most)


def _log(snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily

    written = [one.written for one in snapshots if one.written is not None]
    if written:
        yield CounterMetricFamily("hookline_log_records", "Answers that were put on record", sum(written))
        failed = "Times that answers could not be recorded, and were not given"
        yield CounterMetricFamily("hookline_log_failures", failed, sum(one.failures for one in snapshots))


def _policy(desk: Desk) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

    policy, info = desk.traffic.policy, desk.traffic.live.info
    behind = "Whether the newest policy cannot be followed, and an older one is"
    yield GaugeMetricFamily("hookline_policy_behind", behind, int(bool(desk.behind)))
    yield GaugeMetricFamily("hookline_policy_number", "The policy in force, as the catalog counts", policy.number or 0)
    yield GaugeMetricFamily("hookline_policy_step", "How often it has moved on since it was deployed", policy.step)
    share = GaugeMetricFamily(
        "hookline_route_weight", "The share of requests that a version is to get", labels=(*ARM, "shadow")
    )
    for route in policy.routes:
        share.add_metric([*_labels(Key(route.version, route.arm)), str(route.shadow).lower()], route.weight)
    yield share
    said = {"model": info["model"], "format": info["format"], "deployer": policy.deployer}
    said |= {"version": str(info["version"] or ""), "hookline": hookline.__version__}
    yield InfoMetricFamily(
        "hookline_serving", "The model, and the version in charge", {k: str(v) for k, v in said.items()}
    )


def _labels(key: Key) -> list[str]:
    return ["" if key.version == ALONE else str(key.version), key.arm]
