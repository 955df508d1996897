"""How long a run's package takes to answer one row, measured where a gate asks for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from hookline.kinds.deployments import Trust
from hookline.kinds.reports import Metric
from hookline.packages.state import StoredPackage
from hookline.plans.gates import LATENCY

if TYPE_CHECKING:
    from ..execution import Execution

ROWS = 100
ASKED = 500
"""So many requests of one row each are timed, of which the slowest five are beyond the 99th percentile."""
WARM = 20
"""So many more before them are not."""
MOST_SECONDS = 10.0


def latency_of(run: Execution) -> tuple[Metric, ...]:
    """Return the median and the 99th percentile, in milliseconds, of the answers of a run's first package to one held-out row.

    In this process and without a server around it; at most 500 requests or 10 seconds.
    """
    import numpy as np

    stage = run.plan.of("packager")[0]
    package, packager = run.value(stage.key), stage.acts
    predictor: Any = packager.load(StoredPackage(package.path, run.registry), Trust(everything=True))
    rows = list(run.value("split").test.frame.head(ROWS).collect().iter_slices(1))
    for number in range(WARM):
        predictor.predict(rows[number % len(rows)])
    taken, until = [], time.perf_counter() + MOST_SECONDS
    for number in range(ASKED):
        started = time.perf_counter()
        predictor.predict(rows[number % len(rows)])
        taken.append(time.perf_counter() - started)
        if started > until:
            break
    found = np.quantile(taken, (0.5, 0.99)) * 1000
    return tuple(
        Metric(name, float(value), greater_is_better=False) for name, value in zip(LATENCY, found, strict=True)
    )
