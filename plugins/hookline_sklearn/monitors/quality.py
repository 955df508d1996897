"""The model drift monitor: whether the answers have become worse, measured where the truth is known, else estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Interval

from hookline import Finding, Metric, Metrics, Monitor, Reference, Report, Scored, Table
from hookline.kinds.reports import Severity
from hookline.kinds.scored import TRUTH

from ..evaluators.standard import StandardEvaluator
from .comparing import Change, certain_of, compared
from .estimating import estimated
from .keeping import KEPT, HeldOut, alike_of, answers_in, held_out_of, read_held_out

if TYPE_CHECKING:
    import polars as pl

TITLE = "Model drift"
WATCHED = {
    "binary": ("accuracy", "roc_auc", "log_loss"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("rmse", "mae"),
}
FEWEST_ROWS, FEWEST_ALIKE = 100, 300
"""Held-out rows below which nothing is estimated from them; and where rows have moved, those like the current ones."""
ASSUMED = "if a row of the same kind and score is of a class as often as it was on held-out rows"


@dataclass(frozen=True)
class Part:
    """What was found of the rows whose truth is known, or of the others."""

    how: str
    rows: int
    changes: Sequence[Change] = ()
    notes: Sequence[Finding] = ()


class ModelDriftMonitor(Monitor):
    """Tell whether a model answers worse than on its held-out rows: measured where the truth is known, else estimated.

    Each metric is compared with that of the run by the intervals of both (Zou and Donner, 2008); it is told where it certainly is
    worse, so that over all metrics at most 1 % of what is told is chance (Benjamini and Hochberg, 1995), and by enough.

    While labels are late, the metrics of a classifier are estimated from its own scores, calibrated on held-out rows that a run
    keeps in the package (CBPE, as NannyML has it). This assumes that a row of the same kind and score is of a class as often as
    it was; a changed relation of columns and truth is not seen, `concept_drift` looks for that in labels. Where the rows have
    moved, held-out rows count by how much they are like current ones; with fewer than 300 such rows nothing is estimated. Of
    numbers nothing is estimated: the spread of a number's error is not in its answer.
    """

    name = "model_drift"
    measures = ("measured_*", "estimated_*")
    extra = "sklearn"
    metrics: tuple[str, ...] = ()
    """Metrics to compare; by default accuracy and log loss, of two classes ROC AUC too, and of numbers RMSE and MAE."""
    min_drop: Annotated[float, Interval(gt=0, lt=1)] = 0.02
    """Of shares and areas, such as accuracy: the fall that is worth telling."""
    min_growth: Annotated[float, Gt(0)] = 0.1
    """Of losses, such as RMSE: the growth that is worth telling, as a part of what it was."""
    false_discoveries: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Share of what is told that may be chance."""
    critical_factor: Annotated[float, Gt(1)] = 4.0
    """A finding whose bound is over this many times what is worth telling is critical."""
    max_rows: Annotated[int, Interval(ge=200, le=50_000)] = 5_000
    """Held-out rows that are kept in the package."""
    min_rows: Annotated[int, Gt(0)] = 50
    """Rows below which nothing is measured, or estimated."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of draws and resamples."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def check(self, current: Scored, reference: Reference) -> Report:
        """Report each metric then and now; a note where there is nothing to compare with, or too little."""
        labeled, unlabeled = _by_truth(current)
        files = self._files(labeled) if reference.dataset is not None else {}
        if reference.metrics is None or not any(name in reference.metrics for name in self._watched(current)):
            text = "no metric of held-out rows was kept that could be compared; add evaluator=[standard] to the run."
            return Report(TITLE, findings=(_note("metrics", 0, 1, text),), files=files)
        parts = [self._measured(labeled, reference.metrics, current), self._estimated(unlabeled, reference, current)]
        return replace(self._report([part for part in parts if part is not None]), files=files)

    def _watched(self, current: Scored) -> tuple[str, ...]:
        return self.metrics or WATCHED[current.target.task]

    def _files(self, labeled: Scored | None) -> dict[str, bytes]:
        held_out = None if labeled is None else held_out_of(labeled, self.max_rows, self.seed)
        return {} if held_out is None else {KEPT: held_out.packed()}

    def _measured(self, labeled: Scored | None, before: Metrics, current: Scored) -> Part | None:
        if labeled is None:
            return None
        rows = _height(labeled)
        if rows < self.min_rows:
            return Part("measured", rows, notes=(_too_few("with a truth", rows, self.min_rows),) if rows else ())
        found = StandardEvaluator(seed=self.seed).evaluate(labeled).metrics
        return Part("measured", rows, self._compared(before, found, current))

    def _estimated(self, unlabeled: Scored | None, reference: Reference, current: Scored) -> Part | None:
        rows = 0 if unlabeled is None else _height(unlabeled)
        if unlabeled is None or not rows:
            return None
        if current.target.task == "regression":
            text = f"the truth of {rows:,} rows is not known, and the error of numbers is not estimated: it waits for labels."
            return Part("estimated", rows, notes=(_note("labels", rows, 0, text),))
        if rows < self.min_rows:
            return Part("estimated", rows, notes=(_too_few("without a truth", rows, self.min_rows),))
        held_out = read_held_out(reference, current.target)
        answers = answers_in(unlabeled)
        if held_out is None or answers is None:
            what = "the model gives no probabilities" if answers is None else "the package keeps no held-out rows"
            text = f"the truth of {rows:,} rows is not known, and nothing is estimated: {what}."
            return Part("estimated", rows, notes=(_note("labels", rows, 0, text),))
        return self._by_scores(held_out, unlabeled, rows, reference)

    def _by_scores(self, held_out: HeldOut, unlabeled: Scored, rows: int, reference: Reference) -> Part:
        assert reference.metrics is not None
        answers = answers_in(unlabeled)
        assert answers is not None
        alike, effective = alike_of(held_out, unlabeled, self.seed)
        least = FEWEST_ROWS if alike is None else FEWEST_ALIKE
        if effective < least:
            why = "there are" if alike is None else "the rows have moved so far that they are like"
            text = (
                f"{why} only {effective:.0f} held-out rows, and {least} are needed: "
                f"how good the answers to {rows:,} rows are is not estimated before their truth is known."
            )
            return Part("estimated", rows, notes=(_note("estimate", effective, least, text),))
        found = estimated(held_out.answers, answers, alike, self.seed)
        return Part("estimated", rows, self._compared(reference.metrics, found, unlabeled))

    def _compared(self, before: Metrics, now: Sequence[Metric], current: Scored) -> list[Change]:
        watched = [metric for metric in now if metric.name in self._watched(current)]
        return certain_of(compared(before, watched, self.min_drop, self.min_growth), self.false_discoveries)

    def _report(self, parts: Sequence[Part]) -> Report:
        metrics, tables, findings = [], [], []
        for part in parts:
            metrics += [replace(one.now, name=f"{part.how}_{one.now.name}") for one in part.changes]
            findings += [self._finding(part, one) for one in part.changes if one.told]
            findings += part.notes
            if part.changes:
                tables.append(_table(part))
        return Report(TITLE, tuple(metrics), tuple(tables), findings=tuple(findings))

    def _finding(self, part: Part, change: Change) -> Finding:
        name, was, now = change.now.name, change.before.value, change.now.value
        severity: Severity = "critical" if change.low > change.least * self.critical_factor else "warning"
        text = (
            f"{name} has become worse: {was:.3f} on held-out rows, {now:.3f} now, {part.how} on {part.rows:,} rows "
            f"(worse by at least {max(0.0, change.low):.3f})"
        )
        text += "." if part.how == "measured" else f", {ASSUMED}."
        return Finding(name, f"{part.how} change", change.worse, change.least, severity, text)


def _table(part: Part) -> Table:
    rows = tuple(
        (
            *(one.now.name, one.before.value, one.now.value, one.now.low, one.now.high),
            *(one.worse, one.least, "worse" if one.told else "same"),
        )
        for one in part.changes
    )
    names = ("metric", "held-out", "now", "low", "high", "worse by", "worth telling", "verdict")
    how = "Measured" if part.how == "measured" else f"Estimated, {ASSUMED}"
    return Table(f"{how}: {part.rows:,} rows", names, rows)


def _by_truth(current: Scored) -> tuple[Scored | None, Scored | None]:
    """Return the rows whose truth is known, and the others."""
    import polars as pl

    if TRUTH not in current.frame.collect_schema().names():
        return None, current
    known = pl.col(TRUTH).is_not_null()
    unknown = replace(current, frame=current.frame.filter(~known), held=None)
    return current.labeled(), unknown


def _height(scored: Scored) -> int:
    import polars as pl

    frame: pl.DataFrame = scored.frame.select(pl.len()).collect()
    return int(frame.item())


def _too_few(what: str, rows: int, least: int) -> Finding:
    return _note("rows", rows, least, f"{rows} rows {what} are too few to judge by; {least} are needed.")


def _note(subject: str, value: float, threshold: float, text: str) -> Finding:
    return Finding(subject, "rows", float(value), float(threshold), "info", text)
