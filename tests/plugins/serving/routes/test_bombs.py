"""Small bodies that would unpack to very much: refused by what they tell of themselves, before any of it is held."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Callable

import httpx
import polars as pl
import pytest

import hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.reading.faults import BadRequest
from hookline_serving.http.reading.pages import size_of, values_of
from hookline_serving.http.reading.unpacked import values_in
from hookline_serving.http.routes.arrow import ARROW
from kit.serving import ROW

Ask = Callable[..., httpx.Response]
PARQUET = "application/vnd.apache.parquet"
MUCH = "the table takes more than 32 MiB once it is unpacked; send fewer rows at a time"
SOME = pl.DataFrame(
    {
        "number": range(3_000),
        "text": [str(place) for place in range(3_000)],
        "listed": [[1, 2]] * 3_000,
        "both": [{"x": 1.0, "y": None}] * 3_000,
    }
)


def arrow(frame: pl.DataFrame) -> bytes:
    into = io.BytesIO()
    frame.write_ipc_stream(into)
    return into.getvalue()


def parquet(frame: pl.DataFrame, **options: object) -> bytes:
    into = io.BytesIO()
    frame.write_parquet(into, **options)  # type: ignore[call-overload]
    return into.getvalue()


BOMBS: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "Arrow, columns of nothing": (
        "/predict",
        ARROW,
        lambda: arrow(pl.DataFrame({f"c{place}": pl.Series([None] * 5_000, dtype=pl.Null) for place in range(1_000)})),
    ),
    "Arrow, lists of nothing": (
        "/predict",
        ARROW,
        lambda: arrow(pl.DataFrame({"a": pl.Series([[None] * 100_000] * 100, dtype=pl.List(pl.Null))})),
    ),
    "Arrow, arrays of nothing": (
        "/predict",
        ARROW,
        lambda: arrow(pl.DataFrame({"a": pl.Series([[None] * 100_000] * 100, dtype=pl.Array(pl.Null, 100_000))})),
    ),
    "Parquet, one number again and again": (
        "/invocations",
        PARQUET,
        lambda: parquet(pl.select(*(pl.repeat(1.0, 5_000).alias(f"c{place}") for place in range(900)))),
    ),
    "Parquet, lists of one number": (
        "/invocations",
        PARQUET,
        lambda: parquet(pl.DataFrame({"a": pl.Series([[1.0] * 100_000]).new_from_index(0, 100)})),
    ),
    "Parquet, texts that begin alike": (
        "/invocations",
        PARQUET,
        lambda: parquet(pl.DataFrame({"a": [f"{'x' * 20_000}{place}" for place in range(2_000)]})),
    ),
    "CSV, lines shorter than the header": (
        "/invocations",
        "text/csv",
        lambda: (",".join(f"c{place}" for place in range(20_000)) + "\n" + "1\n" * 4_000).encode(),
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_body_that_holds_very_much_is_refused_unread(
    ask: Ask, bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, media, made = BOMBS[bomb]
    body = made()
    assert len(body) < 1_000_000
    read: list[str] = []
    for name in ("read_ipc_stream", "read_parquet", "read_csv"):
        monkeypatch.setattr(pl, name, lambda *_, name=name, **__: read.append(name))
    told = ask("POST", path, content=body, headers={"content-type": media})
    assert (told.status_code, told.json(), read) == (413, {"error": MUCH}, [])


@pytest.mark.parametrize(
    ("path", "media", "pack"),
    [("/predict", ARROW, arrow), ("/invocations", PARQUET, parquet)],
    ids=["Arrow", "Parquet"],
)
def test_of_small_bodies_that_hold_much_there_is_one_at_a_time(
    predictor: hl.Predictor, path: str, media: str, pack: Callable[..., bytes]
) -> None:
    held = {"now": 0, "most": 0}

    class Watched(asyncio.Semaphore):
        async def __aenter__(self) -> None:
            await super().__aenter__()
            held["now"] += 1
            held["most"] = max(held.values())

        async def __aexit__(self, *raised: object) -> None:
            held["now"] -= 1
            await super().__aexit__(*raised)

    desk = desk_of(predictor, {"model": "churn", "version": 3, "format": "onnx"}, None, Bounds(rows=5_000))
    desk.room.heavy = Watched(1)
    wide = pl.DataFrame([ROW] * 700).with_columns(
        pl.repeat(None, 700, dtype=pl.Null).alias(f"c{n}") for n in range(400)
    )
    bodies = [pack(pl.DataFrame([ROW])), *[pack(wide)] * 3]

    async def ask_all() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app_of(desk)), base_url="http://m") as client:
            asked = [client.post(path, content=body, headers={"content-type": media}) for body in bodies]
            return [told.status_code for told in await asyncio.gather(*asked)]

    assert all(len(body) < 400_000 for body in bodies)
    assert asyncio.run(ask_all()) == [200] * 4
    desk.close()
    assert held == {"now": 0, "most": 1}


@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "lz4", "uncompressed"])
def test_the_size_of_a_parquet_file_is_known_without_unpacking_it(codec: str) -> None:
    for group in (None, 700):
        found = size_of(parquet(SOME, compression=codec, row_group_size=group))
        assert found.rows == 3_000
        # Of pages and of levels there may be somewhat more than of what they hold.
        assert 0.9 * SOME.estimated_size() < found.bytes < 2.5 * SOME.estimated_size()


def test_each_value_of_a_stream_counts_those_within_lists_and_records_too() -> None:
    # Lists and records are values, too: 3,000 of number, text, listed and both, two within each list and each record.
    assert values_in(arrow(SOME)) == 3_000 * (4 + 2 + 2)
    assert values_in(arrow(pl.DataFrame({"a": ["x", "y", "x"]}, schema={"a": pl.Categorical}))) == 3 + 2


def test_what_is_broken_in_a_parquet_file_is_told(ask: Ask) -> None:
    whole, chance = parquet(pl.DataFrame([ROW] * 20)), random.Random(0)
    assert ask("POST", "/invocations", content=whole, headers={"content-type": PARQUET}).status_code == 200
    for _ in range(60):
        at, size = chance.randrange(len(whole)), chance.randrange(1, 9)
        broken = whole[:at] + chance.randbytes(size) + whole[at + size :]
        told = ask("POST", "/invocations", content=broken, headers={"content-type": PARQUET})
        assert told.status_code in (200, 400, 413, 422), told.text
    for cut in (1, 12, len(whole) // 2):
        with pytest.raises(BadRequest, match="not a Parquet file"):
            size_of(whole[:cut])
    with pytest.raises(BadRequest, match="not a Parquet file"):
        size_of(b"PAR1" + b"\x1c" * 5_000 + (5_000).to_bytes(4, "little") + b"PAR1")


def test_values_that_are_told_by_the_one_before_are_not_read() -> None:
    assert values_of({1: 0, 2: 9, 3: 9, 5: {1: 10, 2: 0}}) == values_of({1: 3, 2: 9, 3: 9, 8: {1: 10, 4: 0}}) == 10
    for head in ({5: {1: 10, 2: 7}}, {8: {1: 10, 4: 7}}):
        with pytest.raises(BadRequest, match="DELTA_BYTE_ARRAY"):
            values_of(head)
