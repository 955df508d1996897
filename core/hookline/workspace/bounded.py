"""Reads files that anybody may have written: ordinary ones only, within bounds, and JSON that says each thing once."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

MOST_BYTES = 256 * 1024**2
"""Of a JSON file."""
MOST_VALUES = 8_000_000
"""In a JSON file; each takes some 100 bytes once it is read."""
DEEPEST = 64
"""Lists and objects inside each other."""
LONGEST_NUMBER = 400
"""Characters; a float64 has at most 325 that count."""
LARGEST_WHOLE = 2**128
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""What may be half of a character."""


class Unreadable(ValueError):
    """Why a file is not read, as a clause such as `it is no ordinary file`."""


def read_ordinary(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a file; raises Unreadable for a link, pipe, device or folder, and for more bytes than `most`, and OSError."""
    # Neither is a link followed nor does a pipe without a writer block.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("it is no ordinary file")
        if found.st_size > most:
            raise Unreadable(f"it has {found.st_size:,} bytes, and {most:,} are read at most")
        content = file.read(most + 1)
    if len(content) > most:
        raise Unreadable(f"it has grown beyond {most:,} bytes")
    return content


def is_ordinary(path: Path) -> bool:
    """Tell whether a path is a file, and no link, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def parse_json(content: bytes, deepest: int = DEEPEST) -> Any:
    """Return what JSON says; raises Unreadable where it is none, too deep, too much, or ambiguous.

    Refused beyond what the format does: a key that is said twice, numbers that are not finite or absurdly long, and
    halves of characters.
    """
    _require_bounds(content, deepest)
    try:
        text = content.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse, parse_int=_whole, parse_float=_number)
        if _HALF.search(content):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("it holds half of a character") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8: byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    return value


def _require_bounds(content: bytes, deepest: int) -> None:
    if content.count(b",") + content.count(b"[") + content.count(b"{") > MOST_VALUES:
        raise Unreadable(f"it holds more than {MOST_VALUES:,} values")
    if content.count(b"[") + content.count(b"{") <= deepest:
        return
    brackets = _TEXTS.sub(b"", content).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > deepest:
        raise Unreadable(f"it is nested more than {deepest} deep")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise Unreadable(f"{twice[:100]!r} is said twice")
    return found


def _refuse(word: str) -> Any:
    raise Unreadable(f"{word} is no number of JSON")


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise Unreadable(f"a number has {len(digits):,} digits")
    value = int(digits)
    if abs(value) >= LARGEST_WHOLE:
        raise Unreadable(f"{digits[:30]}... is too large")
    return value


def _number(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER:
        raise Unreadable(f"a number has {len(digits):,} characters")
    value = float(digits)
    if not math.isfinite(value):
        raise Unreadable(f"{digits[:30]} is too large")
    return value
