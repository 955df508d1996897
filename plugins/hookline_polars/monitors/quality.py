"""The data quality monitor: rows that are broken rather than moved, such as values out of range, copies and gaps in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Interval

from hookline import ColumnProfile, Dataset, Finding, Metric, Monitor, Reference, Report, Table
from hookline.errors import StoreError
from hookline.kinds.reports import Severity, worst_first
from hookline.quality.discoveries import discoveries
from hookline.quality.distributions import rebin
from hookline.quality.effects import Effect, missing_effect, share_effect
from hookline.quality.novel import find_novel

from .gaps import Gap, Times, gap_in, times_in
from .lacking import absences
from .measuring import counts_of

if TYPE_CHECKING:
    import polars as pl

KEPT = "rows.json"
TITLE = "Data quality"
OUTSIDE, COPIES, STUCK, NEW = "outside share", "copies", "values", "new share"
MANY = 10
"""Values of a column that must have been, for one value now to be a column that is stuck."""


@dataclass(frozen=True)
class Fault:
    """What may be wrong with a column, or with the rows."""

    effect: Effect
    threshold: float
    message: str


class DataQualityMonitor(Monitor):
    """Say what is broken in rows rather than moved: out of range, never seen, missing, stuck, copied, or with gaps in time.

    A share, such as of values beyond the smallest and the largest of training, is a finding where its lower 95 % bound is over
    the threshold, and certain over all that was looked at (Benjamini and Hochberg, 1995, at most 1 % chance). A gap in time, by
    the time role, is several times the longest of training, and longer than rows at random moments would leave. Nothing is
    weighed; rows of one group count as fewer, as `data_drift` has it. Rows that the contract rejects never come so far.
    """

    name = "data_quality"
    measures = ("broken_columns",)
    outside_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Of numbers and datetimes: share of values beyond those of training."""
    new_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Of texts and booleans: share of rows whose value training never saw."""
    missing_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.02
    """Of any column: growth of the share of missing values."""
    copies_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Growth of the share of rows that are copies of another row."""
    gap_factor: Annotated[float, Gt(1)] = 3.0
    """Times the longest gap of training that a gap in time is."""
    critical_factor: Annotated[float, Gt(1)] = 10.0
    """A finding whose bound is over this many thresholds is critical."""
    min_rows: Annotated[int, Gt(0)] = 30
    """Current rows below which nothing is judged."""
    false_discoveries: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Share of what is told that may be chance."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        """Report what is broken; a note where rows are too few."""
        now = rebin(current.frame, reference.profile, group=current.roles.group)
        held = {column.name: column for column in now.columns}
        columns = reference.profile.columns
        findings = absences(reference, held)
        known, files = _known(reference)
        if now.rows < self.min_rows:
            text = f"{now.rows} rows are too few to judge by; {self.min_rows} are needed."
            note = Finding("rows", "rows", float(now.rows), float(self.min_rows), "info", text)
            return Report(TITLE, findings=(*findings, note), files=files)
        faults = [
            fault for before in columns for fault in self._faults(before, held.get(before.name), current, reference)
        ]
        faults += [*self._copies(current, known), *self._gaps(current, reference, known)]
        return self._report(faults, findings, len(columns), files)

    def _faults(
        self, before: ColumnProfile, now: ColumnProfile | None, current: Dataset, reference: Reference
    ) -> Iterator[Fault]:
        if now is None:
            return
        name, worth = before.name, (before.independent, now.independent)
        if before.missing or now.missing:
            effect = missing_effect(before, now)
            if now.missing / max(1, now.count) > before.missing / max(1, before.count):
                text = f"'{name}' is missing in {now.missing / max(1, now.count):.1%} of rows, and was in {_share(before)}."
                yield Fault(effect, self.missing_threshold, text)
        there = before.count - before.missing, now.count - now.missing
        if name == reference.time or not all(there):
            return
        if before.kind != now.kind:
            text = f"'{name}' was a {before.kind} in training, and is a {now.kind} now."
            yield Fault(Effect(name, "type", 1.0, 1.0), 0.0, text)
            return
        if before.distinct >= MANY and now.distinct == 1:
            text = f"'{name}' has one value in all {there[1]:,} rows, and had {before.distinct:,} in training."
            yield Fault(Effect(name, STUCK, 1.0, 1.0), 0.0, text)
        if before.bins is not None and now.bins is not None and before.minimum is not None:
            # Two more, since a fresh row may well be the smallest or the largest yet.
            beyond = _outside(before, now)
            effect = share_effect(name, OUTSIDE, (2, there[0] + 2), (beyond, there[1]), worth=worth)
            text = f"'{name}' is beyond all values of training in {beyond / there[1]:.1%} of rows."
            yield Fault(effect, self.outside_threshold, text)
        elif before.top:
            whole = dict(before.top) if len(before.top) == before.distinct else None
            novel = find_novel(before, whole, counts_of(now, current), worth)
            if novel:
                yield Fault(novel.effect, self.new_threshold, f"'{name}': {novel}.")

    def _copies(self, current: Dataset, known: dict[str, Any]) -> Iterator[Fault]:
        if "copies" in known:
            # More rows hold more copies, so no more are looked at than there were.
            now = _copies(current.with_frame(current.frame.head(known["rows"])))
            effect = share_effect("rows", COPIES, (known["copies"], known["rows"]), now)
            if now[0] / max(1, now[1]) > known["copies"] / max(1, known["rows"]):
                text = f"{now[0] / now[1]:.1%} of rows are copies of another, and were {known['copies'] / known['rows']:.1%}."
                yield Fault(effect, self.copies_threshold, text)

    def _gaps(self, current: Dataset, reference: Reference, known: dict[str, Any]) -> Iterator[Fault]:
        if reference.time is None or "longest" not in known:
            return
        gap: Gap | None = gap_in(times_in(current.frame, reference.time), known["longest"] * self.gap_factor)
        if gap is not None:
            longest = known["longest"]
            ratio = gap.seconds / longest if longest else gap.seconds
            text = (
                f"there are no rows for {gap.told}, from {gap.since} on; the longest gap of training took "
                f"{Gap(longest, 0.0, 0.0).told}."
            )
            yield Fault(Effect(reference.time, "gap", ratio, ratio, gap.chance), self.gap_factor, text)

    def _report(self, faults: list[Fault], findings: list[Finding], columns: int, files: dict[str, bytes]) -> Report:
        certain = discoveries([fault.effect.chance for fault in faults], self.false_discoveries)
        told = [
            fault for fault, sure in zip(faults, certain, strict=True) if sure and fault.effect.low > fault.threshold
        ]
        findings = findings + [self._finding(fault) for fault in told]
        rows = tuple(
            (fault.effect.column, fault.effect.statistic, fault.effect.value, fault.effect.low, fault.threshold)
            for fault in sorted(faults, key=lambda fault: -fault.effect.low)
        )
        broken = {finding.subject for finding in findings}
        metric = Metric("broken_columns", float(len(broken)), greater_is_better=False)
        table = Table("Looked at", ("column", "what", "value", "at least", "threshold"), rows)
        return Report(TITLE, (metric,), (table,), findings=tuple(worst_first(findings)), files=files)

    def _finding(self, fault: Fault) -> Finding:
        effect = fault.effect
        severity: Severity = "critical" if effect.low > fault.threshold * self.critical_factor else "warning"
        return Finding(effect.column, effect.statistic, effect.value, fault.threshold, severity, fault.message)


def _known(reference: Reference) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what was found out of the training rows, and the file to keep it in; raises StoreError for a damaged one."""
    if reference.dataset is not None:
        copies, rows = _copies(reference.dataset)
        known: dict[str, Any] = {"copies": copies, "rows": rows}
        if reference.time is not None:
            known["longest"] = _longest(times_in(reference.dataset.frame, reference.time))
        return known, {KEPT: json.dumps(known).encode()}
    path = reference.files.get(KEPT)
    if path is None:
        return {}, {}
    try:
        read = json.loads(path.read_text("utf-8"))
        return {str(name): float(number) if name == "longest" else int(number) for name, number in read.items()}, {}
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} does not tell of the training rows") from error


def _longest(times: Times) -> float:
    return float(times.gaps.max(initial=0.0))


def _copies(rows: Dataset) -> tuple[int, int]:
    """Return how many rows equal another in all that a model sees, and how many there are; by digests of 64 bits."""
    import polars as pl

    digests: pl.LazyFrame = rows.frame.select(pl.struct(rows.feature_columns()).hash().alias("digest"))
    found = digests.select(pl.len().alias("rows"), pl.col("digest").n_unique().alias("different")).collect().row(0)
    return int(found[0] - found[1]), int(found[0])


def _outside(before: ColumnProfile, now: ColumnProfile) -> int:
    """Return how many values lie beyond the smallest and the largest of training, what is infinite included."""
    assert before.bins is not None
    assert now.bins is not None
    low, high = before.minimum, before.maximum
    assert low is not None
    assert high is not None
    edges = now.bins.edges
    within = sum(
        count
        for count, left, right in zip(now.bins.counts, edges[:-1], edges[1:], strict=True)
        if right <= high and (left >= low or right >= low)
    )
    return now.count - now.missing - within


def _share(column: ColumnProfile) -> str:
    return f"{column.missing / max(1, column.count):.1%}"
