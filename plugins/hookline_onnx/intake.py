"""Takes a few rows of Python values: as a session wants them, and with what their contract warns of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hookline import Schema
from hookline.artifacts import Column
from hookline.contract import MOST_KEPT, Limits
from hookline.errors import Breach, RejectedRows

if TYPE_CHECKING:
    import numpy as np
    import onnx

MISSING_TIME = -(2**63)
EPOCH, MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
NUMBERS, TEXTS, MOMENTS = "\0numbers", "\0texts", "\0moments"
"""Inputs of a gathered graph; no column of a table is called so."""
GROUPS = {"number": NUMBERS, "boolean": NUMBERS, "string": TEXTS, "datetime": MOMENTS}

Cell = tuple[int, int]
"""Row and column of the schema."""


def gather(graph: onnx.GraphProto, schema: Schema) -> None:
    """Give a graph one input for all columns of a sort: each input costs a call as much as an operator does."""
    import onnx.helper

    from .fold import fold

    groups = _groups(schema)
    types = {given.name: given.type.tensor_type.elem_type for given in graph.input}
    inputs, splits = [], []
    for group, places in groups.items():
        names = [schema.columns[place].name for place in places]
        inputs.append(onnx.helper.make_tensor_value_info(group, types[names[0]], ["N", len(names)]))
        splits.append(onnx.helper.make_node("Split", [group], names, axis=1, num_outputs=len(names)))
    nodes = [*splits, *graph.node]
    for field, new in (("input", inputs), ("node", nodes)):
        graph.ClearField(field)
        getattr(graph, field).extend(new)
    fold(graph)


class Intake:
    """Makes what a gathered graph takes; what can be prepared before any row is there is."""

    def __init__(self, schema: Schema) -> None:
        import numpy as np

        self._limits = [Limits(column) for column in schema.columns]
        self._groups = _groups(schema)
        self._names = {group: [schema.columns[i].name for i in places] for group, places in self._groups.items()}
        ranges = [_range(schema.columns[i]) for i in self._groups.get(NUMBERS, ())]
        self._lows, self._highs = np.array(ranges, dtype=np.float64).reshape(-1, 2).T
        self._known = [_known(schema.columns[i]) for i in self._groups.get(TEXTS, ())]

    def __call__(
        self, columns: Mapping[str, Sequence[Any]]
    ) -> tuple[dict[str, np.ndarray], dict[int, tuple[str, ...]]]:
        """Return one array a sort of columns, (n_rows, n_columns), and row position -> what its contract warns of.

        Numbers and booleans are float64 with NaN for missing, texts objects with "", datetimes int64 with MISSING_TIME.
        """
        ways = {NUMBERS: self._numbers, TEXTS: self._texts, MOMENTS: self._moments}
        feeds: dict[str, np.ndarray] = {}
        odd: list[Cell] = []
        for group, names in self._names.items():
            feeds[group], cells = ways[group]([columns[name] for name in names])
            odd += cells
        return feeds, self._warnings(columns, odd) if odd else {}

    def _numbers(self, values: Sequence[Sequence[Any]]) -> tuple[np.ndarray, Sequence[Cell]]:
        import numpy as np

        numbers = np.ascontiguousarray(np.array(values, dtype=np.float64).T)
        inside = (numbers >= self._lows) & (numbers <= self._highs)
        if inside.all():
            return numbers, ()
        places = self._groups[NUMBERS]
        return numbers, [(row, places[i]) for row, i in np.argwhere(~inside).tolist()]

    def _texts(self, values: Sequence[Sequence[Any]]) -> tuple[np.ndarray, Sequence[Cell]]:
        import numpy as np

        texts = np.array([[value or "" for value in column] for column in values], dtype=object)
        odd = [
            (row, place)
            for place, known, column in zip(self._groups[TEXTS], self._known, values, strict=True)
            if known is None or not known.issuperset(column)
            for row in range(len(column))
        ]
        return np.ascontiguousarray(texts.T), odd

    def _moments(self, values: Sequence[Sequence[Any]]) -> tuple[np.ndarray, Sequence[Cell]]:
        import numpy as np

        moments = np.array([[_microseconds(value) for value in column] for column in values], dtype=np.int64)
        places = self._groups[MOMENTS]
        return np.ascontiguousarray(moments.T), [(row, i) for i in places for row in range(moments.shape[1])]

    def _warnings(self, columns: Mapping[str, Sequence[Any]], odd: Sequence[Cell]) -> dict[int, tuple[str, ...]]:
        """Look closely at values that may break the contract; raises RejectedRows for those that it rejects."""
        found: dict[int, tuple[str, ...]] = {}
        rejected: list[Breach] = []
        for row, i in sorted(odd):
            limits = self._limits[i]
            name = limits.column.name
            value = columns[name][row]
            if limits.allows(value):
                continue
            if limits.rejects:
                rejected.append(Breach(row, name, limits.complain(value)))
            else:
                found[row] = (*found.get(row, ()), f"{name}: {limits.complain(value)}")
        if rejected:
            raise RejectedRows(len(rejected), rejected[:MOST_KEPT])
        return found


def _groups(schema: Schema) -> dict[str, list[int]]:
    """Return input of a gathered graph -> places of its columns in the schema, for those that have any."""
    groups: dict[str, list[int]] = {}
    for place, column in enumerate(schema.columns):
        groups.setdefault(GROUPS[column.kind], []).append(place)
    return groups


def _range(column: Column) -> tuple[float, float]:
    """Return the range of values that need no closer look."""
    if column.kind == "boolean" and column.categories is not None:
        seen = [float(word == "true") for word in column.categories]
        return (min(seen), max(seen)) if seen else (1.0, 0.0)
    low = -float("inf") if column.minimum is None else column.minimum
    high = float("inf") if column.maximum is None else column.maximum
    return low, high


def _known(column: Column) -> frozenset[str | None] | None:
    """Return the texts that need no closer look, None where that cannot be told from texts."""
    missing = frozenset({"", None}) if column.nullable else frozenset[str | None]()
    return None if column.categories is None or column.pattern is not None else missing.union(column.categories)


def _microseconds(moment: datetime | None) -> int:
    return MISSING_TIME if moment is None else (moment - EPOCH) // MICROSECOND
