"""Numbers as people write them, read in ONNX: conventions as in `hookline.ExportsOnnx`, and rules as in `numerals.read`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hookline.data.numerals import GROUPED, PER_MILLE, PERCENT, Numerals

GROUPS, ENDS = 8, 3
"""Parts that a number falls into at most where what stands between thousands is taken out, or a sign around it."""
SPACED, UNSPACED = 12, 6
"""Parts between spaces at most, where they stand between thousands and where not."""
SPACES = ("\u00a0", "\u202f", "\u2009")
"""Spaces beside those that ONNX takes for some: without a break, narrow, thin."""
MINUS = "\u2212"
APOSTROPHES = "'\u2019\u02bc`\u00b4"
EDGE = rf"\s*[{''.join(SPACES)}]?\s*"
"""What may stand at both ends."""
SPACE = rf"[\s{''.join(SPACES)}]"
POINTED = ("Rs", "Fr", "kr")
"""Units that may end with a point."""


def parsed(column: Any, how: Numerals) -> Any:
    """Return texts (n, 1) as float64, NaN where they are no numbers as a column writes them."""
    import spox.opset.ai.onnx.v21 as op

    from .onnx import number

    written = op.regex_full_match(column, pattern=_written(how))
    value = _as_float(column, written, _signs(how), how.decimal)
    negative = op.regex_full_match(column, pattern=rf"(?s)[^\d]*[-{MINUS}(].*")
    value = op.where(written, op.where(negative, op.neg(value), value), number(float("nan")))
    if how.unit in (PERCENT, PER_MILLE):
        return value
    plain = op.regex_full_match(column, pattern=_plain())
    if how.decimal == ",":
        grouped = rf"{EDGE}[-+{MINUS}]?{GROUPED.format('[.]')}{EDGE}"
        plain = op.and_(plain, op.not_(op.regex_full_match(column, pattern=grouped)))
    as_it_stands = _as_float(column, plain, dict.fromkeys(("", *SPACES), UNSPACED), ".")
    return op.where(written, value, op.where(plain, as_it_stands, number(float("nan"))))


def _as_float(column: Any, fits: Any, signs: Mapping[str, int], decimal: str) -> Any:
    """Return texts without some signs as float64; where they do not fit, 0."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    from .onnx import texts

    text = op.where(fits, column, texts(["0"]))
    for sign, parts in signs.items():
        text = _joined(_pieces(text, sign, parts), "")
    if decimal == ",":
        text = _joined(_pieces(text, ",", 2), ".")
    return op.cast(text, to=np.float64)


def _pieces(text: Any, sign: str, parts: int) -> list[Any]:
    """Return the first parts of texts between a sign, each (n, 1), empty where there are fewer; no sign stands for any space."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    found, _ = op.string_split(text, delimiter=sign) if sign else op.string_split(text)
    # Of no rows, and of few parts, there must be as many places as are looked at.
    empty = op.constant(value=np.full((1, 1, parts), "", dtype=np.str_))
    anywhere = op.unsqueeze(op.equal(text, text), op.const(np.array([2], dtype=np.int64)))
    padded = op.concat([found, op.where(anywhere, empty, empty)], axis=2)
    return [op.gather(padded, op.const(np.int64(place)), axis=2) for place in range(parts)]


def _joined(pieces: list[Any], between: str) -> Any:
    import spox.opset.ai.onnx.v21 as op

    from .onnx import texts

    joined = pieces[0]
    for piece in pieces[1:]:
        joined = op.string_concat(op.string_concat(joined, texts([between])) if between else joined, piece)
    return joined


def _signs(how: Numerals) -> dict[str, int]:
    """Return what is taken out of a number, with the parts at most: spaces, unit, what is between thousands, and its sign."""
    unit = (f"{how.unit}.", how.unit) if how.unit in POINTED else (how.unit,) if how.unit else ()
    between = {"": (), " ": (), "'": tuple(APOSTROPHES)}.get(how.thousands, (how.thousands,))
    spaces = dict.fromkeys(("", *SPACES), SPACED if how.thousands == " " else UNSPACED)
    return {**spaces, **dict.fromkeys((*unit, "(", ")", "+", "-", MINUS), ENDS), **dict.fromkeys(between, GROUPS)}


def _written(how: Numerals) -> str:
    """Return what fits a whole text that holds a number."""
    between = {" ": SPACE, "'": f"[{APOSTROPHES}]"}.get(how.thousands, f"[{re.escape(how.thousands)}]")
    whole = rf"(?:\d+|{GROUPED.format(between)})" if how.thousands else r"\d+"
    point = re.escape(how.decimal)
    body = rf"(?:{whole}(?:{point}\d*)?|{point}\d+)"
    unit = (re.escape(how.unit) + (r"\.?" if how.unit in POINTED else "")) if how.unit else ""
    maybe = f"(?:{unit})?" if unit else ""
    front, sign = rf"{EDGE}(?:\(|[-+{MINUS}])?{SPACE}?", rf"{SPACE}?[-+{MINUS}]?{SPACE}?"
    end = rf"\)?{EDGE}"
    if how.unit in (PERCENT, PER_MILLE):
        return rf"{front}(?:{unit}{sign}{body}{SPACE}?{maybe}|{sign}{body}{SPACE}?{unit}){end}"
    return rf"{front}{maybe}{sign}{body}{SPACE}?{maybe}{end}"


def _plain() -> str:
    return rf"{EDGE}[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?{EDGE}"
