"""Single rows under each sort of policy: one version alone, one in the shadow, a canary of half, and two workers."""

from __future__ import annotations

import argparse
import json
import tempfile
import urllib.request
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from load import latencies
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
        shown: list[list[object]] = []
        for count in given.connections:
            found: dict[str, list[list[float]]] = {name: [] for name in urls}
            for _ in range(given.tries):
                # In turn, so that what else the machine does falls on each of them.
                for name, url in urls.items():
                    found[name].append(latencies(url, body, count, given.seconds))
            base = _figures(found["alone"], given.seconds)
            for name, runs in found.items():
                figures = _figures(runs, given.seconds)
                shown.append([count, name, *figures, figures[0] / base[0], figures[2] / base[2]])
    show(shown, ["connections", "policy", "/s", "p50 ms", "p99 ms", "p99.9 ms", "/s of alone", "p99 of alone"])


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
