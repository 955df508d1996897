"""What is measured of a column then and now: from the rows where they are at hand, else from what a package remembers."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

from hookline import ColumnProfile, Dataset, Reference
from hookline.data.columns import column_kind
from hookline.quality.distances import of_numbers
from hookline.quality.distributions import numbers
from hookline.quality.effects import (
    Effect,
    Worth,
    categorical_effect,
    categorical_effect_of_top,
    numeric_effect,
    numeric_effect_of_bins,
)
from hookline.quality.novel import Novel, find_novel

from ..stats import value_counts

LETTERS = "KS of lengths"
SHIFT = "shift in sd"
SURE = 1.645
"""Quantile of the normal distribution for a one-sided bound at 95 %."""


def numeric(before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference) -> Effect:
    """Return how far the numbers of a column are apart."""
    if reference.dataset is None:
        return numeric_effect_of_bins(before, now)
    samples = []
    for frame in (reference.dataset.frame, current.frame):
        dtype = frame.collect_schema()[before.name]
        samples.append(numbers(frame, before.name, column_kind(dtype), dtype))
    return numeric_effect(before.name, samples[0], samples[1], worth=_worth(before, now))


def categorical(
    before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference
) -> tuple[Effect, Novel | None]:
    """Return how far the values of a column are apart, and which of them are new."""
    found, worth = counts_of(now, current), _worth(before, now)
    if reference.dataset is None and _is_cut(before):
        return categorical_effect_of_top(before, found, worth), find_novel(before, None, found, worth)
    known = counts_of(before, reference.dataset)
    return categorical_effect(before.name, known, found, worth), find_novel(before, known, found, worth)


def shift(before: ColumnProfile, now: ColumnProfile, chance: float) -> Effect | None:
    """Return how far numbers have moved in standard deviations of the reference; None where it never varies.

    It is certain where either the Kolmogorov-Smirnov distance is, `chance`, or how far the mean has moved, which is nearly
    normal: twice the smaller chance of the two (Bonferroni).
    """
    found = of_numbers(before, now)
    if found is None or found.shift is None:
        return None
    sizes = [(one.count - one.missing) * one.independent for one in (before, now)]
    error = found.spread * (1 / sizes[0] + 1 / sizes[1]) ** 0.5
    moved = 2 * NormalDist().cdf(-abs(found.mean_shift) / error) if error else 1.0
    low = max(0.0, found.shift - SURE * error)
    return Effect(before.name, SHIFT, found.shift, low, min(1.0, 2 * min(chance, moved)))


def letters(before: ColumnProfile, now: ColumnProfile) -> Effect | None:
    """Return how far the lengths of texts are apart, which tell of those that rarely repeat; None for other columns."""
    if before.lengths is None or now.lengths is None or before.lengths.bins is None or now.lengths.bins is None:
        return None
    worth = (replace(column.lengths, independent=column.independent) for column in (before, now) if column.lengths)
    return replace(numeric_effect_of_bins(*worth), statistic=LETTERS)


def _worth(before: ColumnProfile, now: ColumnProfile) -> Worth:
    return before.independent, now.independent


def counts_of(column: ColumnProfile, dataset: Dataset | None) -> dict[str, int]:
    """Return value -> rows, of every value: from the profile where it holds them all, else from the rows."""
    if dataset is None or not _is_cut(column):
        return dict(column.top)
    return dict(value_counts(dataset.frame, column.name).drop_nulls("value").select("value", "rows").collect().rows())


def _is_cut(column: ColumnProfile) -> bool:
    return len(column.top) < column.distinct
