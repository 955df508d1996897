"""The concept drift monitor: whether the relation of columns and truth has changed, by the loss of labels as they come."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from annotated_types import Gt, Interval

from hookline import Chart, Finding, Metric, Monitor, Reference, Report, Scored, Table
from hookline.kinds.reports import Severity

from .detectors import Detector, Rise, first_rise
from .streams import Stream, Usual, stream_of

KEPT = "losses.json"
WARM = 200
"""Labelled rows that stand for held-out ones, where the package keeps none."""
POINTS = 40
"""Points of the chart."""
TITLE = "Concept drift"


class ConceptDriftMonitor(Monitor):
    """Find that a model's answers become wrong more often, as the labels come, and tell since when.

    One of river's detectors goes over the loss of the labelled rows in order of time: whether the class was wrong, or how far
    the number was off. `page_hinkley` (Page, 1954) starts from the losses of held-out rows, which a run keeps in the package,
    and has its threshold from them, so that a false alarm comes once in `rows_per_false_alarm` rows (Brook and Evans, 1972).
    The others (ADWIN, Bifet and Gavalda, 2007; KSWIN, Raab and others, 2020; HDDM, Frias-Blanco and others, 2014) test each row
    with a chance of one in as many. A finding needs half of the rise that is looked for. There is one stream, so there are no
    columns to allow for. Rows of one group that follow each other count as one row, and nothing is weighed. A rise may also come
    of
    harder rows: `covariate_shift` tells.
    """

    name = "concept_drift"
    measures = ("labelled_loss",)
    extra = "river"
    detector: Detector = "page_hinkley"
    """What looks for a change."""
    min_rise: Annotated[float, Interval(gt=0, lt=1)] = 0.15
    """Of classes: the rise of the share of errors that is looked for; a finding needs half of it."""
    min_growth: Annotated[float, Gt(0)] = 0.3
    """Of numbers: the growth of the mean absolute error that is looked for, as a part of what it was; a finding needs half."""
    rows_per_false_alarm: Annotated[int, Interval(ge=100, le=100_000_000)] = 200_000
    """Rows that pass, on average, before a false alarm."""
    critical_factor: Annotated[float, Gt(1)] = 2.0
    """A rise that is surely this many times what is looked for is critical."""
    min_rows: Annotated[int, Gt(0)] = 30
    """Labelled rows below which nothing is judged."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("river",)

    def check(self, current: Scored, reference: Reference) -> Report:
        """Report the first rise of the loss; a note where too few labels are known."""
        stream, files = stream_of(current), {}
        if reference.dataset is not None and len(stream.errors):
            files = {KEPT: _usual(stream, current).packed()}
        if len(stream.errors) < self.min_rows:
            text = f"the truth of {len(stream.errors)} rows is known, which are too few to judge by; {self.min_rows} are needed."
            return Report(TITLE, findings=(_note(len(stream.errors), self.min_rows, text),), files=files)
        usual, notes = self._known(stream, current, reference)
        if usual is None:
            return Report(TITLE, findings=notes, files=files)
        losses = stream.losses(usual.scale)[0 if not notes else WARM :]
        sought = self.min_growth if current.target.task == "regression" else self.min_rise
        rise = first_rise(losses, usual, self.detector, sought, self.rows_per_false_alarm)
        metric = Metric("labelled_loss", float(losses.mean()), greater_is_better=False)
        shown = (
            stream if not notes else Stream(stream.errors[WARM:], None if stream.times is None else stream.times[WARM:])
        )
        report = Report(TITLE, (metric,), charts=(_chart(losses, usual, rise),), findings=notes, files=files)
        return report if rise is None else self._with(report, rise, shown, sought, current)

    def _known(self, stream: Stream, current: Scored, reference: Reference) -> tuple[Usual | None, tuple[Finding, ...]]:
        """Return the losses to go by, with a note where they are the first of the stream."""
        path = reference.files.get(KEPT)
        if path is not None:
            return Usual.read(path), ()
        if reference.dataset is not None:
            return _usual(stream, current), ()
        if len(stream.errors) < WARM + self.min_rows:
            text = (
                f"the package keeps no losses of held-out rows, and {len(stream.errors)} labels are too few to do without; "
                f"build it with monitor=[{self.name}], or wait for {WARM + self.min_rows} labels."
            )
            return None, (_note(len(stream.errors), WARM + self.min_rows, text),)
        text = f"the package keeps no losses of held-out rows, so the first {WARM} labels stand for them."
        return _usual(Stream(stream.errors[:WARM], None), current), (_note(WARM, 0, text),)

    def _with(self, report: Report, rise: Rise, stream: Stream, sought: float, current: Scored) -> Report:
        severity: Severity = "critical" if rise.low > sought * self.critical_factor else "warning"
        numbers = current.target.task == "regression"
        what = "the mean absolute error, in times its usual size," if numbers else "the share of wrong answers"
        text = (
            f"{what} has risen from {rise.before:.2f} to {rise.now:.2f} (by at least {rise.low:.2f}) since "
            f"{_when(stream, rise.since)}; {self.detector} found it {rise.found - rise.since + 1:,} labels later."
        )
        finding = Finding(current.target.name, "loss", rise.size, sought / 2, severity, text)
        names = (
            "detector",
            "since",
            "since row",
            "found",
            "found at row",
            "loss before",
            "loss since",
            "labels until found",
        )
        row = (
            *(self.detector, _when(stream, rise.since), rise.since, _when(stream, rise.found), rise.found),
            *(rise.before, rise.now, rise.found - rise.since + 1),
        )
        return replace(report, tables=(Table("Changes", names, (row,)),), findings=(finding, *report.findings))


def _usual(stream: Stream, current: Scored) -> Usual:
    scale = float(stream.errors.mean()) or 1.0 if current.target.task == "regression" else 1.0
    return Usual.of(stream.losses(scale), scale)


def _when(stream: Stream, place: int) -> str:
    return f"row {place:,}" if stream.times is None else str(stream.times[place])


def _note(value: float, threshold: float, text: str) -> Finding:
    return Finding("labels", "rows", float(value), float(threshold), "info", text)


def _chart(losses: Any, usual: Usual, rise: Rise | None) -> Chart:
    """Draw the mean loss of consecutive rows."""
    import numpy as np

    parts = np.array_split(losses, min(POINTS, len(losses)))
    ends = np.cumsum([len(part) for part in parts])
    values = [{"row": int(end), "loss": round(float(part.mean()), 5)} for end, part in zip(ends, parts, strict=True)]
    layers: list[dict[str, Any]] = [
        {"data": {"values": values}, "mark": {"type": "line", "interpolate": "step-before"}},
        {"data": {"values": [{"loss": float(usual.losses.mean())}]}, "mark": {"type": "rule", "strokeDash": [4, 4]}},
    ]
    layers[0]["encoding"] = {
        "x": {"field": "row", "type": "quantitative", "title": "labelled row"},
        "y": {"field": "loss", "type": "quantitative"},
    }
    layers[1]["encoding"] = {"y": {"field": "loss", "type": "quantitative"}}
    if rise is not None:
        since = {"data": {"values": [{"row": rise.since}]}, "mark": {"type": "rule"}}
        layers.append({**since, "encoding": {"x": {"field": "row", "type": "quantitative"}}})
    return Chart("concept_drift", "Loss of labelled rows, and the usual one", {"layer": layers})
