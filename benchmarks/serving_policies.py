"""Single rows under each sort of policy: one version alone, one in the shadow, a canary of half, and two workers.

First as fast as they are answered, which leaves no processor idle, and then at random moments, a quarter as many as that.
Last, one worker and two are asked for many rows a request, of which the client has little to do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from load import latencies, latencies_at
from measure import HOOKLINE, run, show, table_w
from serving import server
from w import overrides

from hookline.kinds.deployments import Deployment, Route
from hookline.workspace.workspace import open_workspace

ALONE = (Route(1, 1.0),)
POLICIES = {
    "alone": (ALONE, 1),
    "shadow": ((Route(1, 1.0), Route(2, 1.0, shadow=True, arm="shadow")), 1),
    "canary 50 %": ((Route(1, 0.5), Route(2, 0.5, arm="canary")), 1),
    "alone, 2 workers": (ALONE, 2),
}
"""What is measured: the routes of its policy, and worker processes."""
FIRST_PORT = 18741
SHARE_OF_FULL = 0.25
"""Of the requests that one version alone answers, so many come where they come at random moments."""
LEAST = 8
"""Connections that they come on."""
MANY = 40
"""Rows of a request that keeps a worker busy for much longer than the client that sends it."""
WORKERS = ("alone", "alone, 2 workers")


def main() -> None:
    """Print what was measured, a line a policy and number of connections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, ExitStack() as running:
        env = {"HOOKLINE_HOME": home}
        run([HOOKLINE, *overrides(table_w(10_000))], env)
        urls = {name: running.enter_context(_served(Path(home), place)) for place, name in enumerate(POLICIES)}
        with urllib.request.urlopen(urls["alone"].replace("predict", "example")) as answer:
            body = json.dumps(json.load(answer)).encode()
        full: list[list[object]] = []
        half: list[list[object]] = []
        for count in given.connections:
            found = _in_turn(urls, given.tries, lambda url, count=count: latencies(url, body, count, given.seconds))
            rows = _rows(count, found, given.seconds)
            full += rows
            rate = rows[0][2] * SHARE_OF_FULL
            ask = partial(latencies_at, body=body, connections=max(count, LEAST), seconds=given.seconds, rate=rate)
            half += _rows(count, _in_turn(urls, given.tries, ask), given.seconds)
        workers = {name: urls[name] for name in WORKERS}
        many = json.dumps({"rows": json.loads(body)["rows"] * MANY}).encode()
        ask = partial(latencies, body=many, connections=LEAST, seconds=given.seconds)
        large = _rows(LEAST, _in_turn(workers, given.tries, ask), given.seconds)
    heads = ["connections", "policy", "/s", "p50 ms", "p99 ms", "p99.9 ms", "/s of alone", "p99 of alone"]
    print("As fast as they are answered:")
    show(full, heads)
    print(
        f"\nAt random moments, {SHARE_OF_FULL:.0%} of what one version alone answered, over {LEAST} connections or more:"
    )
    show(half, heads)
    print(f"\n{MANY} rows a request, as fast as they are answered:")
    show(large, heads)


def _in_turn(urls: Mapping[str, str], tries: int, ask: Callable[[str], list[float]]) -> dict[str, list[list[float]]]:
    """Return the latencies of each policy, a list a try; in turn, so that what else the machine does falls on each."""
    found: dict[str, list[list[float]]] = {name: [] for name in urls}
    for _ in range(tries):
        for name, url in urls.items():
            found[name].append(ask(url))
    return found


def _rows(count: int, found: Mapping[str, list[list[float]]], seconds: float) -> list[list[Any]]:
    base = _figures(found["alone"], seconds)
    every = [(name, _figures(runs, seconds)) for name, runs in found.items()]
    return [[count, name, *figures, figures[0] / base[0], figures[2] / base[2]] for name, figures in every]


def _served(home: Path, place: int) -> AbstractContextManager[str]:
    """Serve a model of its own under a policy: both versions are the same package."""
    name = list(POLICIES)[place]
    routes, workers = POLICIES[name]
    catalog = open_workspace(home).catalog
    held, model = catalog.models.get("w"), f"w{place}"
    for version in (1, 2):
        catalog.models.register(model, held.run_id, held.path, held.format, {}, f"{model}-{version}")
    catalog.deployments.record(Deployment(model, 1, routes, "local"), "measured")
    port = FIRST_PORT + place
    command = [HOOKLINE, "serve", model, "--port", str(port), "--workers", str(workers)]
    return server(command, port, {"HOOKLINE_HOME": str(home)})


def _figures(runs: list[list[float]], seconds: float) -> tuple[float, float, float, float]:
    """Return the best answers a second, and the median over the runs of p50, p99 and p99.9 in milliseconds."""
    quantiles = [
        sorted(1000 * one[int(share * (len(one) - 1))] for one in runs)[len(runs) // 2] for share in (0.5, 0.99, 0.999)
    ]
    return max(len(one) for one in runs) / seconds, *quantiles


if __name__ == "__main__":
    main()
