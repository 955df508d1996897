"""How the tensors of an inference request are read, small and large ones alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hookline_serving.http.reading import tensors
from hookline_serving.http.reading.faults import BadRequest, TooLarge
from hookline_serving.http.reading.tensors import Asked, asked_in

MANY = 10**9


def body_of(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


@pytest.fixture(params=["small", "large"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read a body as a small one, or, whatever its size, as a large one."""
    if request.param == "large":
        monkeypatch.setattr(tensors, "WHOLE_BYTES", 0)
    return lambda body, most=MANY: asked_in(body, most)


def test_tensors_are_rows_some_at_a_time(read: Any) -> None:
    nested = {"name": "b", "datatype": "BYTES", "shape": [3, 1], "data": [["x"], [None], ["a,b]"]]}
    asked: Asked = read(body_of({"name": "a", "data": [1, 2.5, 3]}, nested, id="mine"))
    assert asked.id == "mine"
    assert list(asked.parts(2)) == [
        (0, [{"a": 1, "b": "x"}, {"a": 2.5, "b": None}]),
        (2, [{"a": 3, "b": "a,b]"}]),
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (body_of(*[{"name": "a", "data": [1]}, {"name": "b", "data": [2]}] * 4_000), "input 'a' is given more than once"),
        (body_of({"name": "a", "data": [1]}, {"name": "b", "data": [1, 2]}), "the inputs differ in length"),
        (body_of({"name": "a", "data": "x[1]"}), "each input needs a name"),
        (body_of({"name": 1, "data": [1]}), "each input needs a name"),
        (body_of({"data": [1]}), "each input needs a name"),
        (body_of({"name": "a", "data": []}), "there are no rows"),
        (body_of({"name": "a", "data": [1], "shape": [[]]}), "does not fit 1 values"),
        (body_of({"name": "a", "data": [1], "datatype": []}), "there is no datatype"),
        (b'{"inputs": [{"name": "a", "data": [1}]}', "malformed"),
        (b"[" * 100_000, "inputs|nested"),
        (b"{}", "inputs"),
    ],
)  # fmt: skip
def test_tensors_that_hold_no_rows_are_told(read: Any, body: bytes, told: str) -> None:
    with pytest.raises(BadRequest, match=told) as caught:
        read(body)
    assert len(str(caught.value)) < 500


def test_many_lengths_are_told_in_short(read: Any) -> None:
    body = body_of(*[{"name": f"{number}" * 90, "data": [1] * (1 + number % 2)} for number in range(3_000)])
    with pytest.raises(BadRequest, match="and 2,990 more") as caught:
        read(body)
    assert len(str(caught.value)) < 1_500


def test_more_rows_or_inputs_than_are_taken_are_refused(read: Any) -> None:
    with pytest.raises(TooLarge, match="more than 99 rows"):
        read(body_of({"name": "a", "data": [1] * 100}), 99)
    with pytest.raises(TooLarge, match="more than 10,000 inputs"):
        asked_in(body_of(*[{"name": "a", "data": [1]}] * 20_000), MANY)
