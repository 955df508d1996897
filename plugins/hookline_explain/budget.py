"""A report's explanations in about as many seconds as it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hookline import Finding, Predictor

from .ways import Parts, Way, allowed, take_apart, together

if TYPE_CHECKING:
    import polars as pl

LEAST_ROWS = 20
"""Rows below which the mean over rows says little."""
LEAST_FIT = 0.2
"""Share of the spread of answers nearby (R2) that a linear model must tell to be believed."""
FALLBACK = "explained_otherwise"
SUM_GAP = "additivity_gap"
POOR_FIT = "poor_fit"
ROWS_LEFT = "rows_explained"
QUICKEST = "one_by_one"


@dataclass(frozen=True)
class Explained:
    """What was explained, of rows of the schema's columns in their order, how, and what is to be told of that."""

    rows: pl.DataFrame
    parts: Parts
    way: Way
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Budget:
    """Seconds from now on."""

    seconds: float
    since: float = field(default_factory=time.monotonic)

    def explain(
        self, predictor: Predictor, way: Way, rows: pl.DataFrame, quick: Callable[[], Way], refused: tuple[str, ...]
    ) -> Explained:
        """Explain as many rows as there is time for; where that are too few, by a quicker way. rows: (n_rows >= 1)."""
        findings = [_otherwise(way, why) for why in refused]
        began = time.monotonic()
        first = [take_apart(predictor, way, rows[:1])]
        each = time.monotonic() - began
        least = min(LEAST_ROWS, rows.height)
        if each * least > max(self._left(), 0.0) and way.name != QUICKEST:
            way = quick()
            why = f"{each:.2g} s a row is more than {self.seconds:g} s allow for {least} rows"
            findings.append(_otherwise(way, why))
            first = []
        parts = together([*first, *self._lots(predictor, way, rows, sum(len(one.answers) for one in first))])
        done = len(parts.answers)
        if done < rows.height:
            findings.append(_cut(done, rows.height, self.seconds))
        most = allowed(predictor, rows[:done])
        if way.adds_up and parts.gap > most:
            findings.append(_gap(parts.gap, most, way))
        if parts.fit is not None and (poor := int((parts.fit < LEAST_FIT).sum())):
            findings.append(_poor(poor, done, way))
        return Explained(rows[:done], parts, way, tuple(findings))

    def _lots(self, predictor: Predictor, way: Way, rows: pl.DataFrame, start: int) -> list[Parts]:
        """Explain lots that grow while they take little of the time left, until there is none or no row."""
        found: list[Parts] = []
        size = 1
        while start < rows.height and (self._left() > 0 or not (found or start)):
            began = time.monotonic()
            found.append(take_apart(predictor, way, rows[start : start + size]))
            start += size
            each = (time.monotonic() - began) / size
            size = max(1, min(8 * size, int(self._left() / 4 / max(each, 1e-9))))
        return found

    def _left(self) -> float:
        return self.since + self.seconds - time.monotonic()


def _otherwise(way: Way, why: str) -> Finding:
    text = f"Explained by {way.name}, since otherwise: {why}."
    return Finding(way.name, FALLBACK, 1.0, 0.0, "info", text)


def _cut(done: int, wanted: int, seconds: float) -> Finding:
    text = f"Only {done} of {wanted} rows are explained, for which there was time within {seconds:g} s."
    return Finding("rows", ROWS_LEFT, float(done), float(wanted), "warning", text)


def _gap(gap: float, most: float, way: Way) -> Finding:
    text = f"By {way.name} the parts of an answer add up to it only to within {gap:.2g}."
    return Finding(way.name, SUM_GAP, gap, most, "warning", text)


def _poor(poor: int, rows: int, way: Way) -> Finding:
    text = f"By {way.name} {poor} of {rows} rows are told poorly: near them the linear model has an R2 below {LEAST_FIT:g}."
    return Finding(way.name, POOR_FIT, poor / rows, 0.0, "warning" if poor * 2 > rows else "info", text)
