"""The data drift monitor: how far each column has moved, by effect size with a confidence bound."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Gt, Interval

from hookline import Chart, Dataset, Finding, Metric, Monitor, Reference, Report, Table
from hookline.kinds.reports import ColumnProfile, Severity, worst_first
from hookline.quality.discoveries import discoveries
from hookline.quality.distributions import rebin
from hookline.quality.effects import Effect, missing_effect
from hookline.quality.novel import STATISTIC, Novel

from .drawing import chart, mean, mode, short
from .figures import figures
from .lacking import absences, ungrouped
from .measuring import LETTERS, SHIFT, categorical, letters, numeric, shift
from .scripts import FILE, SCRIPTS, kept_scripts, most_of, scripts_effect, scripts_in

MAX_CHARTS = 6
MAX_NEW = 20
"""New values of a column that the table lists."""


@dataclass(frozen=True)
class Verdict:
    """What was measured of one column."""

    effect: Effect
    threshold: float
    before: str
    now: str
    novel: Novel | None = None
    """What the column holds that training did not."""
    certain: bool = False
    """Whether it counts among all that was measured, so that few that do are chance."""

    @property
    def drifted(self) -> bool:
        """Whether the effect is certain, and large enough by its lower bound; of a shift by itself."""
        size = self.effect.value if self.effect.statistic == SHIFT else self.effect.low
        return self.certain and size > self.threshold


class DataDriftMonitor(Monitor):
    """Compare each column with training by the size of the difference, not by a p-value.

    A column has drifted when the lower 95 % confidence bound of the effect is over the threshold, so that neither small
    tables raise false alarms nor large ones flag differences too small to matter. Over all columns at most 1 % of what is told
    is expected to be chance (Benjamini and Hochberg, 1995). Rows of one group, where the group role names them, count as fewer
    than as many others. Values that training never saw are named. The time role's column moves on by itself, so only its
    missing values are judged.

    As figures, which judge nothing: Wasserstein distance in interquartile ranges of training, PSI and Jensen-Shannon distance
    (base 2). The latter two take ten bins of a number, between training's deciles, and of texts each value that training held.
    """

    name = "data_drift"
    measures = ("drift_share", "drifted_columns", "drifted_importance")
    numeric_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Of numbers and datetimes: Kolmogorov-Smirnov distance, the largest gap between the two cumulative distributions.

    Also of how long texts are that rarely repeat, such as names and remarks.
    """
    shift_threshold: Annotated[float, Interval(gt=0, lt=10)] = 0.08
    """Of numbers and datetimes: Wasserstein distance in standard deviations of training, between its 1 % and 99 % quantiles.

    It finds a small shift that the distance above is too coarse for, where it is certain that there is any.
    """
    categorical_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Of texts and booleans: Cramer's V between value and sample."""
    missing_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Of any column: difference of the shares of missing values."""
    new_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Of texts and booleans: share of the rows whose value training never saw; from 0.01 on they are a note."""
    critical_factor: Annotated[float, Gt(1)] = 4.0
    """Findings whose bound is over this many thresholds are critical."""
    min_rows: Annotated[int, Gt(0)] = 30
    """Current rows below which nothing is judged."""
    false_discoveries: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Share of what is told that may be chance."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        """Report an effect per column; raises nothing for columns that are absent, but says so."""
        now = rebin(current.frame, reference.profile, group=current.roles.group)
        held = {column.name: column for column in now.columns}
        columns = reference.profile.columns
        findings = absences(reference, held)
        if now.rows < self.min_rows:
            text = f"{now.rows} rows are too few to judge drift by; {self.min_rows} are needed."
            findings.append(Finding("rows", "rows", float(now.rows), float(self.min_rows), "info", text))
            metric = Metric("drift_share", 0.0, greater_is_better=False)
            return Report("Data drift", (metric,), findings=tuple(findings))
        findings += ungrouped(current, reference)
        scripts = kept_scripts(reference)
        measured = [
            self._judge(before, held[before.name], current, reference) for before in columns if before.name in held
        ]
        judged = self._certain(measured)
        for found in judged:
            findings += self._findings(found)
        findings = [_weighed(finding, reference.importances) for finding in findings]
        report = _report([verdict for found in judged for verdict in found], findings, reference, held)
        report = replace(report, tables=(*report.tables, *figures(reference, held, current)))
        keeps = reference.dataset is not None and scripts
        return replace(report, files={FILE: json.dumps(scripts).encode()}) if keeps else report

    def _certain(self, measured: Sequence[list[Verdict]]) -> list[list[Verdict]]:
        """Mark what counts over all columns; a shift is told only where the other distance of the column is not."""
        found = iter(discoveries([one.effect.chance for many in measured for one in many], self.false_discoveries))
        marked = [[replace(one, certain=next(found)) for one in many] for many in measured]
        return [
            [one for one in many if one.effect.statistic != SHIFT or (one.drifted and not _is_told(many))]
            for many in marked
        ]

    def _judge(
        self, before: ColumnProfile, now: ColumnProfile, current: Dataset, reference: Reference
    ) -> list[Verdict]:
        verdicts = []
        if before.missing or now.missing:
            effect = missing_effect(before, now)
            verdicts.append(Verdict(effect, self.missing_threshold, _missing(before), _missing(now)))
        # Nothing tells the type of a column without values.
        if before.name == reference.time or _is_empty(before) or _is_empty(now):
            return verdicts
        if before.kind != now.kind:
            effect = Effect(before.name, "type", 1.0, 1.0)
            return [Verdict(effect, 0.0, before.kind, now.kind)]
        if before.bins is not None and now.bins is not None:
            effect = numeric(before, now, current, reference)
            verdicts.append(Verdict(effect, self.numeric_threshold, mean(before), mean(now)))
            small = shift(before, now, effect.chance)
            if small:
                verdicts.append(Verdict(small, self.shift_threshold, mean(before), mean(now)))
        elif before.top and now.top:
            verdicts += self._of_scripts(before, current, reference)
            lengths = letters(before, now)
            if lengths and before.lengths and now.lengths:
                told = (f"{mean(column)} letters" for column in (before.lengths, now.lengths))
                verdicts.append(Verdict(lengths, self.numeric_threshold, next(told), next(told)))
            effect, novel = categorical(before, now, current, reference)
            verdicts.append(Verdict(effect, self.categorical_threshold, mode(before), mode(now), novel))
            if novel:
                was, is_now = f"{novel.expected:.1%} new", f"{novel.share:.1%} new"
                verdicts.append(Verdict(novel.effect, self.new_threshold, was, is_now, novel))
        return verdicts

    def _of_scripts(self, before: ColumnProfile, current: Dataset, reference: Reference) -> list[Verdict]:
        known = kept_scripts(reference).get(before.name)
        if not known:
            return []
        now = scripts_in(current.frame, before.name)
        return [Verdict(scripts_effect(before, known, now), self.categorical_threshold, most_of(known), most_of(now))]

    def _findings(self, verdicts: list[Verdict]) -> list[Finding]:
        """Return what is to be told of a column; new values within the sentence on how all of them have moved."""
        found = [self._finding(verdict) for verdict in verdicts if verdict.drifted]
        if len(found) > 1 and found[-1].statistic == STATISTIC and verdicts[-2].drifted:
            return found[:-1]
        last = verdicts[-1] if verdicts else None
        if last and last.novel and last.novel.noted and not last.drifted and not verdicts[-2].drifted:
            found.append(self._finding(last))
        return found

    def _finding(self, verdict: Verdict) -> Finding:
        effect = verdict.effect
        severity: Severity = "critical" if effect.low > verdict.threshold * self.critical_factor else "warning"
        return Finding(
            effect.column,
            effect.statistic,
            effect.value,
            verdict.threshold,
            severity if verdict.drifted else "info",
            _sentence(verdict),
        )


def _weighed(finding: Finding, importances: Mapping[str, float]) -> Finding:
    """Say of a column how much of what the model goes by it is, where that is known."""
    share = importances.get(finding.subject)
    if share is None:
        return finding
    return replace(finding, message=f"{finding.message[:-1]}; it is {share:.0%} of what the model goes by.")


def _is_told(verdicts: Sequence[Verdict]) -> bool:
    return any(one.drifted for one in verdicts if one.effect.statistic == "KS")


def _sentence(verdict: Verdict) -> str:
    effect, name = verdict.effect, verdict.effect.column
    if effect.statistic == STATISTIC:
        return f"'{name}': {verdict.novel}."
    if effect.statistic == "missing share" and EMPTY in (verdict.before, verdict.now):
        was, is_now = ("empty" if said == EMPTY else said for said in (verdict.before, verdict.now))
        return f"'{name}' is {is_now} now, and was {was} in training."
    if effect.statistic == "type":
        return f"'{name}' was a {verdict.before} in training, and is a {verdict.now} now."
    text = (
        f"'{name}' has moved: {effect.statistic} {effect.value:.2f} (at least {effect.low:.2f}); "
        f"{verdict.before} in training, {verdict.now} now."
    )
    return f"{text[:-1]}; {verdict.novel}." if verdict.novel and verdict.novel.noted else text


EMPTY = "100.0% missing"


def _missing(column: ColumnProfile) -> str:
    share = column.missing / max(1, column.count)
    return EMPTY if share == 1 else f"{min(share, 0.999):.1%} missing"


def _is_empty(column: ColumnProfile) -> bool:
    return column.missing == column.count


def _report(
    verdicts: list[Verdict], findings: list[Finding], reference: Reference, held: dict[str, ColumnProfile]
) -> Report:
    columns = {verdict.effect.column for verdict in verdicts}
    drifted = {verdict.effect.column for verdict in verdicts if verdict.drifted}
    metrics: tuple[Metric, ...] = (
        Metric("drift_share", len(drifted) / max(1, len(columns)), greater_is_better=False),
        Metric("drifted_columns", float(len(drifted)), greater_is_better=False),
    )
    if reference.importances:
        share = sum(reference.importances.get(name, 0.0) for name in drifted)
        metrics = (*metrics, Metric("drifted_importance", share, greater_is_better=False))
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
    shown: dict[str, Chart] = {}
    for verdict in ordered:
        if verdict.drifted and verdict.effect.statistic not in ("type", SCRIPTS):
            shown.setdefault(verdict.effect.column, _chart(verdict, reference, held))
    tables = Table("Columns", names, rows), *_new_values(verdicts)
    return Report("Data drift", metrics, tables, (*shown.values(),)[:MAX_CHARTS], tuple(worst_first(findings)))


def _chart(verdict: Verdict, reference: Reference, held: dict[str, ColumnProfile]) -> Chart:
    """Draw what has moved: values, or the lengths of texts that rarely repeat."""
    before, now = reference.profile[verdict.effect.column], held[verdict.effect.column]
    if verdict.effect.statistic == LETTERS and before.lengths and now.lengths:
        before, now = before.lengths, now.lengths
    return chart(before, now, ("training", "current"))


def _new_values(verdicts: list[Verdict]) -> list[Table]:
    """List the values that training never saw, or hardly."""
    rows = [
        (verdict.effect.column, short(value), count, verdict.novel.share * count / sum(verdict.novel.values.values()))
        for verdict in verdicts
        if verdict.novel and verdict.effect.statistic == STATISTIC and (verdict.novel.noted or verdict.drifted)
        for value, count in [*verdict.novel.values.items()][:MAX_NEW]
    ]
    return [Table("New values", ("column", "value", "rows", "share"), tuple(rows))] if rows else []
