"""How far two methods agree on which columns move answers most, since they hold answers against different things."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

TOP = 5
"""Columns whose leading is compared; of few columns half of them, since all of them always agree."""


@dataclass(frozen=True)
class Concordance:
    """How far two methods rank the same columns alike.

    columns: how many both tell of; rank_correlation: Spearman's, from -1 to 1, None where one of them tells none from another
    top: so many leading columns are compared, of which `shared` lead in both
    """

    first: str
    second: str
    columns: int
    rank_correlation: float | None
    top: int
    shared: int

    def __str__(self) -> str:
        rank = "no ranks" if self.rank_correlation is None else f"rank correlation {self.rank_correlation:.2f}"
        return f"{self.first} and {self.second}: {rank}, {self.shared} of the first {self.top} columns the same"


def concordance_of(
    first: str, second: str, importances: Mapping[str, float], others: Mapping[str, float]
) -> Concordance | None:
    """Compare how much two methods make of columns, as rank correlation and feature agreement (Krishna et al. 2022, 3.2).

    importances, others: raw column -> how much, on any scale, larger is more. None where they share fewer than two columns.
    """
    import polars as pl

    both = [name for name in importances if name in others]
    if len(both) < 2:
        return None
    said = pl.DataFrame({"a": [importances[name] for name in both], "b": [others[name] for name in both]}, strict=False)
    # Ranked here, since polars would take no share of equal ones.
    found = said.select(pl.corr(pl.col("a").rank(), pl.col("b").rank())).item()
    top = max(1, min(TOP, len(both) // 2))
    shared = set(_leading(importances, both, top)) & set(_leading(others, both, top))
    rank = None if found is None or math.isnan(found) else float(found)
    return Concordance(first, second, len(both), rank, top, len(shared))


def concordances_of(importances: Mapping[str, Mapping[str, float]]) -> list[Concordance]:
    """Compare each two methods that tell of at least two columns alike. importances: method -> column -> how much"""
    pairs = combinations(importances.items(), 2)
    found = (concordance_of(first, second, one, other) for (first, one), (second, other) in pairs)
    return [pair for pair in found if pair is not None]


def _leading(importances: Mapping[str, float], names: Sequence[str], top: int) -> list[str]:
    return sorted(names, key=lambda name: -importances[name])[:top]
