"""Takes a few rows of Python values as a session wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from hookline import Schema

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from .lookup import Lookup

MISSING_TIME = -(2**63)
EPOCH, MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
NUMBERS, TEXTS, MOMENTS, LOOKED_UP = "\0numbers", "\0texts", "\0moments", "\0looked up"
"""Inputs of a gathered graph; no column of a table is called so."""
GROUPS = {"number": NUMBERS, "boolean": NUMBERS, "string": TEXTS, "datetime": MOMENTS}

Rows: TypeAlias = "Sequence[Sequence[Any]]"
"""Values in the order of the schema."""
Taker: TypeAlias = "Callable[[Rows], np.ndarray]"
"""Makes one input of a graph, (n_rows, n_columns), out of rows."""


@dataclass(frozen=True)
class Intake:
    """Makes what a gathered graph takes; what can be prepared before any row is there is."""

    takers: Mapping[str, Taker]
    """By input."""

    def __call__(self, rows: Rows) -> dict[str, np.ndarray]:
        """Return one array a sort of columns, (n_rows, n_columns).

        Numbers and booleans are float64 with NaN for missing, texts objects with "" or what the graph makes of each, datetimes
        int64 with MISSING_TIME.
        """
        return {name: take(rows) for name, take in self.takers.items()}


def gather(model: onnx.ModelProto, schema: Schema) -> Intake:
    """Give a graph one input for all columns of a sort: each input costs a call as much as an operator does."""
    from .fold import fold
    from .lookup import look_up

    places = {column.name: place for place, column in enumerate(schema.columns)}
    lookups: dict[np.dtype[Any], list[Lookup]] = {}
    for lookup in look_up(model, [column.name for column in schema.columns if column.kind == "string"]):
        lookups.setdefault(lookup.dtype, []).append(lookup)
    left = {given.name for given in model.graph.input}
    groups: dict[str, list[str]] = {}
    for column in schema.columns:
        if column.name in left:
            groups.setdefault(GROUPS[column.kind], []).append(column.name)
    takers: dict[str, Taker] = {}
    ways = {NUMBERS: _numbers, TEXTS: _texts, MOMENTS: _moments}
    for group, names in groups.items():
        _join(model.graph, group, dict.fromkeys(names, 1))
        takers[group] = ways[group]([places[name] for name in names])
    for dtype, found in lookups.items():
        group = f"{LOOKED_UP} {dtype}"
        _join(model.graph, group, {lookup.name: lookup.width for lookup in found})
        takers[group] = _looked_up([(places[lookup.column], lookup.becomes) for lookup in found], dtype)
    fold(model.graph)
    return Intake(takers)


def _join(graph: onnx.GraphProto, joined: str, widths: Mapping[str, int]) -> None:
    """Put one input in the place of several of one type, given with their widths."""
    import onnx.helper

    given = {one.name: one for one in graph.input}
    kind = given[next(iter(widths))].type.tensor_type.elem_type
    sizes = onnx.helper.make_tensor("", onnx.TensorProto.INT64, [len(widths)], list(widths.values()))
    new = onnx.helper.make_tensor_value_info(joined, kind, ["N", sum(widths.values())])
    # In place, since a copy of the nodes would be one of a forest.
    graph.node.insert(0, onnx.helper.make_node("Constant", [], [f"{joined} widths"], value=sizes))
    graph.node.insert(1, onnx.helper.make_node("Split", [joined, f"{joined} widths"], list(widths), axis=1))
    inputs = [new, *(one for one in graph.input if one.name not in widths)]
    graph.ClearField("input")
    graph.input.extend(inputs)


def _picker(places: list[int]) -> Callable[[Sequence[Any]], Any]:
    """Return what takes some of a row's values, as a sequence."""
    first, last = places[0], places[-1]
    if places == [*range(first, last + 1)]:
        return itemgetter(slice(first, last + 1))
    return itemgetter(*places)


def _numbers(places: list[int]) -> Taker:
    import numpy as np

    pick = _picker(places)
    return lambda rows: np.array([pick(row) for row in rows], dtype=np.float64)


def _texts(places: list[int]) -> Taker:
    import numpy as np

    pick = _picker(places)
    return lambda rows: np.array([[text or "" for text in pick(row)] for row in rows], dtype=object)


def _moments(places: list[int]) -> Taker:
    import numpy as np

    pick = _picker(places)
    return lambda rows: np.array([[_microseconds(moment) for moment in pick(row)] for row in rows], dtype=np.int64)


def _looked_up(tables: list[tuple[int, Mapping[Any, bytes]]], dtype: np.dtype[Any]) -> Taker:
    import numpy as np

    def take(rows: Rows) -> np.ndarray:
        found = b"".join([table[row[place]] for row in rows for place, table in tables])
        return np.frombuffer(found, dtype).reshape(len(rows), -1)

    return take


def _microseconds(moment: datetime | None) -> int:
    return MISSING_TIME if moment is None else (moment - EPOCH) // MICROSECOND
