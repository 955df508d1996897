"""An expression that never fails for a value that cannot be cast, and one that tells of which rows it would have."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .tree import Node, parts_of, path_of

if TYPE_CHECKING:
    import polars as pl

PARSING = ("StringExpr", "Strptime")
"""A function that reads texts as times."""


def lenient(tree: Node) -> tuple[pl.Expr, pl.Expr]:
    """Return an expression in which what cannot be cast is missing, and one that is true of rows that have such a value.

    tree: as polars writes it. What stands in a branch that a row does not take is not counted.
    """
    return _lenient(json.dumps(tree))


def falsified(frame: pl.DataFrame, expr: pl.Expr, tree: Node) -> pl.Series:
    """Return what an expression says of each row, boolean (n,): False where it fails for a row's values."""
    import polars as pl

    value, failed = lenient(tree)
    try:
        return frame.select(kept=pl.when(failed).then(statement=False).otherwise(value))["kept"]
    except pl.exceptions.PolarsError:
        # What else may fail, such as a power that is too large, is looked for by halves.
        return pl.concat(list(_halves(frame, expr)))


def _halves(frame: pl.DataFrame, expr: pl.Expr) -> Iterator[pl.Series]:
    import polars as pl

    try:
        yield frame.select(kept=expr)["kept"].cast(pl.Boolean)
    except pl.exceptions.PolarsError:
        if frame.height <= 1:
            yield pl.Series("kept", [False] * frame.height, dtype=pl.Boolean)
            return
        half = frame.height // 2
        yield from _halves(frame.head(half), expr)
        yield from _halves(frame.slice(half), expr)


@lru_cache(maxsize=256)
def _lenient(text: str) -> tuple[pl.Expr, pl.Expr]:
    tree = json.loads(text)
    return _expr(_softened(tree)), _failed(tree)


def _failed(node: Node) -> pl.Expr:
    """Return what is true of rows of which a part of an expression fails."""
    import polars as pl

    ((shape, held),) = node.items()
    parts = parts_of(node)
    if shape == "Ternary":
        chosen, truthy, falsy = (_failed(held[key]) for key in ("predicate", "truthy", "falsy"))
        return chosen | pl.when(_expr(_softened(held["predicate"]))).then(truthy).otherwise(falsy)
    found = pl.any_horizontal([pl.lit(value=False), *map(_failed, parts)])
    if _is_strict(node):
        found = found | (_expr(_softened(parts[0])).is_not_null() & _expr(_softened(node)).is_null())
    return found


def _is_strict(node: Node) -> bool:
    ((shape, held),) = node.items()
    if shape == "Cast":
        return bool(held["options"] == "Strict")
    return shape == "Function" and path_of(held["function"])[:2] == PARSING


def _softened(node: Any) -> Any:
    """Return a part of an expression in which nothing fails that is cast or read as a time."""
    if isinstance(node, list):
        return [_softened(item) for item in node]
    if not isinstance(node, dict):
        return node
    held = {key: _softened(item) for key, item in node.items()}
    if held.get("options") == "Strict" and "dtype" in held:
        return {**held, "options": "NonStrict"}
    return {**held, "strict": False} if "format" in held and held.get("strict") is True else held


def _expr(node: Node) -> pl.Expr:
    import polars as pl

    with warnings.catch_warnings(action="ignore"):  # That its form may change: it is of this very polars.
        return pl.Expr.deserialize(BytesIO(json.dumps(node).encode()), format="json")
