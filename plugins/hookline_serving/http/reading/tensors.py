"""Reads the tensors of an inference request: one a raw column, (n,) or (n, 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from ..rows import decoded
from .cutting import WHOLE_BYTES, Body, check_count, values_in
from .faults import BadRequest, TooLarge

KNOWN_DATATYPES = (
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES",
)  # fmt: skip
"""The protocol's own; the values themselves decide whether they fit the model."""
MOST_TENSORS = 10_000
MOST_TOLD = 10
MOST_SAID_BYTES = 1024
"""Of what a tensor says of itself."""
NO_INPUTS = 'the body must be {"inputs": [{"name": ..., "datatype": ..., "shape": [n], "data": [...]}, ...]}'
NO_TENSOR = "each input needs a name (a string) and data (a list)"


class Asked(NamedTuple):
    """What an inference request holds: values by column, all of one length, and what it calls itself."""

    columns: Mapping[str, Sequence[Any]]
    id: Any

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values())))

    def parts(self, size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield rows, so many at a time, with how many come before them."""
        rows = zip(*self.columns.values(), strict=True)
        for start in range(0, self.rows, size):
            yield start, [dict(zip(self.columns, values, strict=True)) for values in islice(rows, size)]


def asked_in(body: Body, most_rows: int) -> Asked:
    """Return what a body asks; raises BadRequest, or TooLarge for more rows than are taken at a time."""
    return asked_of(*(_few(body) if len(body) <= WHOLE_BYTES else _many(body, most_rows)), most_rows)


def asked_of(tensors: Sequence[Any], called: Any, most_rows: int) -> Asked:
    """Return what tensors ask that were decoded already; raises as above. called: what the request calls itself"""
    if not tensors:
        raise BadRequest(NO_INPUTS)
    named = [_column(tensor) for tensor in tensors]
    columns = dict(named)
    if len(columns) < len(named):
        twice, _ = Counter(name for name, _ in named).most_common(1)[0]
        raise BadRequest(f"input '{_short(twice)}' is given more than once")
    _check_lengths({name: len(data) for name, data in columns.items()})
    asked = Asked(columns, called)
    check_count(asked.rows, most_rows)
    return asked


class _Tensor(msgspec.Struct):
    """A tensor, not all of which is read yet."""

    name: str
    data: msgspec.Raw
    datatype: msgspec.Raw = msgspec.Raw(b'"BYTES"')
    shape: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Body(msgspec.Struct):
    inputs: list[_Tensor]
    id: msgspec.Raw = msgspec.Raw(b"null")


BODY = msgspec.json.Decoder(_Body)


def _few(body: Body) -> tuple[list[Any], Any]:
    given = decoded(body)
    tensors = given.get("inputs") if isinstance(given, dict) else None
    if not isinstance(tensors, list):
        raise BadRequest(NO_INPUTS)
    return tensors, given.get("id")


def _many(body: Body, most_rows: int) -> tuple[list[Any], Any]:
    """Return the tensors of a large body, whose values are read some at a time."""
    if body.count(b'"data"') > MOST_TENSORS:
        raise TooLarge(f"the body holds more than {MOST_TENSORS:,} inputs")
    try:
        given = BODY.decode(body)
    except msgspec.ValidationError:
        raise BadRequest(f"{NO_TENSOR}; {NO_INPUTS}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(str(error)) from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    return [_read(tensor, most_rows) for tensor in given.inputs], _said(given.id)


def _read(tensor: _Tensor, most_rows: int) -> dict[str, Any]:
    data = bytes(tensor.data).lstrip()
    if not data.startswith(b"["):
        raise BadRequest(NO_TENSOR)
    read = {"name": tensor.name, "data": values_in(data, most_rows), "datatype": _said(tensor.datatype)}
    return read if isinstance(tensor.shape, msgspec.UnsetType) else read | {"shape": _said(tensor.shape)}


def _said(raw: msgspec.Raw) -> Any:
    text = bytes(raw)
    if len(text) > MOST_SAID_BYTES:
        raise TooLarge(f"an id, datatype or shape is larger than {MOST_SAID_BYTES} bytes")
    return decoded(text)


def _column(tensor: Any) -> tuple[str, list[Any]]:
    if (
        not isinstance(tensor, dict)
        or not isinstance(tensor.get("name"), str)
        or not isinstance(tensor.get("data"), list)
    ):
        raise BadRequest(NO_TENSOR)
    name, data, datatype = tensor["name"], tensor["data"], tensor.get("datatype", "BYTES")
    called = f"input '{_short(name)}'"
    if datatype not in KNOWN_DATATYPES:
        raise BadRequest(
            f"{called}: there is no datatype {_short(repr(datatype))}; there is {', '.join(KNOWN_DATATYPES)}"
        )
    if data and all(isinstance(item, list) and len(item) == 1 for item in data):
        data = [item[0] for item in data]
    shape = tensor.get("shape", [len(data)])
    if shape not in ([len(data)], [len(data), 1]):
        raise BadRequest(f"{called}: shape {_short(repr(shape))} does not fit {len(data)} values, one a row")
    return name, data


def _check_lengths(sizes: Mapping[str, int]) -> None:
    if len(set(sizes.values())) != 1:
        told = {_short(name): size for name, size in islice(sizes.items(), MOST_TOLD)}
        more = f" and {len(sizes) - MOST_TOLD:,} more" if len(sizes) > MOST_TOLD else ""
        raise BadRequest(f"the inputs differ in length: {told}{more}")
    if not next(iter(sizes.values())):
        raise BadRequest("there are no rows to predict")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
