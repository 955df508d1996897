"""Which rows are explained, which say what is ordinary, and which travel with a package."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hookline import Predictor, Report, Scored
from hookline.data.columns import conform
from hookline.errors import DataError

from ..budget import Explained
from ..reporting import Wanted, report_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

KEPT = "background.json"
"""The file of a report in which whoever explains a package's answers finds rows."""


@dataclass(frozen=True)
class Sampling:
    """How many rows are explained, how many say what is ordinary, and how many travel with packages."""

    explained: int
    usual: int
    kept: int
    seed: int

    def report(
        self,
        scored: Scored,
        predictor: Predictor,
        explain: Callable[[pl.DataFrame, pl.DataFrame], Explained],
        wanted: Wanted,
    ) -> Report:
        """Have a sample of the rows explained against another one, and say what that comes to.

        explain: takes rows and what is ordinary, both of the schema's columns. Raises DataError where there are no rows.
        """
        import numpy as np

        rows, weight = conform(scored.rows().frame.collect(), predictor.schema), scored.weight()
        counted = counted_in(rows, weight)
        chosen, usual = self._draw(counted)
        told = explain(rows[chosen], rows[usual])
        groups = scored.groups()
        used = chosen[: len(told.parts.answers)]
        weights = np.ones(len(used)) if weight is None else np.asarray(weight[used], dtype=np.float64)
        report = report_of(told, weights, None if groups is None else groups[used], predictor.target, wanted)
        if not self.kept:
            return report
        kept = np.random.default_rng(self.seed).permutation(counted)[: self.kept]
        return replace(report, files={KEPT: json_rows(rows[kept])})

    def usual_of(self, predictor: Predictor, background: pl.DataFrame) -> pl.DataFrame:
        """Return some of the background's rows, of the schema's columns; raises DataError where there are none."""
        import numpy as np

        usual = conform(background, predictor.schema)
        if not usual.height:
            raise DataError("there are no background rows to say what is ordinary")
        drawn = np.random.default_rng(self.seed).choice(usual.height, min(self.usual, usual.height), replace=False)
        return usual[np.sort(drawn)]

    def _draw(self, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows are explained, in random order, and which are ordinary: others, as far as there are enough."""
        import numpy as np

        mixed = np.random.default_rng(self.seed).permutation(counted)
        others = mixed[self.explained :] if len(mixed) >= self.explained + self.usual else mixed[::-1]
        return mixed[: self.explained], others[: self.usual]


def counted_in(rows: pl.DataFrame, weight: np.ndarray | None) -> np.ndarray:
    """Return the places of rows that count for something, int64; raises DataError where none does."""
    import numpy as np

    counted = np.arange(rows.height) if weight is None else np.flatnonzero(weight)
    if not len(counted):
        raise DataError("there are no rows to explain")
    return counted


def json_rows(rows: pl.DataFrame) -> bytes:
    """Return rows as a list of JSON objects, what JSON has no word for as missing."""
    import polars.selectors as cs

    times = (cs.datetime() | cs.date()).dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
    finite = cs.float().replace([float("inf"), float("-inf"), float("nan")], None)
    told: pl.DataFrame = rows.with_columns(finite, times)
    return json.dumps(told.to_dicts(), ensure_ascii=False, indent=1).encode()
