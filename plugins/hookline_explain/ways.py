"""The ways to explain a predictor, the most exact first, each tried on a few rows before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from hookline import Explanation, Predictor

from .answers import answered_codes, outputs_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

WayName: TypeAlias = Literal["tree", "tree_paths", "linear", "deep", "kernel", "permutation", "one_by_one", "lime"]
PROBED = 3
"""Background rows on which a way is tried; of large forests each takes as long as a row that is explained."""
EXACT = 1e-3
"""Of a probability, or of the spread of numbers: what parts that call themselves exact may miss the answer by."""


class Told(NamedTuple):
    """What a way says of rows.

    values: float64, (n_rows, n_columns, n_outputs); base: float64, (n_outputs,), or (n_rows, n_outputs) of a model a row
    fit: float64, (n_rows,): how well a model that stands in for the real one tells its answers nearby (R2); None of others
    """

    values: np.ndarray
    base: np.ndarray
    fit: np.ndarray | None = None


@dataclass(frozen=True)
class Way:
    """How the answers of one predictor are explained.

    outputs: raw rows, of the schema's columns -> what is told of each output
    answers: base plus all values, (n_rows, n_outputs) -> answers, of the same shape
    adds_up: whether they are to add up; where they are not, only the answered output need be told
    """

    name: WayName
    method: str
    unit: str
    outputs: Callable[[pl.DataFrame], Told]
    answers: Callable[[np.ndarray], np.ndarray]
    adds_up: bool = True


@dataclass(frozen=True)
class Parts:
    """Some rows' answers, each taken apart.

    values: float64, (n_rows, n_columns), toward each row's own answer; base: float64, (n_rows,)
    codes: int64, (n_rows,), which class is answered; answers: float64, (n_rows,), the answer itself
    gap: the largest difference of an answer from what its parts add up to, of all outputs where they are to add up
    fit: float64, (n_rows,), as ways tell it
    """

    values: np.ndarray
    base: np.ndarray
    codes: np.ndarray
    answers: np.ndarray
    gap: float
    fit: np.ndarray | None = None


def take_apart(predictor: Predictor, way: Way, rows: pl.DataFrame) -> Parts:
    """Explain rows of the schema's columns, (n_rows >= 1)."""
    import numpy as np

    prediction = predictor.predict(rows)
    told = way.outputs(rows)
    said = outputs_of(predictor.target, prediction)
    base = np.broadcast_to(told.base, said.shape)
    codes, every = answered_codes(predictor.target, prediction), np.arange(rows.height)
    gaps = np.abs(way.answers(base + told.values.sum(axis=1)) - said)
    gap = float((gaps if way.adds_up else gaps[every, codes]).max())
    return Parts(told.values[every, :, codes], base[every, codes], codes, said[every, codes], gap, told.fit)


def explained(predictor: Predictor, way: Way, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
    """Return some rows' explanation, in which a sum that misses its answer is told; both of the schema's columns."""
    import numpy as np

    columns = tuple(rows.columns)
    if not rows.height:
        return Explanation(columns, np.zeros((0, rows.width)), np.zeros(0), way.method, way.unit)
    parts, method = take_apart(predictor, way, rows), way.method
    if way.adds_up and parts.gap > allowed(predictor, background):
        method = f"{method}; here the parts add up only to within {parts.gap:.2g}"
    return Explanation(columns, parts.values, parts.base, method, way.unit)


def together(parts: list[Parts]) -> Parts:
    """Return the parts of several lots of rows as of one."""
    import numpy as np

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in parts])

    gap = max(one.gap for one in parts)
    fit = None if parts[0].fit is None else joined("fit")
    return Parts(joined("values"), joined("base"), joined("codes"), joined("answers"), gap, fit)


def first_that_holds(
    ways: Iterator[Callable[[], Way]], predictor: Predictor, background: pl.DataFrame
) -> tuple[Way, tuple[str, ...]]:
    """Return the first way whose parts add up to the answers of a few background rows, and why others do not serve.

    By these rows alone, so that every row is explained in one way, whichever others are asked about with it. The last way
    is taken whatever its parts add up to. background: of the schema's columns, (n_rows >= 1)
    """
    refused: dict[str, None] = {}
    waiting, rows = list(ways), background[:PROBED]
    for make in waiting[:-1]:
        try:
            way = make()
            gap = take_apart(predictor, way, rows).gap
        except Exception as error:  # noqa: BLE001  shap raises plain exceptions of models that it does not know
            refused[" ".join(f"{error}".split()) or type(error).__name__] = None
            continue
        if gap <= allowed(predictor, background):
            return way, tuple(refused)
        refused[f"by {way.name} the parts add up to the answer only to within {gap:.2g}"] = None
    return waiting[-1](), tuple(refused)


def allowed(predictor: Predictor, rows: pl.DataFrame) -> float:
    """Return by how much parts may miss an answer: so much of a probability, or of the standard deviation of numbers."""
    if predictor.target.classes:
        return EXACT
    return EXACT * max(float(outputs_of(predictor.target, predictor.predict(rows)).std()), 1e-12)
