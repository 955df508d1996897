"""How far each column is from training as figures, which judge nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hookline import ColumnProfile, Dataset, Reference, Table
from hookline.data.columns import column_kind
from hookline.quality.distances import Distances, of_counts, of_numbers, wasserstein
from hookline.quality.distributions import numbers

from .measuring import counts_of

COLUMNS = (
    *("column", "Wasserstein / IQR", "within", "PSI", "Jensen-Shannon", "missing in training", "missing now"),
    "importance",
)


def figures(reference: Reference, held: Mapping[str, ColumnProfile], current: Dataset) -> Iterator[Table]:
    """Yield one table, a row a column; `within` is how far off the distance may be, as it is read from bins."""
    rows = []
    for before in reference.profile.columns:
        now = held.get(before.name)
        if now is None or before.kind != now.kind or before.name == reference.time:
            continue
        found = _distances(before, now, current, reference)
        shares = (one.missing / max(1, one.count) for one in (before, now))
        rows.append((before.name, *_told(found), *shares, reference.importances.get(before.name)))
    if rows:
        yield Table("Distances", COLUMNS, tuple(rows))


def _distances(before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference) -> Distances | None:
    if before.bins is None:
        return of_counts(before.top, before.count - before.missing, counts_of(now, current))
    found = of_numbers(before, now)
    if found is None or found.wasserstein is None or reference.dataset is None:
        return found
    exact = _exact(before, current, reference.dataset)
    return found if exact is None else replace(found, wasserstein=exact / found.scale, within=0.0)


def _exact(before: ColumnProfile, current: Dataset, training: Dataset) -> float | None:
    """Return the distance of whole values; None where some are infinite."""
    import numpy as np

    samples = []
    for frame in (training.frame, current.frame):
        dtype = frame.collect_schema()[before.name]
        samples.append(numbers(frame, before.name, column_kind(dtype), dtype))
    if not all(len(one) and np.isfinite(one).all() for one in samples):
        return None
    return wasserstein(samples[0], samples[1])


def _told(found: Distances | None) -> tuple[Any, ...]:
    if found is None:
        return (None,) * 4
    within = None if found.wasserstein is None else found.within
    return found.wasserstein, within, found.psi, found.jensen_shannon
