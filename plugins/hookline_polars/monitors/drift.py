"""The data drift monitor: how far each column has moved, by effect size with a confidence bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Interval

from hookline import Dataset, Finding, Metric, Monitor, Reference, Report, Table
from hookline.data.columns import column_kind
from hookline.kinds.reports import ColumnProfile, Severity, worst_first
from hookline.quality.distributions import numbers, rebin
from hookline.quality.effects import (
    Effect,
    categorical_effect,
    categorical_effect_of_top,
    missing_effect,
    numeric_effect,
    numeric_effect_of_bins,
)

from ..stats import value_counts
from .drawing import chart, mean, mode

MAX_CHARTS = 6


@dataclass(frozen=True)
class Verdict:
    """What was measured of one column."""

    effect: Effect
    threshold: float
    before: str
    now: str

    @property
    def drifted(self) -> bool:
        """Whether even the lower bound of the effect is over the threshold."""
        return self.effect.low > self.threshold


class DataDriftMonitor(Monitor):
    """Compare each column with training by the size of the difference, not by a p-value.

    A column has drifted when the lower 95 % confidence bound of the effect is over the threshold, so that neither small
    tables raise false alarms nor large ones flag differences too small to matter. The time role's column moves on by itself,
    so only its missing values are judged.
    """

    name = "data_drift"
    numeric_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Of numbers and datetimes: Kolmogorov-Smirnov distance, the largest gap between the two cumulative distributions."""
    categorical_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Of texts and booleans: Cramer's V between value and sample."""
    missing_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Of any column: difference of the shares of missing values."""
    critical_factor: Annotated[float, Gt(1)] = 4.0
    """Findings whose bound is over this many thresholds are critical."""
    min_rows: Annotated[int, Gt(0)] = 30
    """Current rows below which nothing is judged."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        """Report an effect per column; raises nothing for columns that are absent, but says so."""
        now = rebin(current.frame, reference.profile)
        held = {column.name: column for column in now.columns}
        expected = _expected(reference)
        columns = reference.profile.columns
        verdicts = []
        findings = [_absent(c.name) for c in columns if c.name not in held and c.name in expected]
        if now.rows < self.min_rows:
            text = f"{now.rows} rows are too few to judge drift by; {self.min_rows} are needed."
            findings.append(Finding("rows", "rows", float(now.rows), float(self.min_rows), "info", text))
            metric = Metric("drift_share", 0.0, greater_is_better=False)
            return Report("Data drift", (metric,), findings=tuple(findings))
        for before in columns:
            if before.name not in held:
                continue
            found = self._judge(before, held[before.name], current, reference)
            verdicts += found
            findings += [self._finding(before, held[before.name], verdict) for verdict in found if verdict.drifted]
        return _report(verdicts, findings, reference, held)

    def _judge(
        self, before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference
    ) -> list[Verdict]:
        verdicts = []
        if before.missing or now.missing:
            missing = missing_effect(before, now)
            shares = [f"{column.missing / max(1, column.count):.1%} missing" for column in (before, now)]
            verdicts.append(Verdict(missing, self.missing_threshold, *shares))
        if before.name == reference.time:
            return verdicts
        if before.kind != now.kind:
            effect = Effect(before.name, "type", 1.0, 1.0)
            return [Verdict(effect, 0.0, before.kind, now.kind)]
        if before.bins is not None and now.bins is not None:
            effect = _numeric(before, now, current, reference)
            verdicts.append(Verdict(effect, self.numeric_threshold, mean(before), mean(now)))
        elif before.top and now.top:
            effect = _categorical(before, now, current, reference)
            verdicts.append(Verdict(effect, self.categorical_threshold, mode(before), mode(now)))
        return verdicts

    def _finding(self, before: ColumnProfile, now: ColumnProfile, verdict: Verdict) -> Finding:
        effect = verdict.effect
        severity: Severity = "critical" if effect.low > verdict.threshold * self.critical_factor else "warning"
        text = (
            f"'{effect.column}' has moved: {effect.statistic} {effect.value:.2f} (at least {effect.low:.2f}); "
            f"{verdict.before} in training, {verdict.now} now."
        )
        return Finding(effect.column, effect.statistic, effect.value, verdict.threshold, severity, text)


def _expected(reference: Reference) -> set[str]:
    """Return the columns that current rows must have: every profiled one but the target, the last where nobody names it."""
    names = [column.name for column in reference.profile.columns]
    if reference.target is not None:
        return {*names} - {reference.target.name}
    if reference.dataset is not None:
        return {*names} - {reference.dataset.roles.target}
    return {*names[:-1]}


def _numeric(before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference) -> Effect:
    if reference.dataset is None:
        return numeric_effect_of_bins(before, now)
    frames = (reference.dataset.frame, current.frame)
    samples = []
    for frame in frames:
        dtype = frame.collect_schema()[before.name]
        samples.append(numbers(frame, before.name, column_kind(dtype), dtype))
    return numeric_effect(before.name, samples[0], samples[1])


def _categorical(before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference) -> Effect:
    found = _counts(now, current)
    if reference.dataset is None and _is_cut(before):
        return categorical_effect_of_top(before, found)
    return categorical_effect(before.name, _counts(before, reference.dataset), found)


def _counts(column: ColumnProfile, dataset: Dataset | None) -> dict[str, int]:
    """Return value -> rows, of every value: from the profile where it holds them all, else from the rows."""
    if dataset is None or not _is_cut(column):
        return dict(column.top)
    return dict(value_counts(dataset.frame, column.name).drop_nulls("value").select("value", "rows").collect().rows())


def _is_cut(column: ColumnProfile) -> bool:
    return len(column.top) < column.distinct


def _report(
    verdicts: list[Verdict], findings: list[Finding], reference: Reference, held: dict[str, ColumnProfile]
) -> Report:
    columns = {verdict.effect.column for verdict in verdicts}
    drifted = {verdict.effect.column for verdict in verdicts if verdict.drifted}
    metrics = (
        Metric("drift_share", len(drifted) / max(1, len(columns)), greater_is_better=False),
        Metric("drifted_columns", float(len(drifted)), greater_is_better=False),
    )
    ordered = sorted(verdicts, key=lambda verdict: -verdict.effect.low / verdict.threshold if verdict.threshold else 0)
    rows = tuple(
        (
            v.effect.column,
            v.effect.statistic,
            v.effect.value,
            v.effect.low,
            v.threshold,
            "drifted" if v.drifted else "same",
            v.before,
            v.now,
        )
        for v in ordered
    )
    names = ("column", "statistic", "effect", "at least", "threshold", "verdict", "training", "current")
    shown = [verdict.effect.column for verdict in ordered if verdict.drifted][:MAX_CHARTS]
    charts = tuple(chart(reference.profile[name], held[name]) for name in dict.fromkeys(shown))
    return Report("Data drift", metrics, (Table("Columns", names, rows),), charts, tuple(worst_first(findings)))


def _absent(name: str) -> Finding:
    return Finding(name, "columns", 0.0, 1.0, "critical", f"'{name}' is not among the current columns.")
