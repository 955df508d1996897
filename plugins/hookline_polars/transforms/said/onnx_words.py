"""Expressions of numbers and conditions in ONNX words: float64 (N, 1), NaN for missing, conditions being 1, 0 or NaN."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

Node = Any
"""A part of an expression, as polars writes it in JSON."""
LARGEST = 1e37
"""Numbers beyond which products and powers are infinite, of which the two tell otherwise; a feature of float32 holds it."""
ARITHMETIC = {"Plus": "add", "Add": "add", "Minus": "sub", "Sub": "sub", "Multiply": "mul", "Mul": "mul", "Div": "div"}
COMPARISONS = {"Gt": "greater", "GtEq": "greater_or_equal", "Lt": "less", "LtEq": "less_or_equal", "Eq": "equal"}
PLAIN = ("add", "sub", "mul")
"""Operations that of numbers never make what is none."""


class UnsaidError(ValueError):
    """There is no word for a part of an expression; its text names the part."""


def tree_of(expr: pl.Expr) -> Node:
    """Return an expression as polars writes it."""
    with warnings.catch_warnings(action="ignore"):  # Its JSON may change, and a part that is not known is refused.
        return json.loads(expr.meta.serialize(format="json"))


def require_words(expr: pl.Expr) -> None:
    """Raise UnsaidError naming the first part of an expression that has no word in ONNX, whatever its columns hold."""
    _walk(tree_of(expr), _Looking())


def said(expr: pl.Expr, inputs: Mapping[str, Any]) -> Any:
    """Return an expression of columns as a variable of the graph; raises UnsaidError, also for a column that holds no number."""
    return _walk(tree_of(expr), _Saying(inputs))


class _Looking:
    """Says nothing, and knows every column."""

    def column(self, name: str) -> Any:
        return None

    def number(self, value: float) -> Any:
        return None

    def call(self, word: Callable[..., Any], *given: Any) -> Any:
        return None


class _Saying(_Looking):
    """Puts words into a graph."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self.inputs = inputs

    def column(self, name: str) -> Any:
        from ...onnx import is_number

        if name not in self.inputs or not is_number(self.inputs[name]):
            raise UnsaidError(f"column '{name}', which holds no number")
        return self.inputs[name]

    def number(self, value: float) -> Any:
        from ...onnx import number

        return number(value)

    def call(self, word: Callable[..., Any], *given: Any) -> Any:
        return word(*given)


def _walk(node: Node, graph: _Looking) -> Any:
    if not isinstance(node, dict) or len(node) != 1:
        raise UnsaidError(str(node)[:40])
    ((name, held),) = node.items()
    if name == "Column":
        return graph.column(held)
    if name == "Literal":
        return graph.number(_number(held))
    if name == "Ternary":
        parts = (held["predicate"], held["truthy"], held["falsy"])
        return graph.call(_choose, *(_walk(part, graph) for part in parts))
    if name == "Cast" and held["dtype"] in ({"Literal": "Boolean"}, {"Literal": "Float64"}):
        return _walk(held["expr"], graph)
    if name == "BinaryExpr":
        return _binary(held["op"], held["left"], held["right"], graph)
    if name == "Function":
        return _function(held["function"], held["input"], graph)
    raise UnsaidError(name)


def _number(held: Any) -> float:
    """Return a literal's number."""
    ((sort, value),) = held.items() if isinstance(held, dict) else (("", held),)
    if sort == "Dyn" and isinstance(value, dict) and set(value) <= {"Int", "Float"}:
        return float(next(iter(value.values())))
    if sort == "Scalar" and isinstance(value, dict):
        ((kind, one),) = value.items()
        if kind == "Decimal":
            return float(one[0]) / float(10 ** int(one[2]))
        if kind == "Null":
            return float("nan")
        if kind == "Boolean":
            return float(bool(one))
        if kind.startswith(("Int", "UInt", "Float")):
            return float(one)
    raise UnsaidError(f"the value {str(value)[:40]}")


def _binary(op: str, left: Node, right: Node, graph: _Looking) -> Any:
    one, other = (_walk(node, graph) for node in (left, right))
    if op in ARITHMETIC:
        return graph.call(_arithmetic(ARITHMETIC[op]), one, other)
    if op in COMPARISONS or op == "NotEq":
        _require_plain(left, right)
        return graph.call(_compared(op), one, other)
    if op in ("And", "Or"):
        return graph.call(_both if op == "And" else _either, one, other)
    raise UnsaidError(op)


def _function(said_as: Any, given: list[Node], graph: _Looking) -> Any:
    name = said_as if isinstance(said_as, str) else "/".join(_path(said_as))
    if name.startswith("Sql/Binary/") and len(given) == 2:
        return _binary(name.rpartition("/")[2], given[0], given[1], graph)
    parts = [_walk(node, graph) for node in given]
    if name == "Sql/ToFloat":
        return parts[0]
    if name in SENSITIVE:
        _require_plain(*given)
    if name not in WORDS:
        raise UnsaidError(name.rpartition("/")[2])
    return graph.call(WORDS[name], *parts)


