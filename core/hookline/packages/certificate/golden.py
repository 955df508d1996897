"""Golden rows: a few raw rows with their answers that travel in a package, to be asked again wherever it is loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.frames import to_polars
from hookline.errors import HooklineError, StoreError
from hookline.kinds.artifacts import Schema, Target
from hookline.kinds.fitted import Prediction, Predictor, label_text
from hookline.workspace.bounded import Unreadable, parse_json, read_ordinary

from .certificate import HELD_OUT
from .certifying import SERVED_TOLERANCE, json_rows
from .edges import EdgeRows
from .parity import Rules, differences, spread_of

if TYPE_CHECKING:
    import polars as pl

GOLDEN = "golden.json"
ROWS = 20
"""Held-out rows that travel where nothing else is said."""
OF_A_SORT = 5
"""Most generated rows of one sort beside them."""
SORTS = ("missing", "unseen")
"""Generated rows that say most of how a package reads: those with a missing value, and with a text never seen."""
MOST_BYTES = 16 * 1024**2


@dataclass(frozen=True)
class Moved:
    """A golden row that is answered otherwise than when the package was made. before, now: a label, a number, or the refusal"""

    row: Mapping[str, Any]
    before: Any
    now: Any
    difference: float


@dataclass(frozen=True)
class Rescored:
    """Golden rows asked again. max_difference: as in `Parity`, over all of them; moved: those beyond the tolerance"""

    rows: int
    max_difference: float
    tolerance: float
    moved: tuple[Moved, ...]


def write_golden(folder: Path, packaged: Predictor, held_out: pl.DataFrame, edges: EdgeRows, rows: int = ROWS) -> None:
    """Write rows, evenly drawn from those that were held out and some generated, with what the package answers; none for 0."""

    if not rows:
        return
    some = held_out[[*range(0, held_out.height, max(1, held_out.height // rows))][:rows]]
    places = [place for sort in SORTS for place in _first(edges.sorts, sort)]
    rows_of = [(HELD_OUT, row) for row in json_rows(conform(some, packaged.schema), packaged.schema)]
    if places:
        sorts = [edges.sorts[place] for place in places]
        rows_of += zip(sorts, json_rows(edges.frame[places], packaged.schema), strict=True)
    # What JSON has no word for shows nothing.
    rows_of = [(sort, row) for sort, row in rows_of if all(map(math.isfinite, _floats(row)))]
    answers = _answers(packaged, [row for _, row in rows_of])
    told = [
        {"sort": sort, "row": row, **_plain(answer, packaged.target)}
        for (sort, row), answer in zip(rows_of, answers, strict=True)
        if isinstance(answer, Prediction)
    ]
    (folder / GOLDEN).write_text(json.dumps(told, allow_nan=False, indent=0), "utf-8")


def rescore(folder: Path, predictor: Predictor, tolerance: float) -> Rescored | None:
    """Ask a package its golden rows again; None where none travel with it. Raises StoreError where they are damaged.

    tolerance: of its certificate; below what the order of sums in float32 changes from one processor to the next it is that
    """
    held = _read(folder)
    if held is None:
        return None
    target, allowed = predictor.target, max(tolerance, SERVED_TOLERANCE)
    moved, largest = [], 0.0
    spread = spread_of(target, _prediction(held, target)) if held else 1.0
    for one, now in zip(held, _answers(predictor, [one["row"] for one in held]), strict=True):
        if isinstance(now, HooklineError):
            moved.append(Moved(one["row"], one["prediction"], f"refused: {now.message}", float("inf")))
            continue
        before = _prediction([one], target)
        difference, changed = differences(target, before, now, allowed, spread, Rules.of(predictor))
        largest = max(largest, float(difference[0]))
        if changed[0] or difference[0] > allowed:
            moved.append(Moved(one["row"], one["prediction"], now.values.tolist()[0], float(difference[0])))
    return Rescored(len(held), largest, allowed, tuple(moved))


def golden_in(folder: Path) -> int:
    """Return how many of the rows that travel with a package were held out."""
    return sum(one.get("sort") == HELD_OUT for one in _read(folder) or ())


def golden_rows(folder: Path) -> list[Mapping[str, Any]]:
    """Return the rows that travel with a package, as JSON values; empty where none do."""
    return [one["row"] for one in _read(folder) or ()]


def _first(sorts: Sequence[str], sort: str) -> list[int]:
    return [place for place, one in enumerate(sorts) if one == sort][:OF_A_SORT]


def _floats(row: Mapping[str, Any]) -> list[float]:
    return [value for value in row.values() if isinstance(value, float)]


def _answers(predictor: Predictor, rows: Sequence[Mapping[str, Any]]) -> list[Prediction | HooklineError]:
    """Return the answer to each row, or why it is refused: to all of them at once where none is."""
    if not rows:
        return []
    try:
        whole = predictor.predict(_frame(rows, predictor.schema))
    except HooklineError as error:
        return [error] if len(rows) == 1 else [answer for row in rows for answer in _answers(predictor, [row])]
    chances = whole.probabilities
    return [
        Prediction(whole.values[row : row + 1], None if chances is None else chances[row : row + 1], whole.classes)
        for row in range(len(rows))
    ]


def _frame(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    made: Any = to_polars([{**dict.fromkeys(schema.names), **row} for row in rows])
    return conform(made, schema)


def _plain(answer: Prediction, target: Target) -> dict[str, Any]:
    told: dict[str, Any] = {"prediction": answer.values.tolist()[0]}
    if answer.probabilities is not None:
        labels = [label_text(label) for label in target.classes]
        told["probabilities"] = dict(zip(labels, answer.probabilities[0].tolist(), strict=True))
    return told


def _prediction(held: Sequence[Mapping[str, Any]], target: Target) -> Prediction:
    import numpy as np

    values = np.array([one["prediction"] for one in held])
    if not target.classes:
        return Prediction(values.astype(np.float64))
    labels = [label_text(label) for label in target.classes]
    chances = [one.get("probabilities") for one in held]
    found = None if None in chances else np.array([[float(one[label]) for label in labels] for one in chances if one])
    return Prediction(values, found, target.classes)


def _read(folder: Path) -> list[Mapping[str, Any]] | None:
    """Return the rows with their answers; None where there is no such file."""
    path = folder / GOLDEN
    if not path.is_file():
        return None
    try:
        held = parse_json(read_ordinary(path, MOST_BYTES))
    except Unreadable as error:
        raise StoreError(f"{path} is damaged: {error}", hint="build the package again") from error
    if not isinstance(held, list) or not all(
        isinstance(one, dict) and isinstance(one.get("row"), dict) and "prediction" in one for one in held
    ):
        raise StoreError(f"{path} is damaged: it is no list of rows with answers", hint="build the package again")
    return held
