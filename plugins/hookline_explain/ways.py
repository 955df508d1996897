"""The ways to explain a predictor, the most exact first, each tried on a few rows before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from hookline import Predictor

from .answers import answered_codes, outputs_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

WayName: TypeAlias = Literal["tree", "tree_paths", "linear", "deep", "kernel", "permutation", "one_by_one"]
PROBED = 5
"""Background rows on which a way is tried."""
EXACT = 1e-3
"""Of a probability, or of the spread of numbers: what parts that call themselves exact may miss the answer by."""


@dataclass(frozen=True)
class Way:
    """How the answers of one predictor are explained.

    outputs: raw rows, of the schema's columns -> values (n_rows, n_columns, n_outputs) and base (n_outputs,), float64
    answers: base plus all values, (n_rows, n_outputs) -> answers, of the same shape
    """

    name: WayName
    method: str
    unit: str
    outputs: Callable[[pl.DataFrame], tuple[np.ndarray, np.ndarray]]
    answers: Callable[[np.ndarray], np.ndarray]
    adds_up: bool = True


@dataclass(frozen=True)
class Parts:
    """Some rows' answers, each taken apart.

    values: float64, (n_rows, n_columns), toward each row's own answer; base: float64, (n_rows,)
    codes: int64, (n_rows,), which class is answered; answers: float64, (n_rows,), the answer itself
    gap: the largest difference of an answer from what its parts add up to, of all outputs
    """

    values: np.ndarray
    base: np.ndarray
    codes: np.ndarray
    answers: np.ndarray
    gap: float


def take_apart(predictor: Predictor, way: Way, rows: pl.DataFrame) -> Parts:
    """Explain rows of the schema's columns, (n_rows >= 1)."""
    import numpy as np

    prediction = predictor.predict(rows)
    values, base = way.outputs(rows)
    said = outputs_of(predictor.target, prediction)
    gap = float(np.abs(way.answers(base + values.sum(axis=1)) - said).max())
    codes, every = answered_codes(predictor.target, prediction), np.arange(rows.height)
    return Parts(values[every, :, codes], base[codes], codes, said[every, codes], gap)


def together(parts: list[Parts]) -> Parts:
    """Return the parts of several lots of rows as of one."""
    import numpy as np

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in parts])

    gap = max(one.gap for one in parts)
    return Parts(joined("values"), joined("base"), joined("codes"), joined("answers"), gap)


def first_that_holds(
    ways: Iterator[Callable[[], Way]], predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame
) -> tuple[Way, Parts, tuple[str, ...]]:
    """Return the first way whose parts add up to the answers of some rows, these parts, and why others do not serve.

    The last one is taken whatever its parts add up to. rows: of the schema's columns, (n_rows >= 1)
    """
    refused: dict[str, None] = {}
    waiting = list(ways)
    for make in waiting[:-1]:
        try:
            way = make()
            parts = take_apart(predictor, way, rows)
        except Exception as error:  # noqa: BLE001  shap raises plain exceptions of models that it does not know
            refused[" ".join(f"{error}".split()) or type(error).__name__] = None
            continue
        if parts.gap <= allowed(predictor, background):
            return way, parts, tuple(refused)
        refused[f"by {way.name} the parts add up to the answer only to within {parts.gap:.2g}"] = None
    last = waiting[-1]()
    return last, take_apart(predictor, last, rows), tuple(refused)


def allowed(predictor: Predictor, rows: pl.DataFrame) -> float:
    """Return by how much parts may miss an answer: so much of a probability, or of the standard deviation of numbers."""
    if predictor.target.classes:
        return EXACT
    return EXACT * max(float(outputs_of(predictor.target, predictor.predict(rows)).std()), 1e-12)