def _path(held: Any) -> list[str]:
    if isinstance(held, str):
        return [held]
    if isinstance(held, dict) and len(held) == 1:
        ((name, inner),) = held.items()
        return [name, *_path(inner)]
    return []


def _require_plain(*nodes: Node) -> None:
    """Raise UnsaidError for parts that may be no number though nothing is missing: polars tells the two apart."""
    for node in nodes:
        for part in _parts(node):
            ((name, held),) = part.items()
            word = held.get("op", "") if name == "BinaryExpr" else ""
            if name == "Function":
                word = _path(held["function"])[-1]
            if (word and ARITHMETIC.get(word, "mul") not in PLAIN) or word in ("Generic", "Sqrt", "Log"):
                raise UnsaidError(f"a condition on what {word} makes")


def _parts(node: Node) -> list[Node]:
    """Return all nodes below one, itself among them."""
    if isinstance(node, list):
        return [part for one in node for part in _parts(one)]
    if not isinstance(node, dict):
        return []
    own = [node] if len(node) == 1 and next(iter(node)) in ("BinaryExpr", "Function") else []
    return own + [part for one in node.values() for part in _parts(one)]


def _arithmetic(word: str) -> Callable[[Any, Any], Any]:
    def computed(one: Any, other: Any) -> Any:
        import spox.opset.ai.onnx.v21 as op

        return getattr(op, word)(one, other)

    return computed


def _compared(word: str) -> Callable[[Any, Any], Any]:
    def computed(one: Any, other: Any) -> Any:
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        found = op.not_(op.equal(one, other)) if word == "NotEq" else getattr(op, COMPARISONS[word])(one, other)
        return op.where(_gap(one, other), _nan(), op.cast(found, to=np.float64))

    return computed


def _gap(*columns: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    found = op.isnan(columns[0])
    for column in columns[1:]:
        found = op.or_(found, op.isnan(column))
    return found


def _nan() -> Any:
    from ...onnx import number

    return number(float("nan"))


def _is(column: Any, value: float) -> Any:
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    return op.equal(column, number(value))


def _both(one: Any, other: Any) -> Any:
    """Return 0 where either is 0, else NaN where either is missing."""
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    known = op.where(_gap(one, other), _nan(), number(1.0))
    return op.where(op.or_(_is(one, 0.0), _is(other, 0.0)), number(0.0), known)


def _either(one: Any, other: Any) -> Any:
    """Return 1 where either is 1, else NaN where either is missing."""
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    known = op.where(_gap(one, other), _nan(), number(0.0))
    return op.where(op.or_(_is(one, 1.0), _is(other, 1.0)), number(1.0), known)


def _choose(condition: Any, one: Any, other: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    return op.where(_is(condition, 1.0), one, other)


def _not(condition: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    return op.sub(number(1.0), condition)


def _missing(column: Any) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.cast(op.isnan(column), to=np.float64)


def _there(column: Any) -> Any:
    return _not(_missing(column))


def _first(*columns: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    *earlier, found = columns
    for column in reversed(earlier):
        found = op.where(op.isnan(column), found, column)
    return found


def _power(base: Any, exponent: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    return op.where(_gap(base, exponent), _nan(), op.pow(base, exponent))


def _logarithm(column: Any, base: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    return op.div(op.log(column), op.log(base))


def _unary(word: str) -> Callable[[Any], Any]:
    def computed(column: Any) -> Any:
        import spox.opset.ai.onnx.v21 as op

        return getattr(op, word)(column)

    return computed


def _extreme(word: str) -> Callable[..., Any]:
    def computed(*columns: Any) -> Any:
        import spox.opset.ai.onnx.v21 as op

        found, *others = columns
        for column in others:
            nearer = op.where(getattr(op, word)(column, found), column, found)
            found = op.where(op.isnan(found), column, op.where(op.isnan(column), found, nearer))
        return found

    return computed


WORDS: Mapping[str, Callable[..., Any]] = {
    "Abs": _unary("abs"),
    "Boolean/IsNotNull": _there,
    "Boolean/IsNull": _missing,
    "Boolean/Not": _not,
    "Ceil": _unary("ceil"),
    "Coalesce": _first,
    "Exp": _unary("exp"),
    "Floor": _unary("floor"),
    "Log": _logarithm,
    "MaxHorizontal": _extreme("greater"),
    "MinHorizontal": _extreme("less"),
    "Pow/Generic": _power,
    "Pow/Sqrt": _unary("sqrt"),
}
"""Functions of polars that have words."""
SENSITIVE = ("Boolean/IsNotNull", "Boolean/IsNull", "Coalesce", "MaxHorizontal", "MinHorizontal")
"""Functions that tell what is missing from what is no number."""
