"""The Open Inference Protocol, version 2 (KServe): one tensor a raw column in, predictions and probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

import hookline

from .rows import BadRequest, decoded

if TYPE_CHECKING:
    from .service import Service

DATATYPES = {"number": "FP64", "string": "BYTES", "boolean": "BOOL", "datetime": "BYTES"}
"""How each kind of column travels; datetimes as ISO 8601 text."""
KNOWN_DATATYPES = (
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES",
)  # fmt: skip
"""The protocol's own; the values themselves decide whether they fit the model."""


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
        if asked.get(what, str(held)) != str(held):
            raise HTTPException(404, f"{what} {asked[what]} is not served here; {what} {held} is")


async def infer(service: Service, body: bytes) -> dict[str, Any]:
    """Answer an inference request; ids and warnings travel in `parameters`."""
    asked = decoded(body)
    items = await service.answer(service.answerer.reader.read(_rows(asked)))
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
    if isinstance(asked.get("id"), str):
        reply["id"] = asked["id"]
    return reply


def _rows(body: Any) -> list[Mapping[str, Any]]:
    """Turn tensors, (n,) or (n, 1) each, into rows."""
    tensors = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(tensors, list) or not tensors:
        raise BadRequest(
            'the body must be {"inputs": [{"name": ..., "datatype": ..., "shape": [n], "data": [...]}, ...]}'
        )
    named = [_column(tensor) for tensor in tensors]
    columns = dict(named)
    if len(columns) < len(named):
        twice = next(name for name, _ in named if [other for other, _ in named].count(name) > 1)
        raise BadRequest(f"input '{twice}' is given more than once")
    sizes = {name: len(data) for name, data in columns.items()}
    if len(set(sizes.values())) != 1:
        raise BadRequest(f"the inputs differ in length: {sizes}")
    if not next(iter(sizes.values())):
        raise BadRequest("there are no rows to predict")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _column(tensor: Any) -> tuple[str, list[Any]]:
    if (
        not isinstance(tensor, dict)
        or not isinstance(tensor.get("name"), str)
        or not isinstance(tensor.get("data"), list)
    ):
        raise BadRequest("each input needs a name (a string) and data (a list)")
    name, data, datatype = tensor["name"], tensor["data"], tensor.get("datatype", "BYTES")
    if datatype not in KNOWN_DATATYPES:
        raise BadRequest(f"input '{name}': there is no datatype {datatype!r}; there is {', '.join(KNOWN_DATATYPES)}")
    if data and all(isinstance(item, list) and len(item) == 1 for item in data):
        data = [item[0] for item in data]
    shape = tensor.get("shape", [len(data)])
    if shape not in ([len(data)], [len(data), 1]):
        raise BadRequest(f"input '{name}': shape {shape} does not fit {len(data)} values, one a row")
    return name, data


def _datatype(classes: tuple[Any, ...]) -> str:
    if not classes:
        return "FP64"
    if isinstance(classes[0], bool):
        return "BOOL"
    return {int: "INT64", float: "FP64"}.get(type(classes[0]), "BYTES")
