"""The ONNX words (spox, opset 21) that fitted transforms and featurizers share; conventions as in `hookline.ExportsOnnx`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MISSING_TIME = -(2**63)


def is_number(column: Any) -> bool:
    """Tell whether a column is float64 rather than string or int64."""
    import numpy as np

    return bool(column.unwrap_tensor().dtype == np.dtype(np.float64))


def number(value: float) -> Any:
    """Return a float64 constant."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(np.float64(value))


def integer(value: int) -> Any:
    """Return an int64 constant."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(np.int64(value))


def texts(values: Sequence[str]) -> Any:
    """Return a string constant: a scalar of one, a vector of several."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.constant(value=np.array(values, dtype=np.str_))


def is_missing(column: Any) -> Any:
    """Return where a column holds no value, booleans."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if is_number(column):
        return op.isnan(column)
    moment = column.unwrap_tensor().dtype == np.dtype(np.int64)
    return op.equal(column, integer(MISSING_TIME) if moment else texts([""]))


def fill_number(column: Any, value: float) -> Any:
    """Replace NaN."""
    import spox.opset.ai.onnx.v21 as op

    return op.where(op.isnan(column), number(value), column)


def fill_numbers(columns: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """Replace NaN in several columns at once: one node for all of them, which a small batch feels."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if len(columns) < 2:
        return {name: fill_number(column, values[name]) for name, column in columns.items()}
    together = op.concat(list(columns.values()), axis=1)
    filled = op.where(op.isnan(together), op.const(np.array([[values[name] for name in columns]])), together)
    parts = op.split(filled, axis=1, num_outputs=len(columns))
    return dict(zip(columns, parts, strict=True))


def fill_text(column: Any, value: str) -> Any:
    """Replace empty strings."""
    import spox.opset.ai.onnx.v21 as op

    return op.where(op.equal(column, texts([""])), texts([value]), column)


def without_values(column: Any, values: Sequence[bool | int | float | str]) -> Any:
    """Put NaN, or the empty string, in place of some values."""
    import spox.opset.ai.onnx.v21 as op

    numeric = is_number(column)
    missing = number(float("nan")) if numeric else texts([""])
    for value in values:
        found = op.equal(column, texts([str(value)]) if not numeric else number(float(value)))
        column = op.where(found, missing, column)
    return column


def clip(column: Any, low: float | None, high: float | None) -> Any:
    """Limit a column, NaN staying NaN."""
    import spox.opset.ai.onnx.v21 as op

    if low is not None:
        column = op.where(op.less(column, number(low)), number(low), column)
    if high is not None:
        column = op.where(op.greater(column, number(high)), number(high), column)
    return column


def without_beyond(column: Any, low: float, high: float) -> Any:
    """Put NaN in place of values beyond the bounds."""
    import spox.opset.ai.onnx.v21 as op

    return op.where(
        op.or_(op.less(column, number(low)), op.greater(column, number(high))), number(float("nan")), column
    )


def any_beyond(columns: Mapping[str, Any], bounds: Mapping[str, tuple[float, float]]) -> Any:
    """Return where any of some columns is beyond its bounds: float64 of 0 and 1, NaN being within."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    # Of no bounds it is nowhere, in as many rows as there are.
    first = next(iter(columns.values()))
    found = op.not_(op.equal(first, first)) if not is_number(first) else op.less(first, first)
    for name, (low, high) in bounds.items():
        here = op.or_(op.less(columns[name], number(low)), op.greater(columns[name], number(high)))
        found = op.or_(found, here)
    return op.cast(found, to=np.float64)


def texts_to(column: Any, known: Sequence[str], values: Sequence[float] | Sequence[str], otherwise: float | str) -> Any:
    """Return what each of the known texts becomes, and what all others do, missing ones among them."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    words = isinstance(otherwise, str)
    table = np.array([*values, otherwise], dtype=np.str_ if words else np.float64)
    place = codes(column, known, len(values))
    held = op.constant(value=table) if words else op.const(table)
    return op.gather(held, place, axis=0)


def cast_number(column: Any, dtype: str) -> Any:
    """Cast a number or boolean column to `boolean` or `integer`, NaN staying NaN."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    missing = op.isnan(column)
    if dtype == "boolean":
        cast = op.cast(op.not_(op.equal(column, number(0.0))), to=np.float64)
    else:
        cast = op.cast(op.cast(op.where(missing, number(0.0), column), to=np.int64), to=np.float64)
    return op.where(missing, column, cast)


def keep_texts(column: Any, kept: Sequence[str], label: str) -> Any:
    """Replace every text but the kept ones and the empty one."""
    import spox.opset.ai.onnx.ml.v5 as ml

    known = ["", *kept]
    return ml.label_encoder(column, keys_strings=known, values_strings=known, default_string=label)


def codes(column: Any, known: Sequence[str], default: int, missing: int | None = None) -> Any:
    """Return each text's position among the known ones, int64; that of a missing one is the default, unless another is given."""
    import numpy as np
    import spox.opset.ai.onnx.ml.v5 as ml
    import spox.opset.ai.onnx.v21 as op

    values = dict(zip(known, range(len(known)), strict=True)) | ({} if missing is None else {"": missing})
    if not values:
        return op.cast(op.where(op.equal(column, texts([""])), number(default), number(default)), to=np.int64)
    return ml.label_encoder(
        column, keys_strings=list(values), values_int64s=list(values.values()), default_int64=default
    )


def constant(column: Any, value: bool | int | float | str | None) -> Any:
    """Return a constant of a column's type; None is its missing value."""
    if is_number(column):
        return number(float("nan") if value is None else float(value))
    return texts(["" if value is None else str(value)])


def replace_values(column: Any, pairs: Iterable[tuple[Any, Any]], otherwise: Any) -> Any:
    """Return the column `otherwise`, but in rows where `column` holds the first of a pair, the second."""
    import spox.opset.ai.onnx.v21 as op

    result = otherwise
    for old, new in pairs:
        result = op.where(op.equal(column, constant(column, old)), constant(column, new), result)
    return result
