"""Expressions of one row in ONNX words: numbers, texts, comparisons, conditions; what else there may be in one is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hookline.data.expressions.tree import FAMILIES, Node, parts_of, path_of

from .reading import decimal_in

ARITHMETIC = {"Plus": "add", "Minus": "sub", "Mul": "mul", "Div": "div", "Power": "pow"}
COMPARED = frozenset({"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq"})
LOGIC = frozenset({"And", "Or"})
OF_ONE = {"Abs": "abs", "Ceil": "ceil", "Exp": "exp", "Floor": "floor", "Sqrt": "sqrt"}
EXTREME = {"MaxHorizontal": "max", "MinHorizontal": "min"}
OTHERS = frozenset({"Coalesce", "IsNotNull", "IsNull", "Log", "Not", "ToFloat"})
FUNCTIONS = frozenset({*ARITHMETIC, *COMPARED, *OF_ONE, *EXTREME, *OTHERS})
"""Functions that have words."""


@dataclass(frozen=True)
class Said:
    """A value as ONNX has it.

    kind: number (float64), boolean (bool) or text (string); missing: bool, where there is no value
    """

    kind: str
    value: Any
    missing: Any


class UnsaidError(ValueError):
    """There is no word for a part of an expression; its text names the part."""


def lacking(tree: Node) -> str | None:
    """Return the first word of an expression's tree that is not said in ONNX, whatever its columns hold; None where all are."""
    ((shape, held),) = tree.items()
    if word := _lacking_itself(shape, held, tree):
        return word
    return next((word for part in parts_of(tree) if (word := lacking(part))), None)


def _lacking_itself(shape: str, held: Any, tree: Node) -> str | None:
    if shape in ("Column", "Ternary"):
        return None
    if shape == "Literal":
        return None if _literal(tree) is not None else "a list or another literal"
    if shape == "BinaryExpr":
        return None if held["op"] in (*ARITHMETIC, *COMPARED, *LOGIC) else str(held["op"])
    if shape == "Cast":
        return None if held["dtype"].get("Literal") in ("Float64", "Boolean") else "CAST to another type than DOUBLE"
    if shape != "Function":
        return str(shape)
    name = _name(held["function"])
    if name == "Log" and _literal(held["input"][1]) is None:
        return "LOG of a base that is computed"
    return None if name in FUNCTIONS else name


def column_of(tree: Node, inputs: Mapping[str, Any]) -> Any:
    """Return an expression as a column, float64 or string; raises UnsaidError, also for what hangs on what its columns hold."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number, texts

    if word := lacking(tree):
        raise UnsaidError(word)
    said = _said(tree, inputs)
    if said.kind == "text":
        return op.where(said.missing, texts([""]), said.value)
    value = op.cast(said.value, to=np.float64) if said.kind == "boolean" else said.value
    return op.where(said.missing, number(float("nan")), value)


def _said(tree: Any, inputs: Mapping[str, Any]) -> Said:
    ((shape, held),) = tree.items()
    if shape == "Column":
        if held not in inputs:
            raise UnsaidError(f"column '{held}', which is not there,")
        return _column(inputs[held])
    if shape == "Literal":
        return _constant(_literal(tree))
    if shape == "Ternary":
        return _chosen(*(_said(held[part], inputs) for part in ("predicate", "truthy", "falsy")))
    if shape == "Cast":
        return _cast(_said(held["expr"], inputs), held["dtype"]["Literal"])
    if shape == "BinaryExpr":
        return _of_two(held["op"], _said(held["left"], inputs), _said(held["right"], inputs))
    name, parts = _name(held["function"]), held["input"]
    if name == "Log":
        _, base = _literal(parts[1]) or ("number", math.e)
        return _log(_said(parts[0], inputs), float(base))
    first, *others = (_said(part, inputs) for part in parts)
    if name in (*ARITHMETIC, *COMPARED):
        return _of_two(name, first, others[0])
    if name == "Coalesce" or name in EXTREME:
        for other in others:
            first = _or_else(first, other) if name == "Coalesce" else _extreme(EXTREME[name], first, other)
        return first
    return _of_one(name, first)


def _name(function: Any) -> str:
    """Return what a function is called within its family."""
    path = path_of(function)
    if path[:2] in (("Sql", "Binary"), ("Pow", "Generic")):
        return "Power" if path[0] == "Pow" else path[2]
    return path[1] if path[0] in FAMILIES | {"Bitwise", "Boolean", "Sql"} else path[0]


def _literal(tree: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return kind and value of a literal; of NULL the value None; None where it is another."""
    if not isinstance(tree.get("Literal"), Mapping):
        return None
    if (decimal := decimal_in(tree)) is not None:
        return "number", decimal
    ((sort, held),) = tree["Literal"].items()
    if sort not in ("Dyn", "Scalar") or not isinstance(held, Mapping):
        return None
    ((dtype, value),) = held.items()
    kinds = {"String": "text", "Boolean": "boolean", "Null": "null"}
    kind = kinds.get(dtype) or ("number" if dtype.startswith(("Int", "UInt", "Float")) else None)
    return None if kind is None else (kind, None if kind == "null" else value)


def _column(column: Any) -> Said:
    import numpy as np

    from ...onnx import is_missing, is_number

    if column.unwrap_tensor().dtype == np.dtype(np.int64):
        raise UnsaidError("a moment, which `cycles` and tabular take apart,")
    return Said("number" if is_number(column) else "text", column, is_missing(column))


def _constant(literal: tuple[str, Any] | None) -> Said:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number, texts

    kind, value = literal or ("null", None)
    if value is None:
        return Said("null", number(float("nan")), op.const(np.array([[True]])))
    values = {"number": lambda: number(float(value)), "text": lambda: texts([str(value)])}
    made = values[kind]() if kind in values else op.const(np.array([[bool(value)]]))
    return Said(kind, made, op.const(np.array([[False]])))


