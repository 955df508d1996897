"""The prediction drift monitor: how far a model's answers have moved since it was judged."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Interval

from hookline import ColumnProfile, Finding, Metric, Monitor, Profile, Reference, Report, Scored, Table
from hookline.kinds.reports import Severity
from hookline.quality.distributions import group_of, rebin
from hookline.quality.effects import Effect, categorical_effect_of_profiles, numeric_effect_of_bins

from .drawing import chart, mean, mode


class PredictionDriftMonitor(Monitor):
    """Compare the answers with those on held-out rows by the size of the difference, not by a p-value.

    Of two classes the probability of the later one is compared, of more the labels, else the numbers. Answers have moved
    when the lower 95 % confidence bound of the effect is over the threshold; rows of one group count as fewer than as many
    others.
    """

    name = "prediction_drift"
    measures = ("prediction_drift",)
    numeric_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Of numbers and probabilities: Kolmogorov-Smirnov distance."""
    categorical_threshold: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Of labels: Cramer's V between label and sample."""
    critical_factor: Annotated[float, Gt(1)] = 4.0
    """A finding whose bound is over this many thresholds is critical."""
    min_rows: Annotated[int, Gt(0)] = 30
    """Current rows below which nothing is judged."""

    def check(self, current: Scored, reference: Reference) -> Report:
        """Report how far the answers have moved; a note where there is nothing to compare, or too little."""
        before = reference.answers
        if before is None:
            return _note("the answers on held-out rows were not kept, so there is nothing to compare with.", 0, 1)
        if before.name not in current.frame.collect_schema():
            return _note(f"there is no '{before.name}' among these answers, by which they are compared.", 0, 1)
        now = rebin(current.frame, Profile(before.count, (before,)), group=group_of(current))
        if now.rows < self.min_rows:
            text = f"{now.rows} answers are too few to judge drift by; {self.min_rows} are needed."
            return _note(text, now.rows, self.min_rows)
        effect, threshold = self._effect(before, now[before.name])
        return self._report(before, now[before.name], effect, threshold)

    def _effect(self, before: ColumnProfile, now: ColumnProfile) -> tuple[Effect, float]:
        if before.bins is not None and now.bins is not None:
            return numeric_effect_of_bins(before, now), self.numeric_threshold
        return categorical_effect_of_profiles(before, now), self.categorical_threshold

    def _report(self, before: ColumnProfile, now: ColumnProfile, effect: Effect, threshold: float) -> Report:
        says = mean if before.bins is not None else mode
        drifted = effect.low > threshold
        row = (before.name, effect.statistic, effect.value, effect.low, threshold)
        shown = (*row, "drifted" if drifted else "same", says(before), says(now))
        names = ("answer", "statistic", "effect", "at least", "threshold", "verdict", "held-out", "current")
        metric = Metric("prediction_drift", effect.value, greater_is_better=False)
        findings = (self._finding(effect, threshold, says(before), says(now)),) if drifted else ()
        table = Table("Answers", names, (shown,))
        return Report(
            "Prediction drift", (metric,), (table,), (chart(before, now, ("held-out rows", "current")),), findings
        )

    def _finding(self, effect: Effect, threshold: float, before: str, now: str) -> Finding:
        severity: Severity = "critical" if effect.low > threshold * self.critical_factor else "warning"
        text = (
            f"the answers have moved: {effect.statistic} of '{effect.column}' {effect.value:.2f} "
            f"(at least {effect.low:.2f}); {before} on held-out rows, {now} now."
        )
        return Finding(effect.column, effect.statistic, effect.value, threshold, severity, text)


def _note(text: str, value: float, threshold: float) -> Report:
    return Report("Prediction drift", findings=(Finding("answers", "rows", value, threshold, "info", text),))
