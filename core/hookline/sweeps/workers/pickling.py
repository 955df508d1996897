"""Pickles what a launcher sends to its workers, with the file that each piece of code is from."""

from __future__ import annotations

import io
from collections import ChainMap
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, ClassVar

import cloudpickle

KNOWN: Any = cloudpickle.Pickler.dispatch_table


def pickled(value: Any) -> bytes:
    """Return an object pickled, functions and classes of a script included."""
    written = io.BytesIO()
    _Pickler(written).dump(value)
    return written.getvalue()


def _code(code: CodeType) -> tuple[Any, ...]:
    # cloudpickle 3.1 leaves the file out, and the traceback of a job would not say where it failed.
    make, given = KNOWN[CodeType](code)
    return _code_from, (make, given, code.co_filename)


def _code_from(make: Callable[..., CodeType], given: Sequence[Any], filename: str) -> CodeType:
    return make(*given).replace(co_filename=filename)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle tells mypy no types
    dispatch_table: ClassVar[Any] = ChainMap({CodeType: _code}, KNOWN)
