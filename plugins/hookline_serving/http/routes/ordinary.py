"""Rows as ordinary as those that a version was trained on, made of the profile that its package keeps of them."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from hookline import ColumnProfile
from hookline.data.contract.limits import moment_of
from hookline.kinds.artifacts import Column, Schema
from hookline.kinds.reports import Profile

from ..openapi.columns import example_row

ROWS = 100
"""Of a background: so many values tell a column's distribution well, and whoever explains asks the model of each."""


def ordinary_rows(schema: Schema, profile: Profile) -> list[Mapping[str, Any]]:
    """Return rows whose columns are spread as those of the training rows were, each in an order of its own.

    What goes together in the training rows does not in these: a profile knows of one column at a time. The same each time.
    """
    known = {column.name: column for column in profile.columns}
    example = example_row(schema)
    columns = {
        column.name: _spread(column, known[column.name], place)
        for place, column in enumerate(schema.columns)
        if column.name in known
    }
    return [{**example, **{name: values[row] for name, values in columns.items() if values}} for row in range(ROWS)]


def _spread(column: Column, profile: ColumnProfile, place: int) -> list[Any]:
    """Return values at even steps through a column's distribution, in random order; none of a column without any value."""
    values, counts = _values(column, profile)
    values, counts = [*values, None], [*counts, profile.missing]
    reached = [*accumulate(counts)]
    if reached[-1] == profile.missing:
        return []
    spread = [values[bisect_left(reached, (row + 0.5) / ROWS * reached[-1])] for row in range(ROWS)]
    random.Random(place).shuffle(spread)
    return spread


def _values(column: Column, profile: ColumnProfile) -> tuple[Sequence[Any], Sequence[int]]:
    """Return values that stood in training rows, with how often about: of a bin of numbers its upper edge, which is one."""
    if profile.bins is not None:
        edges = profile.bins.edges[1:]
        if column.kind == "datetime":
            return [moment_of(edge).isoformat() for edge in edges], profile.bins.counts
        return edges, profile.bins.counts
    texts, counts = [text for text, _ in profile.top], [count for _, count in profile.top]
    return [text.lower() == "true" for text in texts] if column.kind == "boolean" else texts, counts
