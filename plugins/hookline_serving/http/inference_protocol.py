"""The Open Inference Protocol, version 2 (KServe): one tensor a raw column in, predictions and probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException

import hookline

from .exchange import Item
from .many import HEAVY_BYTES, MOST_BYTES_AT_ONCE, ROWS_AT_ONCE, questions
from .reading.cutting import Body
from .reading.faults import TooLarge
from .reading.tensors import Asked, asked_in

if TYPE_CHECKING:
    from .service import Service

DATATYPES = {"number": "FP64", "string": "BYTES", "boolean": "BOOL", "datetime": "BYTES"}
"""How each kind of column travels; datetimes as ISO 8601 text."""


def server_metadata() -> dict[str, Any]:
    """Return what the server says of itself."""
    return {"name": "hookline", "version": hookline.__version__, "extensions": []}


def model_metadata(service: Service) -> dict[str, Any]:
    """Return the model's inputs and outputs."""
    target = service.predictor.target
    outputs = [{"name": "prediction", "datatype": _datatype(target.classes), "shape": [-1]}]
    if target.classes:
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(target.classes)]})
    inputs = [
        {"name": column.name, "datatype": DATATYPES[column.kind], "shape": [-1]}
        for column in service.predictor.schema.columns
    ]
    version = service.info["version"]
    return {
        "name": service.info["model"],
        "versions": [str(version)] if version else [],
        "platform": f"hookline_{service.info['format']}",
        "inputs": inputs,
        "outputs": outputs,
    }


def check_asked(asked: Mapping[str, str], service: Service) -> None:
    """Raise HTTPException (404) where a path names a model or a version that is not the one at hand."""
    for what in ("model", "version"):
        held = service.info[what]
        if what in asked and (held is None or asked[what] != str(held)):
            other = "a package without a version" if held is None else f"{what} {held}"
            raise HTTPException(404, f"{what} {asked[what]} is not served here; {other} is")


async def infer(service: Service, body: Body) -> bytes:
    """Answer an inference request; ids and warnings travel in `parameters`. Raises what `replies.told` tells."""
    bounds = service.bounds
    if len(body) > bounds.tensor_bytes:
        size = bounds.tensor_bytes // 1024
        raise TooLarge(f"a body of tensors may be of {size:,} KiB; send fewer rows at a time, or rows to /predict")
    if len(body) > HEAVY_BYTES:
        async with service.heavy:
            return await _infer_in_parts(service, body)
    if len(body) > MOST_BYTES_AT_ONCE:
        return await _infer_in_parts(service, body)
    asked = asked_in(body, bounds.rows)
    rows = [row for _, some in asked.parts(asked.rows) for row in some]
    return _reply(service, asked, await service.answer(service.answerer.reader.read(rows)))


async def _infer_in_parts(service: Service, body: Body) -> bytes:
    (reply,) = (made for made in await service.in_turns(_replies(service, body)) if made)
    return reply


def _replies(service: Service, body: Body) -> Iterator[bytes]:
    """Yield nothing for a while, as each part is answered, and the reply in the end."""
    asked = asked_in(body, service.bounds.rows)
    items: list[Item] = []
    for some in service.answerer.answer_parts(questions(service.answerer.reader.read, asked.parts(ROWS_AT_ONCE))):
        items += some
        yield b""
    yield _reply(service, asked, items)


def _reply(service: Service, asked: Asked, items: Sequence[Item]) -> bytes:
    classes = service.predictor.target.classes
    values = [item.prediction for item in items]
    outputs = [{"name": "prediction", "datatype": _datatype(classes), "shape": [len(items)], "data": values}]
    flat = [chance for item in items if item.probabilities for chance in item.probabilities.values()]
    if flat:
        shape = [len(items), len(classes)]
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": shape, "data": flat})
    version = service.info["version"]
    reply = {
        "model_name": service.info["model"],
        "outputs": outputs,
        "parameters": {
            "prediction_ids": [item.id for item in items],
            "warnings": {str(row): item.warnings for row, item in enumerate(items) if item.warnings},
        },
    }
    if version:
        reply["model_version"] = str(version)
    if isinstance(asked.id, str):
        reply["id"] = asked.id
    return msgspec.json.encode(reply)


def _datatype(classes: tuple[Any, ...]) -> str:
    if not classes:
        return "FP64"
    if isinstance(classes[0], bool):
        return "BOOL"
    return {int: "INT64", float: "FP64"}.get(type(classes[0]), "BYTES")
