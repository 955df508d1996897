"""Two benches of the same suite held against each other, such as before and after a library's new version."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import UsageError

from .bench import Bench, load_bench
from .ranking import LEVEL, mean_of, relative, signed_ranks

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Versus:
    """What changed from one bench to another.

    rows: pipeline, each data set's difference of means (second - first), p of Wilcoxon's signed-rank test over the data sets
        (Demsar 2006, section 3.1.3), times (of the second beside the first), verdict
    versions: distributions whose version differs
    """

    first: str
    second: str
    rows: tuple[dict[str, Any], ...]
    versions: tuple[str, ...]

    def frame(self) -> pl.DataFrame:
        """Return one row a pipeline."""
        import polars as pl

        return pl.DataFrame(self.rows)

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"first": self.first, "second": self.second, "rows": list(self.rows), "versions": list(self.versions)}


def compare_benches(first: str, second: str, *, home: str | Path | None = None) -> Versus:
    """Compare two benches on the data sets and pipelines that both have; raises UsageError where they share none."""
    old, new = (load_bench(name, home=home) for name in (first, second))
    names = [name for name in old.suite.pipelines if name in new.suite.pipelines]
    sets = [data for data in old.suite.data if data in new.suite.data and old.metric(data) == new.metric(data)]
    if not names or not sets:
        raise UsageError(f"benches {old.id} and {new.id} share no pipeline and data set", hint="`hookline bench list`")
    rows = tuple(_row(name, sets, old, new) for name in names)
    return Versus(old.id, new.id, rows, tuple(_versions_apart(old, new)))


def _row(name: str, sets: list[str], old: Bench, new: Bench) -> dict[str, Any]:
    apart = {data: new.means[data][name] - old.means[data][name] for data in sets}
    better = [change if new.greater(data) else -change for data, change in apart.items() if math.isfinite(change)]
    p = _chance(better)
    told = "no difference shown" if p is None or p > LEVEL else "better" if mean_of(better) > 0 else "worse"
    if better and not any(better):
        told = "the same"
    seconds = {data: {"old": old.seconds[data][name], "new": new.seconds[data][name]} for data in sets}
    # Only where both have a time: of means over other data sets each, the ratio would be that of the data sets.
    times = relative({data: both for data, both in seconds.items() if all(map(math.isfinite, both.values()))})
    ratio = times["new"] / times["old"] if times else math.nan
    return {"pipeline": name, **apart, "p": p, "times": ratio, "verdict": told}


def _chance(differences: list[float]) -> float | None:
    return signed_ranks(differences) if len(differences) > 1 and any(differences) else None


def _versions_apart(first: Bench, second: Bench) -> Iterator[str]:
    ours, theirs = first.environment["packages"], second.environment["packages"]
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            yield f"{name} {ours.get(name, 'absent')} -> {theirs.get(name, 'absent')}"
