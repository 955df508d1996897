"""An expression as polars writes it in JSON: its parts, and those of its words that look at more rows than its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Node = Any
"""A part of an expression: a name with what it holds."""
SHAPES = frozenset({"Alias", "BinaryExpr", "Cast", "Column", "Function", "Literal", "Ternary"})
"""Parts that look at what their own parts look at."""
_OF_ONE = """
Abs Atan2 Bitwise/CountOnes Boolean/IsIn Boolean/IsNotNull Boolean/IsNull Boolean/Not Ceil Coalesce Exp FillNull Floor Log
Log1p MaxHorizontal MinHorizontal Round Sign Sql/Binary Sql/IsIn Sql/Round Sql/ToFloat Truncate
"""
OF_ONE_ROW = frozenset(_OF_ONE.split())
"""Functions that look at one row alone."""
FAMILIES = frozenset({"ListExpr", "Pow", "StringExpr", "StructExpr", "TemporalExpr", "Trigonometry"})
"""Families of functions that do, but for those that join a column."""
JOINING = frozenset({"StringExpr/ConcatVertical"})
KEYS = {"BinaryExpr": ("left", "right"), "Cast": ("expr",), "Ternary": ("predicate", "truthy", "falsy")}
"""Where those that have a fixed number of parts hold them."""
DEEPEST = 150
"""Levels of an expression below each other."""


def path_of(function: Any) -> tuple[str, ...]:
    """Return the names of a function, its family first; options that it has are at the end, where they are one text."""
    if isinstance(function, str):
        return (function,)
    if isinstance(function, Mapping) and len(function) == 1:
        ((name, inner),) = function.items()
        return (str(name), *path_of(inner))
    return ()


def parts_of(node: Node) -> Sequence[Node]:
    """Return the parts that a part of a known shape is computed from."""
    ((shape, held),) = node.items()
    if shape == "Function":
        return tuple(held["input"])
    return (held[0],) if shape == "Alias" else tuple(held[key] for key in KEYS.get(shape, ()))


def beyond_one_row(node: Node, depth: int = 0) -> Iterator[str]:
    """Yield the words that look at other rows, or of which that is not known; raises RecursionError below `DEEPEST` levels."""
    if depth > DEEPEST:
        raise RecursionError
    if not isinstance(node, Mapping) or len(node) != 1:
        yield _word(str(node))
        return
    ((shape, held),) = node.items()
    if shape == "Agg":
        yield _word(next(iter(held)))
    elif shape not in SHAPES:
        yield _word(shape)
    elif shape == "Literal":
        yield from ("series",) if isinstance(held, Mapping) and "Series" in held else ()
    else:
        parts = parts_of(node)
        if shape == "Function":
            path = path_of(held["function"])
            if not _looks_at_one(path):
                yield _word((path or ("function",))[0])
            elif "IsIn" in path:
                # What it asks for is a list, which is the same for every row.
                parts = parts[:1]
        for part in parts:
            yield from beyond_one_row(part, depth + 1)


def casts_in(node: Node) -> Iterator[Mapping[str, Any]]:
    """Yield what each cast of an expression holds: `expr`, `dtype`, `options`."""
    if "Cast" in node:
        yield node["Cast"]
    for part in parts_of(node):
        yield from casts_in(part)


def functions_in(node: Node) -> Iterator[tuple[str, ...]]:
    """Yield the names of each function of an expression."""
    if "Function" in node:
        yield path_of(node["Function"]["function"])
    for part in parts_of(node):
        yield from functions_in(part)


def _looks_at_one(path: tuple[str, ...]) -> bool:
    name = "/".join(path[:2])
    return name not in JOINING and bool(FAMILIES & set(path[:1]) or {name, *path[:1]} & OF_ONE_ROW)


def _word(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
