"""Two predictors asked the same rows, answer by answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.data.contract.rules import rejected_mask
from hookline.errors import DataError
from hookline.kinds.artifacts import Schema, Target
from hookline.kinds.fitted import Prediction, Predictor

from .certificate import HELD_OUT, Agreement, WorstRow
from .edges import plain_row
from .parity import Rules, differences, spread_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


MOST_ALONE = 200
"""Questions that a sort's refused rows are told apart by; what is beyond is counted as left out."""
MOST_REFUSED = 8
"""Rows that the contract rejects which are asked all the same."""
WORST = 3

Ask = Callable[["pl.DataFrame"], Prediction]
Ties = Callable[["pl.DataFrame"], "np.ndarray"]
"""Tells on which of some raw rows equals decide: bool (n,)."""


@dataclass(frozen=True)
class Comparison:
    """Two ways to be answered for the same raw rows."""

    target: Target
    schema: Schema
    native: Ask
    other: Ask
    tolerance: float
    spread: float
    """Of the native numbers on held-out rows; see `Parity`."""
    ties: Ties | None = None
    """None: nowhere."""
    rules: Rules = Rules()  # noqa: RUF009  a frozen value
    """How the native one makes classes of probabilities."""
    changes_at_most: float | None = None
    """Share of held-out decisions that may change where the other is coarser on purpose; refusals alone count of other rows."""

    @classmethod
    def of(
        cls, native: Predictor, other: Ask, tolerance: float, held_out: pl.DataFrame, ties: Ties | None = None
    ) -> Comparison:
        """Compare a predictor with another way to ask."""
        spread = spread_of(native.target, native.predict(held_out))
        return cls(native.target, native.schema, native.predict, other, tolerance, spread, ties, Rules.of(native))

    def on(self, frame: pl.DataFrame, sorts: Sequence[str], beyond: np.ndarray | None = None) -> list[Agreement]:
        """Compare them on rows, all at once, and tell it sort by sort. beyond: rows past the format's limit, (n,)."""
        import numpy as np

        told = _Told.empty(frame.height)
        kept = self._worth_asking(frame, sorts)
        self._compare(frame, kept, told, [MOST_ALONE])
        past = np.zeros(frame.height, dtype=bool) if beyond is None else beyond
        self._excuse_ties(frame, told, past)
        names = np.array(sorts, dtype=object)
        return [self._agreement(sort, frame, names == sort, told, past) for sort in dict.fromkeys(sorts)]

    def _worth_asking(self, frame: pl.DataFrame, sorts: Sequence[str]) -> np.ndarray:
        """Return the positions of rows, without most of those that the contract rejects wherever they are asked."""
        import numpy as np

        if not frame.height or sorts[0] == HELD_OUT:
            return np.arange(frame.height)
        rejected = rejected_mask(frame, self.schema).to_numpy()
        return np.sort(np.concatenate([np.flatnonzero(~rejected), np.flatnonzero(rejected)[:MOST_REFUSED]]))

    def _excuse_ties(self, frame: pl.DataFrame, told: _Told, past: np.ndarray) -> None:
        """Mark the answered rows that differ, and on which equals decide."""
        import numpy as np

        differing = np.flatnonzero(told.asked & ~past & (told.difference > self.tolerance) & told.both)
        if self.ties is not None and len(differing):
            told.tied[differing] = self.ties(frame[differing])

    def _agreement(self, sort: str, frame: pl.DataFrame, mine: np.ndarray, told: _Told, past: np.ndarray) -> Agreement:
        counted = told.asked & mine & ~past & ~told.tied
        excused = told.asked & mine & past
        largest = float(told.difference[counted].max(initial=0.0))
        return Agreement(
            sort,
            int((told.asked & mine).sum()),
            largest,
            int(told.changed[counted].sum()),
            self._holds(sort, told, counted, largest),
            int((told.refused & mine).sum()),
            int(excused.sum()),
            int((told.difference[excused] > self.tolerance).sum()),
            int((mine & ~told.asked).sum()),
            int((told.tied & mine).sum()),
            self._worst(frame, (mine & told.asked & ~told.tied).nonzero()[0].tolist(), told, past),
        )

    def _holds(self, sort: str, told: _Told, counted: np.ndarray, largest: float) -> bool:
        """Tell whether the rows of a sort that count are answered alike."""
        if self.changes_at_most is None:
            return largest <= self.tolerance
        if sort != HELD_OUT:
            # Where both answer, or both refuse.
            return bool((told.both | told.refused)[counted].all())
        changed = int(told.changed[counted].sum())
        return largest <= self.tolerance and changed <= self.changes_at_most * int(counted.sum())

    def _compare(self, frame: pl.DataFrame, places: np.ndarray, told: _Told, budget: list[int]) -> None:
        """Fill `told` for rows; where either refuses, their halves are asked again, until each row is told by itself."""
        if not len(places):
            return
        rows = frame[places]
        one, other = _ask(self.native, rows), _ask(self.other, rows)
        if isinstance(one, Prediction) and isinstance(other, Prediction):
            told.difference[places], told.changed[places] = differences(
                self.target, one, other, self.tolerance, self.spread, self.rules
            )
            told.asked[places] = told.both[places] = True
            for place, pair in zip(places, zip(one.values.tolist(), other.values.tolist(), strict=True), strict=True):
                told.answers[place] = pair
        elif len(places) == 1:
            same = _alike(one, other)
            told.asked[places], told.refused[places] = True, same
            told.difference[places], told.changed[places] = (0.0, False) if same else (float("inf"), True)
            told.answers[int(places[0])] = (_answer(one), _answer(other))
        else:
            half = len(places) // 2
            for part in (places[:half], places[half:]):
                if budget[0] > 0:
                    budget[0] -= 1
                    self._compare(frame, part, told, budget)

    def _worst(self, frame: pl.DataFrame, places: Sequence[int], told: _Told, past: np.ndarray) -> tuple[WorstRow, ...]:
        # What counts comes first, then the rows that are past the limit.
        order = sorted(places, key=lambda place: (past[place], -told.difference[place]))
        names = [name for name in self.schema.names if name in frame.columns]
        return tuple(
            WorstRow(
                float(told.difference[place]),
                told.answers[place][0],
                told.answers[place][1],
                plain_row(frame.select(names).row(place, named=True)),
            )
            for place in order[:WORST]
            if told.difference[place] > 0
        )


