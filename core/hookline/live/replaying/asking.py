"""Rows put to a version that may refuse some of them: each is answered, or it is told why it was not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.frames import mark_missing, to_polars
from hookline.errors import DataError, RejectedRows
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.capabilities import PredictsRows
from hookline.kinds.fitted import Prediction, Predictor

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

CHUNK = 500
"""Rows that are asked at a time."""
MOST_REFUSED = 200
"""Refused rows after which no further ones are asked, since each takes several questions to find."""
ALONE = 200
"""Rows that are asked one by one, to see how long one takes."""


@dataclass(frozen=True)
class Refusal:
    """What keeps rows from being answered: a column, why in the words of the first of these rows, and how many there are."""

    column: str
    why: str
    rows: int
    first: int
    """The first one's position."""


@dataclass
class Asked:
    """What became of rows. taken: positions of those that were answered, in order"""

    taken: list[int] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)
    """The rows that were answered, as the version takes them."""
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    """Position, column and why."""
    seconds: float = 0.0
    looked: int = 0
    """Rows that were asked at all: all of them, or as many as it took to find that many are refused."""

    @property
    def frame(self) -> pl.DataFrame | None:
        """The rows that were answered, in order; None where none was."""
        import polars as pl

        return pl.concat(self.frames) if self.frames else None

    def answers(self) -> Prediction:
        """Return the answers to them, in order."""
        import numpy as np

        values = np.concatenate([one.values for one in self.predictions])
        told = [one.probabilities for one in self.predictions if one.probabilities is not None]
        warnings: dict[int, tuple[str, ...]] = {}
        begin = 0
        for one in self.predictions:
            warnings |= {begin + row: texts for row, texts in one.warnings.items()}
            begin += len(one.values)
        shares = np.concatenate(told) if len(told) == len(self.predictions) else None
        return Prediction(values, shares, self.predictions[0].classes, None, warnings)

    def refusals(self) -> tuple[Refusal, ...]:
        """Return why rows were refused, by column and reason but for the value, the most rows first."""
        counts = Counter((column, _gist(why)) for _, column, why in self.refused)
        first = {(column, _gist(why)): (place, why) for place, column, why in sorted(self.refused, reverse=True)}
        return tuple(Refusal(key[0], first[key][1], rows, first[key][0]) for key, rows in counts.most_common())


def ask(predictor: Predictor, rows: Sequence[Mapping[str, Any]]) -> Asked:
    """Ask a version of raw rows, as they came in requests."""
    asked = Asked()
    needed = [column.name for column in predictor.schema.columns if column.required]
    found = 0
    for begin in range(0, len(rows), CHUNK):
        places = range(begin, min(begin + CHUNK, len(rows)))
        # What a row does not hold at all is told by its names; a table of them would have it empty.
        lacking = {place: name for place in places if (name := next((n for n in needed if n not in rows[place]), None))}
        before = len(asked.refused)
        _ask(predictor, rows, [place for place in places if place not in lacking], asked)
        found += len(asked.refused) - before
        asked.refused += [(place, name, "is missing") for place, name in lacking.items()]
        asked.looked = places.stop
        if found >= MOST_REFUSED:
            break
    return asked


def times_alone(predictor: Predictor, frame: pl.DataFrame) -> np.ndarray:
    """Return how long each of the first rows takes when it is asked alone, seconds, (n,).

    frame: rows as the version takes them. They are asked as a server does where the predictor can be, without HTTP.
    """
    import numpy as np

    took = []
    for place in range(min(ALONE, frame.height)):
        began = time.perf_counter()
        if isinstance(predictor, PredictsRows):
            predictor.predict_rows([frame.row(place)])
        else:
            predictor.predict(frame[place : place + 1])
        took.append(time.perf_counter() - began)
    return np.array(took)


def _ask(predictor: Predictor, rows: Sequence[Mapping[str, Any]], places: Sequence[int], asked: Asked) -> None:
    """Ask of rows together, and where that is refused of each half, until the ones are found that are to blame."""
    if not places:
        return
    try:
        frame = mark_missing(to_polars([dict(rows[place]) for place in places]).lazy()).collect()
        fitting = conform(frame, predictor.schema)
        began = time.perf_counter()
        prediction = predictor.predict(frame.with_row_index(ROW_ID))
        asked.seconds += time.perf_counter() - began
    except Exception as error:  # noqa: BLE001  a model may raise anything of rows that it cannot take
        if len(places) == 1:
            asked.refused.append((places[0], *_reason(error)))
            return
        half = len(places) // 2
        _ask(predictor, rows, places[:half], asked)
        _ask(predictor, rows, places[half:], asked)
        return
    asked.taken += places
    asked.predictions.append(prediction)
    asked.frames.append(fitting)


def _reason(error: Exception) -> tuple[str, str]:
    """Return the column that is to blame, and why."""
    if isinstance(error, RejectedRows) and error.breaches:
        return error.breaches[0].column, error.breaches[0].message
    if isinstance(error, DataError):
        problem = next(iter(error.problems), None)
        # Asked alone, each row is the first.
        return ("", error.message) if problem is None else (problem.path, problem.message.removesuffix(" in row 0"))
    return "", f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"


def _gist(why: str) -> str:
    """Return a reason without the value that it ends in."""
    return why.partition(", got ")[0]
