"""What is measured of a column then and now: from the rows where they are at hand, else from what a package remembers."""

from __future__ import annotations

from dataclasses import replace

from hookline import ColumnProfile, Dataset, Reference
from hookline.data.columns import column_kind
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
    found, worth = _counts(now, current), _worth(before, now)
    if reference.dataset is None and _is_cut(before):
        return categorical_effect_of_top(before, found, worth), find_novel(before, None, found, worth)
    known = _counts(before, reference.dataset)
    return categorical_effect(before.name, known, found, worth), find_novel(before, known, found, worth)


def letters(before: ColumnProfile, now: ColumnProfile) -> Effect | None:
    """Return how far the lengths of texts are apart, which tell of those that rarely repeat; None for other columns."""
    if before.lengths is None or now.lengths is None or before.lengths.bins is None or now.lengths.bins is None:
        return None
    worth = (replace(column.lengths, independent=column.independent) for column in (before, now) if column.lengths)
    return replace(numeric_effect_of_bins(*worth), statistic=LETTERS)


def _worth(before: ColumnProfile, now: ColumnProfile) -> Worth:
    return before.independent, now.independent


def _counts(column: ColumnProfile, dataset: Dataset | None) -> dict[str, int]:
    """Return value -> rows, of every value: from the profile where it holds them all, else from the rows."""
    if dataset is None or not _is_cut(column):
        return dict(column.top)
    return dict(value_counts(dataset.frame, column.name).drop_nulls("value").select("value", "rows").collect().rows())


def _is_cut(column: ColumnProfile) -> bool:
    return len(column.top) < column.distinct
