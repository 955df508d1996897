"""The ground on which a row may be changed: the values that each column may have, how far they are, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from hookline.data.contract.limits import Limits, moment_of
from hookline.errors import UsageError
from hookline.kinds.artifacts import Column, Target
from hookline.kinds.fitted import Prediction

from .altering import Changes
from .explaining import Question

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_VALUES = 24
"""Of a number that are tried, at even steps through those that ordinary rows have."""
MOST_TEXTS = 50


@dataclass(frozen=True)
class Aim:
    """What is wanted: a class by its place among the target's, or a number within bounds. told: in words"""

    told: str
    code: int | None = None
    low: float = float("-inf")
    high: float = float("inf")

    @classmethod
    def label(cls, target: Target, label: Any) -> Aim:
        """Return the aim of a class of the target's."""
        return cls(str(label), target.classes.index(label))

    @classmethod
    def number(cls, target: Target, want: Any) -> Aim:
        """Return the aim of a number, given as (lowest, highest); raises UsageError."""
        if not isinstance(want, (tuple, list)) or len(want) != 2 or all(one is None for one in want):
            raise UsageError(
                f"'{target.name}' is a number, and it is not said which is wanted",
                hint='say `want=(100, None)`, or on the command line --want ">=100", "<=5" or "100..200"',
            )
        low, high = (end if one is None else float(one) for one, end in zip(want, (-INFINITE, INFINITE), strict=True))
        if not low <= high:
            raise UsageError(f"no number is from {low:g} to {high:g}", hint="say the lower bound first")
        words = [f">= {low:g}"] * (low > -INFINITE) + [f"<= {high:g}"] * (high < INFINITE)
        return cls(" and ".join(words), None, low, high)


INFINITE = float("inf")


def short_of(wish: Aim, target: Target, prediction: Prediction) -> np.ndarray:
    """Return how far answers are from what is wanted, float64 (n_rows,): 0 where they are that, and above it where not."""
    import numpy as np

    if wish.code is None:
        values = np.asarray(prediction.values, dtype=np.float64)
        return np.maximum(np.maximum(wish.low - values, values - wish.high), 0.0)
    reached = np.asarray([label == target.classes[wish.code] for label in prediction.values.tolist()])
    chances = np.zeros(len(reached)) if prediction.probabilities is None else prediction.probabilities[:, wish.code]
    return np.where(reached, 0.0, np.maximum(1.0 - chances, 1e-12))


@dataclass(frozen=True)
class Ground:
    """One row, and what may become of its columns.

    moves: column -> values that are tried; spreads: of numbers and times, what counts as 1 of distance
    """

    question: Question
    moves: Mapping[str, Sequence[Any]]
    spreads: Mapping[str, float]
    limits: Mapping[str, Limits]

    @classmethod
    def of(cls, question: Question, keep: Sequence[str]) -> Ground:
        """Return what ordinary rows and the contract let be changed, but for the columns that stay."""
        limits, moves, spreads = {}, {}, {}
        for column in question.package.schema.columns:
            if column.name in keep:
                continue
            own, usual = question.rows[column.name][0], question.background.rows[column.name]
            limits[column.name] = asked = Limits(column)
            values = [
                value
                for value in _values(column, usual)
                if value != own and asked.allows(_naive(value)) and value is not None
            ]
            if values:
                moves[column.name] = values
            if column.kind in ("number", "datetime"):
                spreads[column.name] = _spread(usual)
        return cls(question, moves, spreads, limits)

    def rows(self, changes: Sequence[Changes]) -> pl.DataFrame:
        """Return the row changed in each of some ways, (n_ways, n_columns)."""
        import polars as pl

        (own,) = self.question.rows.to_dicts()
        return pl.DataFrame(
            [
                pl.Series(name, [one.get(name, own[name]) for one in changes], dtype=dtype, strict=False)
                for name, dtype in self.question.rows.schema.items()
            ]
        )

    def asker(self, wish: Aim) -> Callable[[Sequence[Changes]], Sequence[float]]:
        """Return what tells of ways how far their answers are from what is wanted."""
        package = self.question.package

        def ask(changes: Sequence[Changes]) -> Sequence[float]:
            said = package.predict(self.rows(changes))
            short: list[float] = short_of(wish, package.target, said).tolist()
            return short

        return ask

    def far(self, column: str, value: Any) -> float:
        """Return how far a value is from the row's own: of numbers and times in spreads, else 1."""
        own = self.question.rows[column][0]
        if own is None or column not in self.spreads:
            return 1.0
        return abs(_number(value) - _number(own)) / self.spreads[column]

    def between(self, column: str, value: Any, share: float) -> Any:
        """Return the value that share of the way from the row's own, as round as that allows; None of texts."""
        own = self.question.rows[column][0]
        if own is None or column not in self.spreads:
            return None
        start, end = _number(own), _number(value)
        there = start + share * (end - start)
        if isinstance(own, (date, datetime)):
            made: Any = moment_of(there).replace(microsecond=0)
            made = made if isinstance(own, datetime) else made.date()
        elif self.question.rows[column].dtype.is_integer():
            made = round(there)
        else:
            # To a hundredth of what counts as 1 of distance: nobody changes the eighth digit of an income.
            made = float(f"{there:.{_digits(there, self.spreads[column])}g}")
        return made if made != own and self.limits[column].allows(_naive(made)) else None


def _values(column: Column, usual: pl.Series) -> Iterator[Any]:
    """Yield the values that ordinary rows have, and those that the contract names."""
    known = usual.drop_nulls().unique().sort()
    if column.kind in ("string", "boolean"):
        names: Sequence[Any] = (column.categories or ())[:MOST_TEXTS]
        yield from dict.fromkeys(
            (*known.to_list(), *(one == "true" if column.kind == "boolean" else one for one in names))
        )
        return
    steps = min(MOST_VALUES, len(known))
    yield from (known[round(at * (len(known) - 1) / max(1, steps - 1))] for at in range(steps))
    for bound in (column.minimum, column.maximum):
        if bound is None or column.kind == "datetime":
            continue
        if not usual.dtype.is_integer():
            yield float(bound)
        elif float(bound).is_integer():
            yield int(bound)


def _spread(usual: pl.Series) -> float:
    """Return the median absolute deviation, or where that is 0 the standard deviation, or 1. Times in seconds."""
    import numpy as np

    values = np.array([_number(one) for one in usual.drop_nulls().to_list()], dtype=np.float64)
    if not len(values):
        return 1.0
    return float(np.median(np.abs(values - np.median(values)))) or float(values.std()) or 1.0


def _number(value: Any) -> float:
    moment = _naive(value)
    return moment.replace(tzinfo=UTC).timestamp() if isinstance(moment, datetime) else float(value)


def _naive(value: Any) -> Any:
    """Return a date or a time with a zone as the naive UTC time that a contract is asked of, and any other value as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime.combine(value, time()) if isinstance(value, date) else value


def _digits(value: float, spread: float) -> int:
    """Return the significant digits that tell a value to a hundredth of a spread, 1 to 15."""
    import math

    if not value:
        return 1
    return max(1, min(15, math.floor(math.log10(abs(value))) - math.floor(math.log10(spread / 100)) + 1))
