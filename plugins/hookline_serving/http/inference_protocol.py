"""The Open Inference Protocol, version 2 (KServe): one tensor a raw column in, predictions and probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException

import hookline
from hookline import Decides, Predictor, TellsSets
from hookline.kinds.fitted import BOUNDS

from .exchange import Item, Question
from .many import HEAVY_BYTES, ROWS_AT_ONCE, at_once, questions
from .reading.cutting import Body
from .reading.faults import TooLarge
from .reading.tensors import asked_in

if TYPE_CHECKING:
    from .arms.traffic import Traffic
    from .service import Service

SET = ("set",)
"""The output that says of each class whether it may be true."""
DATATYPES = {"number": "FP64", "string": "BYTES", "boolean": "BOOL", "datetime": "BYTES"}
"""How each kind of column travels; datetimes as ISO 8601 text."""


def server_metadata() -> dict[str, Any]:
    """Return what the server says of itself."""
    return {"name": "hookline", "version": hookline.__version__, "extensions": ["binary_tensor_data"]}


def model_metadata(service: Service) -> dict[str, Any]:
    """Return the model's inputs and outputs."""
    target = service.predictor.target
    outputs = [{"name": "prediction", "datatype": datatype_of(target.classes), "shape": [-1]}]
    if target.classes:
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(target.classes)]})
    for name in beside_of(service.predictor):
        datatype, shape = ("BOOL", [-1, len(target.classes)]) if target.classes else ("FP64", [-1])
        outputs.append({"name": name, "datatype": datatype, "shape": shape})
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


def service_asked(asked: Mapping[str, str], traffic: Traffic) -> Service:
    """Return who a path names, the version in charge where it names none; raises HTTPException (404) for what is not here."""
    model, live = traffic.live.info["model"], traffic.live
    if asked.get("model", str(model)) != str(model):
        raise HTTPException(404, f"model {asked['model']} is not served here; model {model} is")
    if "version" not in asked:
        return live
    for service in traffic.services():
        if service.info["version"] is not None and asked["version"] == str(service.info["version"]):
            return service
    held = [str(service.info["version"]) for service in traffic.services() if service.info["version"] is not None]
    others = f"version {', '.join(dict.fromkeys(held))}" if held else "a package without a version"
    raise HTTPException(404, f"version {asked['version']} is not served here; {others} is")


async def infer(traffic: Traffic, body: Body, request: str | None = None) -> bytes:
    """Answer an inference request; ids and warnings travel in `parameters`. Raises what `replies.told` tells."""
    room = traffic.live.room
    bounds = room.bounds
    if len(body) > bounds.tensor_bytes:
        size = bounds.tensor_bytes // 1024
        raise TooLarge(f"a body of tensors may be of {size:,} KiB; send fewer rows at a time, or rows to /predict")
    if len(body) > HEAVY_BYTES:
        async with room.heavy:
            return await _infer_in_parts(traffic, body, request)
    if not at_once(traffic, body):
        return await _infer_in_parts(traffic, body, request)
    asked = asked_in(body, bounds.rows)
    rows = [row for _, some in asked.parts(asked.rows) for row in some]
    return msgspec.json.encode(reply_of(traffic, asked.id, await traffic.answer(_read(traffic, request, rows))))


def _read(traffic: Traffic, request: str | None, rows: Sequence[Mapping[str, Any]]) -> Question:
    question = traffic.live.answerer.reader.read(rows)
    return question if request is None else msgspec.structs.replace(question, request=request)


async def _infer_in_parts(traffic: Traffic, body: Body, request: str | None) -> bytes:
    (reply,) = (made for made in await traffic.live.room.in_turns(_replies(traffic, body, request)) if made)
    return reply


def _replies(traffic: Traffic, body: Body, request: str | None) -> Iterator[bytes]:
    """Yield nothing for a while, as each part is answered, and the reply in the end."""
    asked = asked_in(body, traffic.live.room.bounds.rows)
    items: list[Item] = []
    for some in traffic.answer_parts(questions(partial(_read, traffic, request), asked.parts(ROWS_AT_ONCE))):
        items += some
        yield b""
    yield msgspec.json.encode(reply_of(traffic, asked.id, items))


def reply_of(traffic: Traffic, called: Any, items: Sequence[Item]) -> dict[str, Any]:
    """Return what is answered with predictions. called: what the request calls itself"""
    live = traffic.live
    classes = live.predictor.target.classes
    values = [item.prediction for item in items]
    outputs = [{"name": "prediction", "datatype": datatype_of(classes), "shape": [len(items)], "data": values}]
    flat = [chance for item in items if item.probabilities for chance in item.probabilities.values()]
    if flat:
        shape = [len(items), len(classes)]
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": shape, "data": flat})
    for name in BOUNDS if all(item.lower is not msgspec.UNSET for item in items) else ():
        ends = [getattr(item, name) for item in items]
        outputs.append({"name": name, "datatype": "FP64", "shape": [len(items)], "data": ends})
    if all(item.set is not msgspec.UNSET for item in items):
        within = [label in item.set for item in items for label in classes]  # type: ignore[operator]  # as just asked
        outputs.append({"name": "set", "datatype": "BOOL", "shape": [len(items), len(classes)], "data": within})
    parameters: dict[str, Any] = {
        "prediction_ids": [item.id for item in items],
        "warnings": {str(row): item.warnings for row, item in enumerate(items) if item.warnings},
    }
    reply: dict[str, Any] = {"model_name": live.info["model"], "outputs": outputs, "parameters": parameters}
    version = traffic.version_of(items)
    if version:
        reply["model_version"] = str(version)
    elif not traffic.is_one:
        parameters["versions"] = [item.version for item in items]
    if isinstance(called, str):
        reply["id"] = called
    return reply


def beside_of(predictor: Predictor) -> Sequence[str]:
    """Return the outputs that say what else may be true: the bounds of intervals, or the set of classes; empty for none."""
    if isinstance(predictor, TellsSets) and predictor.sets is not None:
        return SET
    return BOUNDS if isinstance(predictor, Decides) and predictor.intervals is not None else ()


def datatype_of(classes: tuple[Any, ...]) -> str:
    """Return how predictions travel: classes as what they are, numbers as FP64."""
    if not classes:
        return "FP64"
    if isinstance(classes[0], bool):
        return "BOOL"
    return {int: "INT64", float: "FP64"}.get(type(classes[0]), "BYTES")