def _as_number(said: Said) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.cast(said.value, to=np.float64) if said.kind == "boolean" else said.value


def _as_boolean(said: Said) -> Any:
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    return said.value if said.kind == "boolean" else op.not_(op.equal(said.value, number(0.0)))


def _cast(said: Said, dtype: str) -> Said:
    if dtype == "Boolean":
        return Said("boolean", _as_boolean(said), said.missing)
    if said.kind == "text":
        raise UnsaidError("how texts are read as numbers")
    return Said("number", _as_number(said), said.missing)


def _of_two(name: str, left: Said, right: Said) -> Said:
    import spox.opset.ai.onnx.v21 as op

    missing = op.or_(left.missing, right.missing)
    if name in ARITHMETIC:
        made = getattr(op, ARITHMETIC[name])(_as_number(left), _as_number(right))
        return Said("number", made, missing)
    if name in LOGIC:
        return _logic(name, left, right)
    if "text" in (left.kind, right.kind):
        if name not in ("Eq", "NotEq") or left.kind != right.kind:
            raise UnsaidError("which of two texts comes first")
        same = op.equal(left.value, right.value)
        return Said("boolean", same if name == "Eq" else op.not_(same), missing)
    return Said("boolean", _compared(name, _as_number(left), _as_number(right)), missing)


def _compared(name: str, left: Any, right: Any) -> Any:
    """Compare numbers as polars does, for which NaN equals itself and is above all others."""
    import spox.opset.ai.onnx.v21 as op

    if name in ("Lt", "LtEq"):
        return _compared({"Lt": "Gt", "LtEq": "GtEq"}[name], right, left)
    equal = op.or_(op.equal(left, right), op.and_(op.isnan(left), op.isnan(right)))
    if name == "Eq":
        return equal
    if name == "NotEq":
        return op.not_(equal)
    above = op.or_(op.greater(left, right), op.and_(op.isnan(left), op.not_(op.isnan(right))))
    return above if name == "Gt" else op.or_(above, equal)


def _logic(name: str, left: Said, right: Said) -> Said:
    """Say AND and OR by Kleene's logic: of a missing and a deciding value the latter decides."""
    import spox.opset.ai.onnx.v21 as op

    first, second = _as_boolean(left), _as_boolean(right)
    missing = op.or_(left.missing, right.missing)
    if name == "And":
        no = op.or_(op.and_(op.not_(left.missing), op.not_(first)), op.and_(op.not_(right.missing), op.not_(second)))
        return Said("boolean", op.and_(first, second), op.and_(missing, op.not_(no)))
    yes = op.or_(op.and_(op.not_(left.missing), first), op.and_(op.not_(right.missing), second))
    return Said("boolean", yes, op.and_(missing, op.not_(yes)))


def _chosen(predicate: Said, truthy: Said, falsy: Said) -> Said:
    import spox.opset.ai.onnx.v21 as op

    holds = op.and_(_as_boolean(predicate), op.not_(predicate.missing))
    kind, first, second = _alike(truthy, falsy)
    value = _either(holds, first, second) if kind == "boolean" else op.where(holds, first, second)
    return Said(kind, value, _either(holds, truthy.missing, falsy.missing))


def _either(holds: Any, first: Any, second: Any) -> Any:
    """Choose between booleans, for which onnxruntime has no Where."""
    import spox.opset.ai.onnx.v21 as op

    return op.or_(op.and_(holds, first), op.and_(op.not_(holds), second))


def _or_else(first: Said, other: Said) -> Said:
    import spox.opset.ai.onnx.v21 as op

    kind, value, instead = _alike(first, other)
    choose = _either if kind == "boolean" else op.where
    return Said(kind, choose(first.missing, instead, value), op.and_(first.missing, other.missing))


def _alike(first: Said, second: Said) -> tuple[str, Any, Any]:
    """Return two values as one kind."""
    from ...onnx import texts

    if "text" in (first.kind, second.kind):
        values = [texts([""]) if one.kind == "null" else one.value for one in (first, second)]
        if {first.kind, second.kind} - {"text", "null"}:
            raise UnsaidError("what is a text in one case and no text in another")
        return "text", values[0], values[1]
    if first.kind == second.kind == "boolean":
        return "boolean", first.value, second.value
    return "number", _as_number(first), _as_number(second)


def _of_one(name: str, said: Said) -> Said:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if name in ("IsNull", "IsNotNull"):
        told = said.missing if name == "IsNull" else op.not_(said.missing)
        return Said("boolean", told, op.const(np.array([[False]])))
    if name == "Not":
        return Said("boolean", op.not_(_as_boolean(said)), said.missing)
    if name == "ToFloat":
        return _cast(said, "Float64")
    return Said("number", getattr(op, OF_ONE[name])(_as_number(said)), said.missing)


def _extreme(name: str, first: Said, other: Said) -> Said:
    """Say GREATEST and LEAST, of which what is missing and NaN are no part where there is a number."""
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    if "text" in (first.kind, other.kind):
        raise UnsaidError("which of two texts comes first")
    one, two = (op.where(said.missing, number(float("nan")), _as_number(said)) for said in (first, other))
    value = op.where(op.isnan(one), two, op.where(op.isnan(two), one, getattr(op, name)([one, two])))
    return Said("number", value, op.and_(first.missing, other.missing))


def _log(said: Said, base: float) -> Said:
    import spox.opset.ai.onnx.v21 as op

    from ...onnx import number

    natural = op.log(_as_number(said))
    made = natural if base == math.e else op.div(natural, number(math.log(base)))
    return Said("number", made, said.missing)
