"""The `partial_dependence` evaluator: how the answers go as one raw column changes and all others stay."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Gt, Interval

from hookline import Evaluator, Finding, Predictor, Report, Scored
from hookline.data.columns import conform
from hookline.errors import DataError

from ..curves import Curve, curve_of
from ..curves_drawn import report_of
from .sampling import counted_in

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


class PartialDependenceEvaluator(Evaluator):
    """How the answers go as one raw column changes: their mean over held-out rows, and single rows beneath it.

    Every row is asked with each value of a grid in a column's place (partial dependence, Friedman 2001; the rows' own curves,
    Goldstein et al. 2015, ICE). Numbers and times go from one quantile to another in even steps, texts and booleans through
    their most frequent values; what is missing has a point of its own. Where columns go together, some of these rows cannot be.
    """

    name = "partial_dependence"
    extra = "sklearn"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {}
    columns: tuple[str, ...] = ()
    """Raw columns to draw; by default all, those first that move the answers most."""
    max_columns: Annotated[int, Gt(0)] = 12
    """Most columns that are drawn; the table tells of all."""
    n_points: Annotated[int, Ge(2)] = 20
    """Values of a number's grid, and most values of texts."""
    low: Annotated[float, Interval(ge=0, lt=1)] = 0.05
    """Quantile at which the grid of a number begins."""
    high: Annotated[float, Interval(gt=0, le=1)] = 0.95
    """Quantile at which it ends."""
    max_rows: Annotated[int, Gt(0)] = 500
    """Most held-out rows that are asked, drawn at random."""
    n_lines: Annotated[int, Ge(0)] = 30
    """Rows whose own curves are drawn; of three or more classes none."""
    centered: bool = False
    """Whether curves are drawn as the change since the first value, so that rows which go another way stand out."""
    seconds: Annotated[float, Gt(0)] = 60.0
    """About as long as it may take: beyond it the columns that are left are left out, which is then said."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of rows."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return what the quantiles are computed with."""
        return ("scipy",)

    # override: `pipeline` is the argument that an evaluator may name to be given the model.
    def evaluate(self, scored: Scored, pipeline: Predictor) -> Report:
        """Ask about each column in one batch; raises DataError for a column that the model does not take."""
        import numpy as np

        if unknown := [name for name in self.columns if name not in pipeline.schema.names]:
            raise DataError(
                f"evaluator.partial_dependence.columns: the model takes no column '{unknown[0]}'",
                hint=f"it takes {', '.join(pipeline.schema.names)}",
            )
        rows, weight = conform(scored.rows().frame.collect(), pipeline.schema), scored.weight()
        chosen = np.random.default_rng(self.seed).permutation(counted_in(rows, weight))[: self.max_rows]
        weights = np.ones(len(chosen)) if weight is None else np.asarray(weight[chosen], dtype=np.float64)
        names = self.columns or tuple(pipeline.schema.names)
        curves = [*self._within_budget(pipeline, rows[chosen], weights, names)]
        left = [name for name in names if name not in {curve.column for curve in curves}]
        findings = (_cut(left, self.seconds),) if left else ()
        return report_of(curves, pipeline.target, self.max_columns, self.n_lines, findings, centered=self.centered)

    def _within_budget(
        self, predictor: Predictor, rows: pl.DataFrame, weight: np.ndarray, names: tuple[str, ...]
    ) -> Iterator[Curve]:
        until = time.monotonic() + self.seconds
        for number, name in enumerate(names):
            if number and time.monotonic() > until:
                return
            yield curve_of(predictor, rows, name, weight, self.n_points, (self.low, self.high))


def _cut(left: list[str], seconds: float) -> Finding:
    shown = ", ".join(left[:5]) + (", ..." if len(left) > 5 else "")
    text = f"{len(left)} columns are left out, for which there was no time within {seconds:g} s: {shown}."
    return Finding("columns", "columns_left_out", float(len(left)), 0.0, "warning", text)
