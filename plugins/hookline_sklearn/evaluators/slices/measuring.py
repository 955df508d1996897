"""The metrics of the `standard` evaluator on some of the rows that were judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from hookline import Metric, Scored
from hookline.data.target import encode

from ..bootstrap import Measure, Resampling, with_intervals
from ..classification import ClassificationMeasure, Judged
from ..regression import RegressionMeasure

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Measured:
    """Rows with answers and truth, to be measured a part at a time.

    weight: float64, (n_rows,), none 0; positive: code of the positive class of a binary target
    resampling: with the groups of all rows
    """

    rows: Scored
    weight: np.ndarray
    positive: int | None
    resampling: Resampling

    def of(self, part: np.ndarray) -> tuple[Metric, ...]:
        """Return the metrics of some rows, bool (n_rows,), with intervals; one that they leave undefined is left out."""
        places, groups = part.nonzero()[0], self.resampling.groups
        resampling = replace(self.resampling, groups=None if groups is None else groups[places])
        return with_intervals(lambda drawn: self._measure(places[drawn]), self.weight[places], resampling)

    def _measure(self, places: np.ndarray) -> Measure:
        import numpy as np

        if self.rows.target.task == "regression":
            truth, said = self.rows.truth(), self.rows.prediction().values
            return RegressionMeasure(np.asarray(truth, float)[places], np.asarray(said, float)[places])
        return ClassificationMeasure(self._judged.taken(places))

    @cached_property
    def _judged(self) -> Judged:
        said, target = self.rows.prediction(), self.rows.target
        codes = encode(self.rows.truth(), target), encode(said.values, target)
        return Judged(*codes, said.probabilities, len(target.classes), self.positive)
