"""Tensors as bytes: to Triton's own client, and as the Binary Tensor Data extension has them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

import hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from kit.serving import ROW, listening

Ask = Callable[..., httpx.Response]
INFER = "/v2/models/churn/infer"
TYPES = {"amount": "FP64", "visits": "INT32", "plan": "BYTES", "active": "BOOL", "joined": "BYTES"}
NUMPY: dict[str, Any] = {"FP64": np.float64, "INT32": np.int32, "BYTES": object, "BOOL": np.bool_}
ROWS = [ROW | {"amount": float(amount)} for amount in (4, 13, 20)]


def body_of(rows: list[dict[str, Any]], **more: Any) -> tuple[bytes, dict[str, str]]:
    """Return a request whose inputs are all bytes, and its headers."""
    inputs, parts = [], []
    for name, datatype in TYPES.items():
        values = [row[name] for row in rows]
        if datatype == "BYTES":
            part = b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in values)
        else:
            part = np.array(values, NUMPY[datatype]).tobytes()
        size = {"binary_data_size": len(part)}
        inputs.append({"name": name, "datatype": datatype, "shape": [len(rows)], "parameters": size})
        parts.append(part)
    head = json.dumps({"inputs": inputs, **more}).encode()
    return head + b"".join(parts), {"inference-header-content-length": str(len(head))}


def post(ask: Ask, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return ask("POST", INFER, content=body, headers=headers)


@pytest.fixture(scope="module")
def url(predictor: hl.Predictor) -> Iterator[str]:
    with listening(
        app_of(desk_of(predictor, {"model": "churn", "version": 3, "format": "onnx"}, None, Bounds()))
    ) as address:
        yield address


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "json"])
@pytest.mark.parametrize("rows", [3, 3_000])
def test_the_client_of_triton_is_answered(url: str, binary: bool, rows: int) -> None:
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("churn", "3")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert [one["name"] for one in client.get_model_metadata("churn")["inputs"]] == [*ROW]
    table = (ROWS * rows)[:rows]
    inputs = []
    for name, datatype in TYPES.items():
        values = np.array([row[name] for row in table], NUMPY[datatype])
        inputs.append(triton.InferInput(name, [rows], datatype).set_data_from_numpy(values, binary_data=binary))
    everything = client.infer("churn", inputs, request_id="mine")
    own = httpx.post(f"{url}/predict", json=table, timeout=20).json()["predictions"]
    assert everything.as_numpy("prediction").astype(str).tolist() == [one["prediction"] for one in own]
    chances = [[*one["probabilities"].values()] for one in own]
    np.testing.assert_allclose(everything.as_numpy("probabilities"), chances, rtol=0, atol=1e-6)
    assert everything.get_response()["id"] == "mine"
    only = [triton.InferRequestedOutput("probabilities", binary_data=not binary)]
    told = client.infer("churn", inputs, model_version="3", outputs=only)
    assert [output["name"] for output in told.get_response()["outputs"]] == ["probabilities"]
    np.testing.assert_allclose(told.as_numpy("probabilities"), chances, rtol=0, atol=1e-6)
    with pytest.raises(triton.InferenceServerException, match="there is no output 'chances'"):
        client.infer("churn", inputs, outputs=[triton.InferRequestedOutput("chances")])
    with pytest.raises(triton.InferenceServerException, match="model other is not served here"):
        client.infer("other", inputs)
    client.close()


def test_bytes_come_to_the_same_as_json(ask: Ask) -> None:
    told = post(ask, *body_of(ROWS)).json()
    inputs = [
        {"name": name, "datatype": kind, "shape": [3], "data": [row[name] for row in ROWS]}
        for name, kind in TYPES.items()
    ]
    own = ask("POST", INFER, json={"inputs": inputs}).json()
    assert told["outputs"] == own["outputs"]
    assert len(told["parameters"]["prediction_ids"]) == 3


def test_what_is_no_number_in_a_tensor_is_missing(ask: Ask) -> None:
    told = post(ask, *body_of([ROW | {"amount": float("nan")}]))
    own = ask("POST", "/predict", json=ROW | {"amount": None}).json()["predictions"][0]
    assert told.json()["outputs"][0]["data"] == [own["prediction"]]


def test_one_output_may_be_bytes_and_another_json(ask: Ask) -> None:
    outputs = [{"name": "probabilities"}, {"name": "prediction", "parameters": {"binary_data": True}}]
    told = post(ask, *body_of(ROWS, outputs=outputs))
    size = int(told.headers["inference-header-content-length"])
    head = json.loads(told.content[:size])
    chances, answers = head["outputs"]
    assert told.headers["content-type"] == "application/octet-stream"
    assert (len(chances["data"]), "data" in answers) == (6, False)
    assert answers["parameters"]["binary_data_size"] == len(told.content) - size
    assert told.content[size:].startswith(b"\x02\x00\x00\x00no")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body, headers: (body + b"x", headers), "1 bytes behind the JSON belong to no input"),
        (lambda body, headers: (body[:-1], headers), "binary_data_size must be a number up to"),
        (lambda body, headers: (body, {"inference-header-content-length": "9" * 5_000}), "must be a number up to"),
        (lambda body, headers: (body, {"inference-header-content-length": "-1"}), "must be a number up to"),
        (lambda body, headers: (body, {"inference-header-content-length": "10"}), ""),
        (lambda body, headers: (body.replace(b"FP64", b"BF16"), headers), "there is no datatype 'BF16' as bytes"),
        (lambda body, headers: (body.replace(b"gold", b"\xff\xfe\xff\xfe"), headers), "a value of BYTES is not UTF-8"),
        (lambda body, headers: (body.replace(b"\x04\x00\x00\x00gold", b"\x05\xff\x00\x00gold"), headers), "is longer than"),
        (lambda body, headers: (body.replace(b'"shape": [3]', b'"shape": [4]'), headers), "does not fit 3 values"),
        (lambda body, headers: (body.replace(b'"INT32"', b'"INT64"'), headers), "12 bytes are no whole number of INT64"),
    ],
)  # fmt: skip
def test_bytes_that_do_not_fit_are_told(ask: Ask, change: Any, said: str) -> None:
    told = post(ask, *change(*body_of(ROWS)))
    assert told.status_code == 400
    assert said in told.json()["error"]


def test_outputs_that_are_none_are_told(ask: Ask) -> None:
    inputs = [{"name": name, "data": [value]} for name, value in ROW.items()]
    for outputs in (5, [5], [{"name": 5}], [{}]):
        told = ask("POST", INFER, json={"inputs": inputs, "outputs": outputs})
        assert (told.status_code, told.json()["error"]) == (400, 'outputs must be [{"name": ...}, ...]')


def test_whatever_is_broken_in_a_body_is_told(ask: Ask) -> None:
    (whole, headers), chance = body_of(ROWS * 10, parameters={"binary_data_output": True}), random.Random(0)
    for _ in range(80):
        at = chance.randrange(len(whole))
        told = post(ask, whole[:at] + chance.randbytes(3) + whole[at + chance.choice((0, 3, 9)) :], headers)
        assert told.status_code in (200, 400, 413, 422), told.text
