"""The Binary Tensor Data extension of the Open Inference Protocol: values as bytes behind the JSON, in and out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..inference_protocol import beside_of, infer, reply_of
from ..many import ROWS_AT_ONCE, at_once
from ..reading.faults import BadRequest
from ..reading.tensors import NO_INPUTS, asked_of
from ..replies import Reply
from ..rows import decoded
from .asked import Asked
from .batches import Rows, answered, check_size, read_rows

if TYPE_CHECKING:
    from ..arms.traffic import Traffic
    from ..exchange import Item

LENGTH = "inference-header-content-length"
OCTETS = b"application/octet-stream"
NUMPY = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
"""How numpy calls the datatypes, of which the bytes are little-endian; BYTES has a length of 4 bytes before each value."""
PREFIX = 4


async def infer_any(traffic: Traffic, asked: Asked) -> Reply:
    """Answer an inference request, with tensors as JSON or as bytes; raises what `replies.told` tells."""
    if LENGTH not in asked.headers and b'"binary_data' not in asked.body and b'"outputs"' not in asked.body:
        return Reply(await infer(traffic, asked.body, asked.request))
    check_size(traffic, asked.body)
    request = _Request(traffic, asked)
    if at_once(traffic, asked.body):
        rows = [row for _, some in request.read() for row in some]
        body = request.encode(await traffic.answer(read_rows(traffic, asked.request, rows)))
    else:
        body = await answered(traffic, asked, request.read, request.encode)
    if request.head_bytes is None:
        return Reply(body)
    return Reply(body, OCTETS, [(LENGTH.encode(), b"%d" % request.head_bytes)])


class _Request:
    """One request: read first, then encoded as it asks to be answered."""

    def __init__(self, traffic: Traffic, asked: Asked) -> None:
        self._traffic, self._asked = traffic, asked
        self._given: Mapping[str, Any] = {}
        self.head_bytes: int | None = None
        """Of the answer: how many bytes of JSON it begins with, where others follow."""

    def read(self) -> Rows:
        """Return the rows; raises BadRequest, or TooLarge."""
        body = self._asked.body
        size = _head_bytes(self._asked.headers.get(LENGTH), len(body))
        given = decoded(bytes(body[:size]))
        tensors = given.get("inputs") if isinstance(given, dict) else None
        if not isinstance(tensors, list):
            raise BadRequest(NO_INPUTS)
        self._given = given
        # Before anything is predicted, since what is on record is answered.
        live = self._traffic.live.predictor
        known = ["prediction", *(["probabilities"] if live.target.classes else []), *beside_of(live)]
        _check_outputs(given.get("outputs", []), known)
        asked = asked_of(_whole(tensors, memoryview(body)[size:]), given.get("id"), self._traffic.live.room.bounds.rows)
        return asked.parts(ROWS_AT_ONCE)

    def encode(self, items: Sequence[Item]) -> bytes:
        """Return the answer."""
        reply = reply_of(self._traffic, self._given.get("id"), items)
        wanted = {output["name"]: _says(output, "binary_data") for output in self._given.get("outputs") or ()}
        reply["outputs"] = _chosen(reply["outputs"], wanted)
        every = bool(_says(self._given, "binary_data_output"))
        parts: list[bytes] = []
        for output in reply["outputs"]:
            own = wanted.get(output["name"])
            if own if own is not None else every:
                parts.append(_bytes_of(output.pop("data"), output["datatype"]))
                output["parameters"] = {"binary_data_size": len(parts[-1])}
        head = msgspec.json.encode(reply)
        self.head_bytes = len(head) if parts else None
        return b"".join([head, *parts])


def _head_bytes(said: str | None, size: int) -> int:
    if said is None:
        return size
    if not said.isdecimal() or len(said) > len(str(size)) or int(said) > size:
        raise BadRequest(f"Inference-Header-Content-Length must be a number up to {size}, the size of the body")
    return int(said)


def _check_outputs(outputs: Any, known: Sequence[str]) -> None:
    if not isinstance(outputs, list) or not all(
        isinstance(output, dict) and isinstance(output.get("name"), str) for output in outputs
    ):
        raise BadRequest('outputs must be [{"name": ...}, ...]')
    unknown = [output["name"] for output in outputs if output["name"] not in known]
    if unknown:
        raise BadRequest(f"there is no output '{unknown[0][:60]}'; there is {', '.join(known)}")


def _chosen(outputs: Sequence[dict[str, Any]], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs that are asked for, in the order asked; all where none is."""
    held = {output["name"]: output for output in outputs}
    return [held[name] for name in wanted or held if name in held]


def _says(given: Any, name: str) -> Any:
    """Return a parameter of a request, tensor or output; None where it has not that one."""
    parameters = given.get("parameters") if isinstance(given, dict) else None
    return parameters.get(name) if isinstance(parameters, dict) else None


def _whole(tensors: Sequence[Any], data: memoryview) -> list[Any]:
    """Return tensors with the values that came as bytes, in their order; raises BadRequest where there are not as many."""
    start = 0
    whole: list[Any] = []
    for tensor in tensors:
        size = _says(tensor, "binary_data_size")
        if size is None:
            whole.append(tensor)
            continue
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(data) - start:
            raise BadRequest(f"binary_data_size must be a number up to {len(data) - start}, the bytes that are left")
        values = _values(data[start : start + size], tensor.get("datatype"))
        whole.append({**tensor, "data": values})
        start += size
    if start != len(data):
        raise BadRequest(f"{len(data) - start} bytes behind the JSON belong to no input")
    return whole


def _values(data: memoryview, datatype: Any) -> list[Any]:
    import numpy as np

    if datatype == "BYTES":
        return [*_texts(data)]
    kind = np.dtype(NUMPY[datatype]) if isinstance(datatype, str) and datatype in NUMPY else None
    if kind is None:
        raise BadRequest(f"there is no datatype {str(datatype)[:60]!r} as bytes; there is {', '.join(NUMPY)}, BYTES")
    if len(data) % kind.itemsize:
        raise BadRequest(f"{len(data)} bytes are no whole number of {datatype}")
    # What is missing is NaN in a tensor of numbers, and null in a row.
    return [None if value != value else value for value in np.frombuffer(data, kind).tolist()]


def _texts(data: memoryview) -> Iterable[str]:
    start = 0
    while start < len(data):
        end = start + PREFIX + int.from_bytes(data[start : start + PREFIX], "little")
        if len(data) - start < PREFIX or end > len(data):
            raise BadRequest("a value of BYTES is longer than the bytes that are left")
        try:
            yield str(data[start + PREFIX : end], "utf-8")
        except UnicodeDecodeError:
            raise BadRequest("a value of BYTES is not UTF-8") from None
        start = end


def _bytes_of(values: Sequence[Any], datatype: str) -> bytes:
    import numpy as np

    if datatype != "BYTES":
        return np.array(values, NUMPY[datatype]).tobytes()
    texts = [str(value).encode() for value in values]
    return b"".join(part for text in texts for part in (len(text).to_bytes(PREFIX, "little"), text))
