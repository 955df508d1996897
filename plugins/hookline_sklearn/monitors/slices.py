"""The slices monitor: for which rows the answers are worst."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Interval

from hookline import Finding, Metric, Monitor, Reference, Report, Scored, Table
from hookline.kinds.reports import Severity
from hookline.kinds.scored import TRUTH
from hookline.quality.grouped import worth

from .searching import Slice, columns_of, conditions_in, losses_of, worst_slices

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

TITLE = "Slices"
MOST_FINDINGS, MOST_SHOWN = 3, 20


class SlicesMonitor(Monitor):
    """Find the rows, by one column or by two, for which the answers are worse than for the others.

    A slice is a value of a text, or a fifth of a number, or two of them together. Its loss is the share of wrong answers, or the
    mean absolute error. One is told where the lower 95 % bound of what it is worse by is over `min_gap`, and where at most 1 % of
    what is told is expected to be chance, over all slices that were looked at (Benjamini and Hochberg, 1995). Of slices that
    mostly share their rows the worst is told. Rows of one group count as fewer. Nothing is compared with training: it says where
    a model is weak now, in a run on the held-out rows.
    """

    name = "slices"
    measures = ("worst_slice_loss",)
    extra = "sklearn"
    min_gap: Annotated[float, Gt(0)] = 0.05
    """Of classes: by how much the share of wrong answers must surely be over that of the other rows."""
    min_growth: Annotated[float, Gt(0)] = 0.2
    """Of numbers: the same of the mean absolute error, as a part of that of all rows."""
    min_slice: Annotated[int, Interval(ge=20)] = 50
    """Rows of a slice."""
    max_rows: Annotated[int, Interval(ge=100, le=1_000_000)] = 20_000
    """Labelled rows that are looked at, drawn at random."""
    critical_factor: Annotated[float, Gt(1)] = 4.0
    """A slice that is surely worse by this many times what a finding needs is critical."""
    false_discoveries: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Share of what is told that may be chance."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the draw."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def check(self, current: Scored, reference: Reference) -> Report:
        """Report the worst slices of the rows whose truth is known; a note where they are too few."""
        known = TRUTH in current.frame.collect_schema().names()
        labeled = current.labeled() if known else None
        rows = 0 if labeled is None else len(labeled.truth())
        if labeled is None or rows < 2 * self.min_slice:
            text = f"the truth of {rows} rows is known, which are too few to divide; {2 * self.min_slice} are needed."
            note = Finding("labels", "rows", float(rows), float(2 * self.min_slice), "info", text)
            return Report(TITLE, findings=(note,))
        loss, frame, groups = self._drawn(labeled)
        independent = 1.0 if groups is None else worth((loss > loss.mean())[:, None], groups)
        gap = self.min_gap if current.target.task != "regression" else self.min_growth * float(loss.mean())
        found, looked = worst_slices(
            loss,
            conditions_in(frame, self.min_slice),
            least=self.min_slice,
            gap=gap,
            share=self.false_discoveries,
            worth=independent,
        )
        return self._report(found, looked, gap, float(loss.mean()))

    def _drawn(self, labeled: Scored) -> tuple[np.ndarray, pl.DataFrame, np.ndarray | None]:
        """Return the loss of each row, its columns, and its group."""
        import numpy as np

        loss, rows = losses_of(labeled), labeled.rows()
        frame = rows.frame.select(columns_of(labeled)).collect()
        groups = labeled.groups()
        if len(loss) <= self.max_rows:
            return loss, frame, groups
        chosen = np.sort(np.random.default_rng(self.seed).choice(len(loss), self.max_rows, replace=False))
        return loss[chosen], frame[chosen], None if groups is None else groups[chosen]

    def _report(self, found: list[Slice], looked: int, gap: float, loss: float) -> Report:
        rows = tuple(
            (one.told, one.count, one.loss, one.others, one.loss - one.others, one.low) for one in found[:MOST_SHOWN]
        )
        names = ("slice", "rows", "loss", "loss of others", "worse by", "at least")
        tables = (Table(f"Worst of {looked:,} slices", names, rows),) if rows else ()
        findings = tuple(self._finding(one, gap) for one in found[:MOST_FINDINGS])
        worst = Metric("worst_slice_loss", found[0].loss if found else loss, greater_is_better=False)
        return Report(TITLE, (worst,), tables, findings=findings)

    def _finding(self, one: Slice, gap: float) -> Finding:
        severity: Severity = "critical" if one.low > gap * self.critical_factor else "warning"
        text = (
            f"the answers are worse where {one.told}: a loss of {one.loss:.3g} on {one.count:,} rows, against {one.others:.3g} "
            f"on the others (worse by at least {one.low:.3g})."
        )
        return Finding(one.told, "loss", one.loss - one.others, gap, severity, text)
