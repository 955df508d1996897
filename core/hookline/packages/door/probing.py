"""One row asked of a package that was just read, so that what cannot answer is told where it is loaded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import parse_dtype
from hookline.errors import HooklineError, StoreError
from hookline.kinds.artifacts import Column
from hookline.kinds.capabilities import PredictsRows
from hookline.kinds.fitted import Prediction, Predictor

from .faults import any_fault, first_of

if TYPE_CHECKING:
    import polars as pl


def require_answer(predictor: Predictor, folder: Path, few: bool = False) -> None:
    """Ask for one row, such as the training rows were; raises StoreError for no answer or none that is of the target.

    A refusal that says what is wrong with the row is an answer too. few: whether it is asked as one that answers a few rows at
    a time, which then needs no data frame
    """
    try:
        if few and isinstance(predictor, PredictsRows):
            answer = predictor.predict_rows([[_value(column) for column in predictor.schema.columns]])
        else:
            answer = predictor.predict(typical_row(predictor))
    except HooklineError:
        return
    # Whatever a library raises of parts that do not fit each other.
    except any_fault() as error:
        raise StoreError(
            f"package {folder} cannot answer: {first_of(error)}", hint="its parts do not fit each other; build it again"
        ) from error
    fault = _fault(answer, predictor)
    if fault is not None:
        raise StoreError(
            f"package {folder} answers wrongly: {fault}", hint="its parts do not fit each other; build it again"
        )


def typical_row(predictor: Predictor) -> pl.DataFrame:
    """Return one raw row of values that the input contract has seen, or else of missing ones."""
    import polars as pl

    held = [
        pl.Series(column.name, [_value(column)], dtype=parse_dtype(column.dtype), strict=False)
        for column in predictor.schema.columns
    ]
    return pl.DataFrame(held)


def _value(column: Column) -> Any:
    if column.kind in ("string", "boolean"):
        first = next(iter(column.categories or ()), None)
        return first if column.kind == "string" else first == "true"
    low = column.maximum if column.minimum is None else column.minimum
    if low is None:
        return None
    return low if column.kind == "number" else datetime.fromtimestamp(low, UTC).replace(tzinfo=None)


def _fault(answer: Any, predictor: Predictor) -> str | None:
    """Say what is wrong with the answer for one row; None where nothing is."""
    import numpy as np

    classes = predictor.target.classes
    if not isinstance(answer, Prediction) or np.shape(answer.values) != (1,):
        return "not one value for one row"
    if predictor.target.task == "regression":
        return None if np.asarray(answer.values).dtype.kind in "fiu" else "no number"
    if answer.values.tolist()[0] not in classes:
        return "none of the target's classes"
    if answer.probabilities is not None and np.shape(answer.probabilities) != (1, len(classes)):
        return "not one probability for each class"
    return None