@dataclass
class _Told:
    """What became of each row. difference: float64 (n,); the rest bool (n,); both: answered, rather than refused by one."""

    difference: np.ndarray
    changed: np.ndarray
    refused: np.ndarray
    asked: np.ndarray
    both: np.ndarray
    tied: np.ndarray
    answers: list[Any]

    @classmethod
    def empty(cls, rows: int) -> _Told:
        import numpy as np

        changed, refused, asked, both, tied = (np.zeros(rows, dtype=bool) for _ in range(5))
        return cls(np.zeros(rows), changed, refused, asked, both, tied, [None] * rows)


def _ask(predict: Ask, rows: pl.DataFrame) -> Prediction | Exception:
    """Return an answer or the refusal; numbers that overflow on the way are part of the question."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return predict(rows)
        except Exception as error:  # noqa: BLE001  a model or a library may raise anything for an odd row, and that is the answer
            return error


def _alike(one: Any, other: Any) -> bool:
    """Tell whether both refuse with the same kind of error: a contract's rejection, over HTTP, is the 422 of any bad data."""
    return type(one) is type(other) or (isinstance(one, DataError) and isinstance(other, DataError))


def _answer(found: Prediction | Exception) -> Any:
    if isinstance(found, Prediction):
        return found.values.tolist()[0]
    return f"{type(found).__name__}: {found}".splitlines()[0]
