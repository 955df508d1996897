"""Batches in Arrow's stream format: answered as the same rows in JSON are, in either format."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.log import PredictionLog
from hookline_serving.http.reading.unpacked import unpacked_bytes
from hookline_serving.http.routes.arrow import ARROW
from kit.serving import ROW, asking

Ask = Callable[..., httpx.Response]
ROWS = [ROW | {"amount": float(amount % 25), "visits": amount % 9} for amount in range(2_500)]


def stream(frame: pl.DataFrame, **options: Any) -> bytes:
    into = io.BytesIO()
    frame.write_ipc_stream(into, **options)
    return into.getvalue()


def post(ask: Ask, body: bytes, accept: str = ARROW) -> httpx.Response:
    return ask("POST", "/predict", content=body, headers={"content-type": ARROW, "accept": accept})


def test_a_batch_is_answered_in_arrow_as_its_rows_are_in_json(ask: Ask) -> None:
    frame = pl.DataFrame(ROWS)
    told = post(ask, stream(frame))
    assert (told.status_code, told.headers["content-type"]) == (200, ARROW)
    answers = pl.read_ipc_stream(io.BytesIO(told.content))
    own = pl.DataFrame(ask("POST", "/predict", json=ROWS).json()["predictions"])
    assert answers["id"].n_unique() == len(ROWS)
    assert answers["version"].unique().to_list() == [3]
    assert_frame_equal(answers.select("prediction", "probabilities"), own.select("prediction", "probabilities"))
    assert answers["prediction"].n_unique() == 2


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_it_is_answered_in_json_to_whoever_does_not_ask_for_arrow(ask: Ask, accept: str) -> None:
    told = post(ask, stream(pl.DataFrame(ROWS[:3])), accept)
    assert told.headers["content-type"] == "application/json"
    assert [one["prediction"] for one in told.json()["predictions"]] == [
        one["prediction"] for one in ask("POST", "/predict", json=ROWS[:3]).json()["predictions"]
    ]


def test_every_type_of_column_that_can_mean_the_same_does(ask: Ask) -> None:
    plain = pl.DataFrame(ROWS[:40])
    typed = plain.with_columns(
        pl.col("amount").cast(pl.Decimal(10, 2)),
        pl.col("visits").cast(pl.Int8),
        pl.col("plan").cast(pl.Categorical),
        pl.col("joined").str.to_datetime(time_unit="ns").dt.replace_time_zone("UTC"),
    )
    one, other = (pl.read_ipc_stream(io.BytesIO(post(ask, stream(frame)).content)) for frame in (plain, typed))
    assert_frame_equal(one.drop("id"), other.drop("id"))
    squeezed = post(ask, stream(plain, compression="zstd"))
    assert_frame_equal(pl.read_ipc_stream(io.BytesIO(squeezed.content)).drop("id"), one.drop("id"))


def test_warnings_and_problems_are_told_by_row(ask: Ask) -> None:
    odd = pl.DataFrame([ROW, ROW | {"amount": 1e6}])
    warned = pl.read_ipc_stream(io.BytesIO(post(ask, stream(odd)).content))["warnings"].to_list()
    assert (warned[0], len(warned[1])) == ([], 1)
    wrong = pl.DataFrame(ROWS[:1_200]).with_columns(active=pl.lit("maybe"))
    told = post(ask, stream(wrong))
    assert told.status_code == 422
    assert told.json()["error"].startswith("over 1,000 values do not fit")
    assert told.json()["problems"][99]["row"] == 99


def test_a_batch_is_on_record_as_it_came(predictor: hl.Predictor, tmp_path: Path) -> None:
    record = PredictionLog.open(tmp_path)
    desk = desk_of(predictor, {"model": "churn", "version": 3, "format": "onnx"}, record, Bounds())
    with asking(app_of(desk)) as ask:
        body, headers = (
            stream(pl.DataFrame(ROWS[:1_500])),
            {"content-type": ARROW, "accept": ARROW, "x-request-id": "batch"},
        )
        answers = pl.read_ipc_stream(io.BytesIO(ask("POST", "/predict", content=body, headers=headers).content))
    desk.close()
    (path,) = tmp_path.glob("*.ndjson")
    records = pl.read_ndjson(path)
    assert records["id"].to_list() == answers["id"].to_list()
    assert records["row"].to_list() == ROWS[:1_500]
    assert records["request"].unique().to_list() == ["batch"]


def test_too_many_rows_are_refused_before_they_are_read(ask: Ask) -> None:
    told = post(ask, stream(pl.DataFrame(ROWS * 3), compression="zstd"))
    assert told.json() == {"error": "the body holds more than 5,000 rows; send fewer at a time"}
    assert told.status_code == 413
    assert post(ask, b"\xff" * 4_200_000).status_code == 413


def test_whatever_is_broken_in_a_stream_is_told(ask: Ask) -> None:
    whole, chance = stream(pl.DataFrame(ROWS[:20])), random.Random(0)
    assert post(ask, stream(pl.DataFrame(ROWS[:0]))).json() == {"error": "there are no rows to predict"}
    for _ in range(60):
        at, size = chance.randrange(len(whole)), chance.randrange(1, 9)
        told = post(ask, whole[:at] + chance.randbytes(size) + whole[at + chance.choice((0, size, 400)) :])
        assert told.status_code in (200, 400, 413, 422), told.text
    for cut in (1, 8, len(whole) // 2):
        assert post(ask, whole[:cut]).status_code == 400
    assert post(ask, b'{"rows": []}').status_code == 400


MUCH = "the table takes more than 32 MiB once it is unpacked; send fewer rows at a time"
NESTED = "a column holds lists or records of categories; send them as texts"


@pytest.mark.parametrize(
    ("dtype", "codec", "said"),
    [
        (pl.String, "zstd", (413, MUCH)),
        (pl.String, "lz4", (413, MUCH)),
        (pl.Categorical, "uncompressed", (413, MUCH)),
        (pl.List(pl.Categorical), "uncompressed", (400, NESTED)),
    ],
    ids=["zstd", "lz4", "categories", "lists of categories"],
)  # fmt: skip
def test_a_small_body_that_holds_much_is_refused(ask: Ask, dtype: Any, codec: str, said: tuple[int, str]) -> None:
    more = pl.Series(["x" * 30_000] * 2_000)
    more = more.cast(pl.Categorical).reshape((-1, 1)).arr.to_list() if dtype == pl.List else more.cast(dtype)
    body = stream(pl.DataFrame(ROWS[:2_000]).with_columns(more=more), compression=codec)
    told = post(ask, body)
    assert len(body) < 1_000_000
    assert (told.status_code, told.json()) == (said[0], {"error": said[1]})


def test_the_size_of_what_is_compressed_is_known_without_unpacking_it() -> None:
    frame = pl.DataFrame({"a": ["x" * 1_000] * 30_000, "b": [1.0] * 30_000})
    for codec in ("zstd", "lz4"):
        assert 30_000_000 < unpacked_bytes(stream(frame, compression=codec)) < 32_500_000
    assert unpacked_bytes(stream(frame)) == 0
    huge = bytearray(stream(frame, compression="zstd", compat_level=pl.CompatLevel.oldest()))
    place = huge.index(struct.pack("<q", 30_000_000))
    huge[place : place + 8] = struct.pack("<q", 2**40)
    assert unpacked_bytes(huge) > 2**40
