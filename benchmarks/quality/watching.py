"""False alarms of a watch over windows: how often an unchanged column is an alarm in a month, and how soon a moved one is.

python benchmarks/quality/watching.py [--models 20] [--seed 0]

Each model has a reference of its own, drawn once, and a month of hourly windows whose columns are drawn as the reference was.
The monitor is `data_drift` with its defaults, and the alarms are decided by the same code that `hookline monitor watch` runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from hookline import Dataset, Reference, Roles, WatchRules
from hookline.kinds.reports import Finding
from hookline.live.watching.alarms.alarming import Judge
from hookline.quality.distributions import profile
from hookline.workspace.catalog.watching.alarms import Alarm
from hookline.workspace.catalog.watching.windows import Change, Standing, Window
from hookline_polars.monitors.drift import DataDriftMonitor

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONTH = 720
"""Windows of an hour."""


@dataclass
class Watch:
    """One model's alarms, window after window, kept as the catalog keeps them."""

    rules: WatchRules
    recent: list[Window] = field(default_factory=list)
    alarms: dict[int, Alarm] = field(default_factory=dict)
    hour: int = 0

    def see(self, findings: tuple[Finding, ...], rows: int) -> list[Change]:
        """Keep a window, and return what people are told."""
        since = START + self.hour * HOUR
        self.hour += 1
        self.recent = [*self.recent, Window("m", 1, "data_drift", since, since + HOUR, rows, {}, findings)]
        self.recent = self.recent[-self.rules.newest :]
        ordered = sorted(self.alarms.values(), key=lambda one: -(one.number or 0))
        standing = Standing({"data_drift": self.recent}, ordered, [], {1: since + HOUR})
        changes = Judge(self.rules, 1, since + HOUR, {}).changes(standing)
        for change in changes:
            number = change.alarm.number or len(self.alarms) + 1
            self.alarms[number] = replace(change.alarm, number=number)
        return [change for change in changes if change.is_told and change.what != "closed"]


def table(rng: np.random.Generator, rows: int, shift: float = 0.0) -> pl.DataFrame:
    """Return numbers of three shapes, and texts of 5, 50 and 500 values."""
    return pl.DataFrame(
        {
            "normal": rng.normal(shift, 1, rows),
            "skewed": rng.lognormal(0, 1, rows) + shift,
            "counts": rng.poisson(3, rows),
            **{f"texts_{n}": rng.zipf(1.3, rows) % n for n in (5, 50, 500)},
        }
    ).with_columns(pl.col("^texts_.*$").cast(pl.String))


def findings(rng: np.random.Generator, reference: Reference, rows: int, shift: float) -> Iterator[tuple[Finding, ...]]:
    """Yield what the monitor finds in window after window."""
    monitor = DataDriftMonitor()
    while True:
        current = Dataset(table(rng, rows, shift).lazy(), Roles())
        yield monitor.check(current, reference).findings


def reference_of(rng: np.random.Generator, rows: int) -> Reference:
    """Return what a package remembers of its training rows."""
    frame = table(rng, rows)
    return Reference(profile(frame.lazy(), frame.columns))


def main() -> None:
    """Print a row for each number of rows in a window."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=int, default=20)
    options.add_argument("--windows", type=int, default=MONTH)
    options.add_argument("--training", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    columns = len(table(np.random.default_rng(0), 1).columns)
    for rows in (500, 2_000):
        strong = told = 0
        delays = []
        for model in range(given.models):
            rng = np.random.default_rng([given.seed, model, rows])
            reference = reference_of(rng, given.training)
            quiet, moved = Watch(WatchRules()), Watch(WatchRules())
            for _, seen in zip(range(given.windows), findings(rng, reference, rows, 0.0), strict=False):
                strong += sum(one.severity != "info" for one in seen)
                told += len(quiet.see(seen, rows))
            for hour, seen in enumerate(findings(rng, reference, rows, 0.3)):
                if any(change.alarm.subject == "normal" for change in moved.see(seen, rows)) or hour == 48:
                    delays.append(hour + 1)
                    break
        looks = given.models * given.windows * columns
        print(
            json.dumps(
                {
                    "rows_a_window": rows,
                    "columns_months": given.models * columns * given.windows / MONTH,
                    "windows_with_a_finding": f"{strong / looks:.3%}",
                    "alarms_a_column_and_month": round(told / (given.models * columns * given.windows / MONTH), 4),
                    "windows_until_0.3_sd_is_an_alarm": float(np.median(delays)),
                }
            )
        )


if __name__ == "__main__":
    main()
