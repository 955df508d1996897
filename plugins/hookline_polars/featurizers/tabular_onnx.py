"""The tabular featurizer in ONNX words: each encoding as (N, width) blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from hookline.errors import ExportError

from ..onnx import MISSING_TIME, clip, codes, texts
from .encodings import FIRST_YEAR, LARGEST, Encoding

DAY = 86_400_000_000


def blocks_of(encodings: Sequence[Encoding], inputs: Mapping[str, Any]) -> list[Any]:
    """Return the blocks of all encodings, in order; those of one sort that stand together are one, which a small batch feels."""
    together = {"number": _numbers, "one_hot": _one_hots}
    blocks: list[Any] = []
    for how, some in groupby(encodings, key=lambda encoding: None if encoding.indicator else encoding.how):
        if how in together:
            blocks.append(together[how](list(some), inputs))
        else:
            blocks += [block for encoding in some for block in columns_of(encoding, inputs)]
    return blocks


def columns_of(encoding: Encoding, inputs: Mapping[str, Any]) -> list[Any]:
    """Return an encoding's blocks; raises ExportError for hashing and for local time zones, which ONNX has no words for."""
    ways = {
        "number": _number,
        "one_hot": _one_hot,
        "ordinal": _ordinal,
        "target": _target,
        "datetime": _datetime,
        "hashing": _hashing,
    }
    column = inputs[encoding.column]
    blocks = ways[encoding.how](encoding, column)
    return [*blocks, _missing(encoding, column)] if encoding.indicator else blocks


def _number(encoding: Encoding, column: Any) -> list[Any]:
    return [_numbers([encoding], {encoding.column: column})]


def _numbers(encodings: Sequence[Encoding], inputs: Mapping[str, Any]) -> Any:
    """Return (N, n) numbers, scaled one by one."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    def row(values: Iterable[float]) -> Any:
        return op.const(np.array([list(values)], dtype=np.float64))

    columns = [inputs[encoding.column] for encoding in encodings]
    together = op.concat(columns, axis=1) if len(columns) > 1 else columns[0]
    centered = op.sub(together, row(encoding.center for encoding in encodings))
    scaled = clip(op.div(centered, row(encoding.scale for encoding in encodings)), -LARGEST, LARGEST)
    fills = [np.nan if encoding.fill is None else encoding.fill for encoding in encodings]
    return scaled if np.isnan(fills).all() else op.where(op.isnan(together), row(fills), scaled)


def _one_hot(encoding: Encoding, column: Any) -> list[Any]:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return [op.cast(_hot(encoding, column), to=np.float32)]


def _one_hots(encodings: Sequence[Encoding], inputs: Mapping[str, Any]) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.cast(op.concat([_hot(one, inputs[one.column]) for one in encodings], axis=1), to=np.float32)


def _hot(encoding: Encoding, column: Any) -> Any:
    """Return (N, width) booleans."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    width = len(encoding.categories) + encoding.other
    # A missing text is not one of the others.
    found = codes(column, encoding.categories, len(encoding.categories), width if encoding.other else None)
    return op.equal(found, op.const(np.arange(width, dtype=np.int64)[None, :]))


def _ordinal(encoding: Encoding, column: Any) -> list[Any]:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return [op.cast(codes(column, encoding.categories, -1), to=np.float32)]


def _target(encoding: Encoding, column: Any) -> list[Any]:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    table = np.array([*encoding.values, encoding.default], dtype=np.float32)
    found = codes(column, encoding.categories, len(encoding.values))
    return [op.gather(op.const(table), op.squeeze(found, op.const(np.array([1], dtype=np.int64))), axis=0)]


def _hashing(encoding: Encoding, column: Any) -> list[Any]:
    raise ExportError(
        f"featurizer 'tabular' hashes '{encoding.column}', which cannot be said in ONNX",
        hint="featurizer.categorical=one_hot, or packager=[skops]",
    )


def _datetime(encoding: Encoding, column: Any) -> list[Any]:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if encoding.time_zone not in (None, "UTC"):
        raise ExportError(
            f"the parts of '{encoding.column}' are in time zone {encoding.time_zone}, which cannot be said in ONNX",
            hint="convert it to UTC at the source, or packager=[skops]",
        )
    missing = op.equal(column, _integer(MISSING_TIME))
    parts = _parts(op.where(missing, _integer(0), column))
    absent = encoding.default or (np.nan,) * len(encoding.parts)
    return [
        op.where(missing, op.const(np.float32(value)), op.cast(parts[part], to=np.float32))
        for part, value in zip(encoding.parts, absent, strict=True)
    ]


def _parts(moment: Any) -> dict[str, Any]:
    """Return calendar parts of int64 microseconds since 1970 (Hinnant, chrono-compatible low-level date algorithms, 2013)."""
    import spox.opset.ai.onnx.v21 as op

    days, time = _floor_div(moment, DAY), op.mod(moment, _integer(DAY))
    shifted = op.add(days, _integer(719_468))
    era, doe = _floor_div(shifted, 146_097), op.mod(shifted, _integer(146_097))
    leap = op.add(op.sub(op.div(doe, _integer(1_460)), op.div(doe, _integer(36_524))), op.div(doe, _integer(146_096)))
    yoe = op.div(op.sub(doe, leap), _integer(365))
    before = op.sub(op.add(op.mul(yoe, _integer(365)), op.div(yoe, _integer(4))), op.div(yoe, _integer(100)))
    doy = op.sub(doe, before)
    mp = op.div(op.add(op.mul(doy, _integer(5)), _integer(2)), _integer(153))
    day = op.add(op.sub(doy, op.div(op.add(op.mul(mp, _integer(153)), _integer(2)), _integer(5))), _integer(1))
    month = op.add(op.mod(op.add(mp, _integer(2)), _integer(12)), _integer(1))
    late = op.where(op.less_or_equal(month, _integer(2)), _integer(1), _integer(0))
    year = op.add(op.add(yoe, op.mul(era, _integer(400))), late)
    return {
        "year": op.sub(year, _integer(FIRST_YEAR)),
        "month": month,
        "day": day,
        "weekday": op.add(op.mod(op.add(days, _integer(3)), _integer(7)), _integer(1)),
        "hour": op.div(time, _integer(3_600_000_000)),
        "minute": op.mod(op.div(time, _integer(60_000_000)), _integer(60)),
        "ordinal_day": _ordinal_day(year, month, day),
    }


def _ordinal_day(year: Any, month: Any, day: Any) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    def divides(by: int) -> Any:
        return op.equal(op.mod(year, _integer(by)), _integer(0))

    leap = op.or_(op.and_(divides(4), op.not_(divides(100))), divides(400))
    before = op.gather(
        op.const(np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])), op.sub(month, _integer(1))
    )
    extra = op.where(op.and_(leap, op.greater(month, _integer(2))), _integer(1), _integer(0))
    return op.add(op.add(before, day), extra)


def _floor_div(value: Any, by: int) -> Any:
    import spox.opset.ai.onnx.v21 as op

    # Div on integers rounds toward zero; Mod has the divisor's sign, so that this rounds down.
    return op.div(op.sub(value, op.mod(value, _integer(by))), _integer(by))


def _integer(value: int) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(np.int64(value))


def _missing(encoding: Encoding, column: Any) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if encoding.how == "number":
        absent = op.isnan(column)
    elif encoding.how == "datetime":
        absent = op.equal(column, _integer(MISSING_TIME))
    else:
        absent = op.equal(column, texts([""]))
    return op.cast(absent, to=np.float32)
