"""Calendar parts in ONNX words, in a time zone of one's own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ..onnx import integer

if TYPE_CHECKING:
    import numpy as np

SECOND = 1_000_000
DAY = 86_400 * SECOND
KNOWN_DAYS = range(-62_000, 120_000)
"""Days since 1970 on which clocks may be set: from before there were time zones until the last that anybody has planned."""


def local(moment: Any, zone: str) -> Any:
    """Return what a clock of a time zone shows at int64 microseconds since 1970 (UTC), in the same unit."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    changes, offsets = clock_changes(zone)
    if not len(changes):
        return op.add(moment, integer(int(offsets[0])))
    passed = op.cast(op.greater_or_equal(moment, op.const(changes[None, :])), to=np.int64)
    place = op.reduce_sum(passed, op.const(np.array([1])), keepdims=1)
    return op.add(moment, op.gather(op.const(offsets), place))


@cache
def clock_changes(zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Return when the clocks of a time zone were or will be set, to the second, and how far they are ahead of UTC.

    The days on which polars tells different offsets are found, and halved until the second is known.
    Returns int64 microseconds since 1970, (n_changes,), and int64 microseconds, (n_changes + 1,).
    """
    import numpy as np

    days = np.array(KNOWN_DAYS, dtype=np.int64) * DAY
    offsets = _offsets(days, zone)
    at = np.flatnonzero(np.diff(offsets))
    low, high = days[at], days[at + 1]
    while len(at) and (high - low).max() > SECOND:
        middle = (low + high) // 2 // SECOND * SECOND
        before = _offsets(middle, zone) == offsets[at]
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return high, np.concatenate([offsets[:1], offsets[at + 1]])


def _offsets(moments: np.ndarray, zone: str) -> np.ndarray:
    import polars as pl

    shown = pl.Series(moments).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone).dt
    return (shown.base_utc_offset() + shown.dst_offset()).dt.total_microseconds().to_numpy()


def calendar_parts(moment: Any) -> dict[str, Any]:
    """Return calendar parts of int64 microseconds since 1970 (Hinnant, chrono-compatible low-level date algorithms, 2013)."""
    import spox.opset.ai.onnx.v21 as op

    days, time = _floor_div(moment, DAY), op.mod(moment, integer(DAY))
    shifted = op.add(days, integer(719_468))
    era, doe = _floor_div(shifted, 146_097), op.mod(shifted, integer(146_097))
    leap = op.add(op.sub(op.div(doe, integer(1_460)), op.div(doe, integer(36_524))), op.div(doe, integer(146_096)))
    yoe = op.div(op.sub(doe, leap), integer(365))
    before = op.sub(op.add(op.mul(yoe, integer(365)), op.div(yoe, integer(4))), op.div(yoe, integer(100)))
    doy = op.sub(doe, before)
    mp = op.div(op.add(op.mul(doy, integer(5)), integer(2)), integer(153))
    day = op.add(op.sub(doy, op.div(op.add(op.mul(mp, integer(153)), integer(2)), integer(5))), integer(1))
    month = op.add(op.mod(op.add(mp, integer(2)), integer(12)), integer(1))
    late = op.where(op.less_or_equal(month, integer(2)), integer(1), integer(0))
    year = op.add(op.add(yoe, op.mul(era, integer(400))), late)
    return {
        "year": year,
        "month": month,
        "day": day,
        "weekday": op.add(op.mod(op.add(days, integer(3)), integer(7)), integer(1)),
        "hour": op.div(time, integer(3_600_000_000)),
        "minute": op.mod(op.div(time, integer(60_000_000)), integer(60)),
        "ordinal_day": _ordinal_day(year, month, day),
    }


def _ordinal_day(year: Any, month: Any, day: Any) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    def divides(by: int) -> Any:
        return op.equal(op.mod(year, integer(by)), integer(0))

    leap = op.or_(op.and_(divides(4), op.not_(divides(100))), divides(400))
    before = op.gather(
        op.const(np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])), op.sub(month, integer(1))
    )
    extra = op.where(op.and_(leap, op.greater(month, integer(2))), integer(1), integer(0))
    return op.add(op.add(before, day), extra)


def _floor_div(value: Any, by: int) -> Any:
    import spox.opset.ai.onnx.v21 as op

    # Div on integers rounds toward zero; Mod has the divisor's sign, so that this rounds down.
    return op.div(op.sub(value, op.mod(value, integer(by))), integer(by))
