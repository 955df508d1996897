"""What moved the answers of a table's rows, beside these answers: in lots, so that memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.data.columns import conform
from hookline.kinds.capabilities import Explains
from hookline.packages.loading import LoadedPackage

from .background import Background, background_of
from .explainers import explainer_for

if TYPE_CHECKING:
    import polars as pl

BASE, MOVED = "base", "moved_"
"""Columns beside an answer: what it starts from, and how far each raw column moved it."""
LOT = 1_000
"""Rows that are explained at a time."""


@dataclass(frozen=True)
class Mover:
    """Says of one package's answers what moved them."""

    package: LoadedPackage
    explainer: Explains
    background: Background

    @classmethod
    def of(cls, package: LoadedPackage, by: str | Explains | None = None) -> Mover:
        """Return who explains a package against what is ordinary to it; raises what either of the two raises."""
        return cls(package, explainer_for(package, by), background_of(package))

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return base and moved_<column> of raw rows, in order."""
        import polars as pl

        lots = [self._lot(rows[start : start + LOT]) for start in range(0, rows.height, LOT)]
        return pl.concat(lots)

    def _lot(self, rows: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        asked = conform(rows, self.package.schema)
        made = self.explainer.explain(self.package.predictor, asked, self.background.rows)
        moved = {f"{MOVED}{name}": made.values[:, place] for place, name in enumerate(made.columns)}
        return pl.DataFrame({BASE: made.base, **moved})
