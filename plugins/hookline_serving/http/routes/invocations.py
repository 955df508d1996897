"""`/invocations`, as MLflow's scoring server has it: tables and lists as JSON, CSV or Parquet in, `predictions` out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException

from hookline.kinds.fitted import BOUNDS

from ..many import ROWS_AT_ONCE, at_once
from ..reading.cutting import Body, check_count
from ..reading.faults import BadRequest
from ..replies import Reply
from ..rows import decoded
from .asked import Asked
from .batches import Rows, answered, check_size, read_rows
from .frames import csv_rows, csv_weight, parquet_frame, parquet_weight, rows_in

if TYPE_CHECKING:
    from hookline import Schema

    from ..arms.traffic import Traffic
    from ..exchange import Item

SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")
WANTED = f"the body must be an object with exactly one of {', '.join(SHAPES)}"
CSV, PARQUET, JSON = "text/csv", "application/vnd.apache.parquet", "application/json"
Record = Mapping[str, Any]


async def invocations(traffic: Traffic, asked: Asked) -> Reply:
    """Answer; `params` are ignored, as MLflow does for a model that takes none. Raises what `replies.told` tells."""
    _check_media(asked)
    check_size(traffic, asked.body)
    read = partial(_rows, traffic, asked)
    if asked.media not in (CSV, PARQUET) and at_once(traffic, asked.body):
        rows = [row for _, some in read() for row in some]
        return Reply(_encoded(await traffic.answer(read_rows(traffic, asked.request, rows))))
    return Reply(await answered(traffic, asked, read, _encoded, _weigh(traffic, asked)))


def _check_media(asked: Asked) -> None:
    """Raise HTTPException (415) for a body of another kind; one that says nothing is taken for JSON."""
    if asked.media not in ("", CSV, PARQUET, JSON):
        told = f"the body is {asked.media}; it may be {JSON}, {CSV} or {PARQUET}"
        raise HTTPException(415, told)
    _, _, more = asked.headers.get("content-type", "").partition(";")
    name, _, value = more.strip().partition("=")
    if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "us-ascii"):
        raise HTTPException(415, "the body must be UTF-8")


def _encoded(items: Sequence[Item]) -> bytes:
    said: dict[str, Any] = {
        "predictions": [item.prediction for item in items],
        "prediction_ids": [item.id for item in items],
    }
    if all(item.lower is not msgspec.UNSET for item in items):
        said |= {name: [getattr(item, name) for item in items] for name in BOUNDS}
    if all(item.set is not msgspec.UNSET for item in items):
        said["sets"] = [item.set for item in items]
    return msgspec.json.encode(said)


def _rows(traffic: Traffic, asked: Asked) -> Rows:
    most, schema = traffic.live.room.bounds.rows, traffic.live.predictor.schema
    if asked.media == CSV:
        return csv_rows(asked.body, most, schema)
    if asked.media == PARQUET:
        return rows_in(parquet_frame(asked.body, most))
    return _some_at_a_time(_records(asked.body, schema, most))


def _weigh(traffic: Traffic, asked: Asked) -> Callable[[], int] | None:
    if asked.media == CSV:
        return partial(csv_weight, asked.body, traffic.live.room.bounds.rows)
    return partial(parquet_weight, asked.body) if asked.media == PARQUET else None


def _some_at_a_time(rows: Sequence[Record]) -> Iterator[tuple[int, Sequence[Record]]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield start, rows[start : start + ROWS_AT_ONCE]


def _records(body: Body, schema: Schema, most: int) -> list[Record]:
    """Return the rows of a JSON body; raises BadRequest, or TooLarge."""
    given = _decoded(body)
    shapes = [shape for shape in SHAPES if shape in given] if isinstance(given, dict) else []
    if len(shapes) != 1:
        raise BadRequest(WANTED)
    rows = READ[shapes[0]](given[shapes[0]], schema)
    if not rows:
        raise BadRequest("there are no rows to predict")
    check_count(len(rows), most)
    return rows


def _decoded(body: Body) -> Any:
    try:
        return decoded(body)
    except BadRequest:
        # Python writes what is missing as NaN, which is no JSON, and MLflow's client writes as Python does.
        if b"NaN" not in body:
            raise
    try:
        given = json.loads(body, parse_constant=lambda word: None if word == "NaN" else float(word))
        # Python takes half a character, of which no record can be made.
        msgspec.json.encode(given)
        return given
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"JSON is malformed: {error}") from None


def _split(given: Any, schema: Schema) -> list[Record]:
    """Return the rows of {"columns": [...], "data": [[...], ...]}; the index counts for nothing."""
    names = given.get("columns") if isinstance(given, dict) else None
    data = given.get("data") if isinstance(given, dict) else None
    if not isinstance(data, list) or not (names is None or _is_list_of(names, str)):
        raise BadRequest('dataframe_split must be {"columns": ["column", ...], "data": [[value, ...], ...]}')
    return _by_position(data, schema.names if names is None else names)


def _listed(given: Any, schema: Schema) -> list[Record]:
    """Return rows given as records."""
    if not _is_list_of(given, dict):
        raise BadRequest('dataframe_records must be [{"column": value, ...}, ...]')
    rows: list[Record] = given
    return rows


def _instances(given: Any, schema: Schema) -> list[Record]:
    """Return rows given as records, or as values in the order of the model's columns."""
    if not isinstance(given, list):
        raise BadRequest("instances must be a list, one element a row")
    if _is_list_of(given, dict):
        rows: list[Record] = given
        return rows
    return _by_position([row if isinstance(row, list) else [row] for row in given], schema.names)


def _inputs(given: Any, schema: Schema) -> list[Record]:
    """Return rows given as {"column": [value a row, ...]}, or as `instances` are."""
    if not isinstance(given, dict):
        return _instances(given, schema)
    columns = {name: _flat(values) for name, values in given.items()}
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name[:60]} has {size}" for name, size in list(sizes.items())[:10])
        raise BadRequest(f"the columns of inputs differ in length: {told}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _flat(values: Any) -> Sequence[Any]:
    """Return a column's values; one that is no list is the value of a single row, and a list of one is its value."""
    if not isinstance(values, list):
        return [values]
    return [one[0] if isinstance(one, list) and len(one) == 1 else one for one in values]


def _by_position(data: Sequence[Any], names: Sequence[str]) -> list[Record]:
    if len(set(names)) < len(names):
        raise BadRequest("a column is named more than once")
    for place, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            count = len(row) if isinstance(row, list) else "no list of"
            raise BadRequest(f"row {place} holds {count} values, and there are {len(names)} columns")
    return [dict(zip(names, row, strict=True)) for row in data]


def _is_list_of(given: Any, kind: type) -> bool:
    return isinstance(given, list) and all(isinstance(one, kind) for one in given)


READ: Mapping[str, Callable[[Any, Schema], list[Record]]] = {
    "dataframe_split": _split,
    "dataframe_records": _listed,
    "instances": _instances,
    "inputs": _inputs,
}
