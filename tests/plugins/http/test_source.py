"""Rows of a real HTTP server: of every format and way of paging, typed as a file's are, and whole in spite of what breaks."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hookline.errors import DataError
from hookline.testing import checks_for
from hookline_http import HttpSource
from hookline_polars import FileSource
from kit.apis import Api, Asked, Reply
from kit.tables import rows_of

Serve = Callable[[Callable[[Asked], Reply]], Api]
ROWS = [{"id": n, "name": f"n{n}", "pay": n / 4, "left": n % 2 == 0} for n in range(10)]
TABLE = pl.DataFrame(ROWS)


def parquet() -> bytes:
    held = io.BytesIO()
    TABLE.write_parquet(held)
    return held.getvalue()


FORMATS = {
    "json": (Reply.of(ROWS).body, "application/json"),
    "ndjson": (TABLE.write_ndjson().encode(), "application/x-ndjson"),
    "csv": (TABLE.write_csv().encode(), "text/csv; charset=utf-8"),
    "parquet": (parquet(), "application/octet-stream"),
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_rows(form: str, serve: Serve) -> None:
    body, kind = FORMATS[form]
    api = serve(lambda _: Reply(body, kind))
    assert rows_of(HttpSource(url=f"{api.url}/rows.{form}")).equals(TABLE)


def paged(asked: Asked) -> Reply:
    """Answer three rows at a time, whichever way the next are asked for."""
    told = asked.parameters
    if asked.path == "/page":
        return Reply.of(ROWS[(int(told["page"]) - 1) * 3 :][:3])
    if asked.path == "/offset":
        return Reply.of({"data": {"items": ROWS[int(told["skip"]) :][: int(told["limit"])]}})
    at = int(told.get("cursor", 0))
    more = str(at + 3) if at + 3 < len(ROWS) else None
    if asked.path == "/cursor":
        return Reply.of({"rows": ROWS[at : at + 3], "meta": {"next": more}})
    link = {"Link": f'</link?cursor={more}>; rel="next"'} if more else {}
    return Reply.of(ROWS[at : at + 3], headers=link)


@pytest.mark.parametrize(
    ("way", "fields", "requests"),
    [
        ("page", {}, 5),
        ("offset", {"page_parameter": "skip", "parameters": {"limit": 4}, "records": "data.items"}, 4),
        ("cursor", {"cursor": "meta.next", "records": "rows"}, 4),
        ("link", {}, 4),
    ],
)
def test_pages_are_read_to_the_last_one(way: str, fields: dict[str, Any], requests: int, serve: Serve) -> None:
    api = serve(paged)
    assert rows_of(HttpSource(url=f"{api.url}/{way}", paging=way, **fields)).equals(TABLE)
    assert len(api.asked) == requests


@pytest.mark.parametrize("path", ["", "/v1/rows", "/v1/rows/"])
@pytest.mark.parametrize("second", ["/9j/4AAQ", "http-9", "?9", "//9"])
def test_a_cursor_may_begin_with_a_slash(path: str, second: str, serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        here = asked.parameters.get("cursor")
        return Reply.of({"rows": [{"x": here}], "next": second if here is None else None})

    source = HttpSource(url=f"{serve(answer).url}{path}", paging="cursor", cursor="next", records="rows")
    assert rows_of(source)["x"].to_list() == [None, second]


@pytest.mark.parametrize(
    ("path", "second"),
    [("/v1/rows", "/v1/rows?at=2"), ("/v1/rows", "/v1/rows/2"), ("/v1/rows/", "/v1/rows/?at=2"), ("", "/?at=2")],
)
def test_the_next_page_may_be_a_path_that_goes_on_from_the_first(path: str, second: str, serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        last = asked.number > 0
        return Reply.of({"rows": [{"x": asked.number}], "next": None if last else second})

    api = serve(answer)
    source = HttpSource(url=f"{api.url}{path}", paging="cursor", cursor="next", records="rows")
    assert rows_of(source).height == 2
    assert f"{api.asked[1].path}?{api.asked[1].query}".rstrip("?") == second


def test_the_last_of_many_pages_may_leave_the_cursor_out(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply.of({"rows": [{"x": asked.number}], **({"next": "b"} if asked.number == 0 else {})})

    source = HttpSource(url=serve(answer).url, paging="cursor", cursor="next", records="rows")
    assert rows_of(source)["x"].to_list() == [0, 1]


def test_nan_in_json_is_a_missing_value(serve: Serve) -> None:
    api = serve(lambda _: Reply(b'[{"x": NaN, "y": "NaN"}, {"x": 1.5, "y": "b"}]'))
    assert rows_of(HttpSource(url=api.url)).rows() == [(None, "NaN"), (1.5, "b")]


def test_a_type_is_found_from_all_pages(serve: Serve) -> None:
    pages = [[{"x": 1, "y": None}], [{"x": 2.5, "y": "a"}], []]
    api = serve(lambda asked: Reply.of(pages[int(asked.parameters["page"]) - 1]))
    assert rows_of(HttpSource(url=api.url, paging="page")).rows() == [(1.0, None), (2.5, "a")]


def test_a_download_that_breaks_goes_on_where_it_broke(serve: Serve) -> None:
    body, tag = TABLE.write_csv().encode(), '"one"'

    def answer(asked: Asked) -> Reply:
        headers = {"ETag": tag}
        if asked.headers.get("if-range") == tag:
            start = int(asked.headers["range"].removeprefix("bytes=").rstrip("-"))
            told = headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            return Reply(body[start:], "text/csv", 206, told)
        return Reply(body, "text/csv", headers=headers, cut=50)

    api = serve(answer)
    assert rows_of(HttpSource(url=api.url)).equals(TABLE)
    assert [asked.headers.get("range") for asked in api.asked] == [None, "bytes=50-"]


def test_a_download_that_breaks_begins_anew_where_the_file_has_changed(serve: Serve) -> None:
    old, new = (TABLE.head(n).write_csv().encode() for n in (9, 10))

    def answer(asked: Asked) -> Reply:
        first = asked.number == 0
        return Reply(old if first else new, "text/csv", headers={"ETag": f'"{first}"'}, cut=50 if first else None)

    assert rows_of(HttpSource(url=serve(answer).url)).equals(TABLE)


def test_a_server_that_cannot_give_the_rest_is_asked_for_all(serve: Serve) -> None:
    body = TABLE.write_csv().encode()

    def answer(asked: Asked) -> Reply:
        if "range" in asked.headers:
            return Reply(status=416)
        return Reply(body, "text/csv", headers={"ETag": '"a"'}, cut=50 if asked.number == 0 else None)

    api = serve(answer)
    assert rows_of(HttpSource(url=api.url)).equals(TABLE)
    assert len(api.asked) == 3


def test_the_query_of_a_url_is_sent_as_it_stands(serve: Serve) -> None:
    api = serve(lambda asked: Reply.of(ROWS) if asked.query == "sig=a%2Bb%20c&x=/" else Reply(status=403))
    assert rows_of(HttpSource(url=f"{api.url}/rows?sig=a%2Bb%20c&x=/")).equals(TABLE)


def test_a_query_may_hold_an_at_sign_where_there_is_no_path(serve: Serve) -> None:
    api = serve(lambda asked: Reply.of(ROWS) if asked.query == "mail=a@b" else Reply(status=403))
    assert rows_of(HttpSource(url=f"{api.url}?mail=a@b")).equals(TABLE)


def test_a_page_that_fails_is_asked_for_again_and_no_other(serve: Serve) -> None:
    failed: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.parameters["page"] == "3" and not failed:
            failed.append("3")
            return Reply(status=503)
        return paged(asked)

    api = serve(answer)
    assert rows_of(HttpSource(url=f"{api.url}/page", paging="page")).equals(TABLE)
    assert [asked.parameters["page"] for asked in api.asked] == ["1", "2", "3", "3", "4", "5"]


def test_a_server_that_asks_to_wait_is_waited_for(serve: Serve) -> None:
    at: list[float] = []

    def answer(asked: Asked) -> Reply:
        at.append(time.monotonic())
        return Reply(status=429, headers={"Retry-After": "1"}) if asked.number == 0 else Reply.of(ROWS)

    assert rows_of(HttpSource(url=serve(answer).url)).equals(TABLE)
    assert at[1] - at[0] >= 1


@pytest.mark.parametrize(
    "header", ["\u00b2", "soon", "Mon, 01 Jan 99999999999999999999 00:00:00"], ids=["power", "word", "year"]
)
def test_a_wait_that_is_neither_seconds_nor_a_date_is_for_us_to_choose(header: str, serve: Serve) -> None:
    api = serve(
        lambda asked: Reply(status=429, headers={"Retry-After": header}) if asked.number == 0 else Reply.of(ROWS)
    )
    assert rows_of(HttpSource(url=api.url)).equals(TABLE)
    assert len(api.asked) == 2


def test_no_more_requests_are_made_in_a_second_than_said(serve: Serve) -> None:
    api = serve(paged)
    begun = time.monotonic()
    rows_of(HttpSource(url=f"{api.url}/page", paging="page", rate=20))
    assert time.monotonic() - begun >= (len(api.asked) - 1) / 20


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_version_that_the_server_tells_is_the_fingerprint(header: str, serve: Serve) -> None:
    told = ['"a"', '"a"', '"b"']
    source = HttpSource(url=serve(lambda asked: Reply.of(ROWS, headers={header: told[asked.number]})).url)
    first, second, third = (source.fingerprint() for _ in told)
    assert first == second != third


def test_rows_are_the_fingerprint_where_the_server_tells_no_version(serve: Serve) -> None:
    rows = [*ROWS]
    source = HttpSource(url=serve(lambda _: Reply.of(rows)).url)
    first, second = source.fingerprint(), source.fingerprint()
    rows.pop()
    assert first == second != source.fingerprint()


def test_columns_that_are_named_come_in_their_order_and_may_be_missing_in_pages(serve: Serve) -> None:
    pages = [[{"a": 1, "b": 2}], [{"b": 3, "c": 4}], []]
    api = serve(lambda asked: Reply.of(pages[int(asked.parameters["page"]) - 1]))
    assert rows_of(HttpSource(url=api.url, paging="page", columns=("b", "a"))).rows() == [(2, 1), (3, None)]


def test_the_file_source_says_how_a_csv_is_written(serve: Serve) -> None:
    api = serve(lambda _: Reply(b"a;b\n1;2,5\n2;3,5\n", "text/csv"))
    read = FileSource(path=".", separator=";", decimal=",")
    assert rows_of(HttpSource(url=api.url, read=read)).rows() == [(1, 2.5), (2, 3.5)]


def test_rows_are_there_as_long_as_their_frame_and_gone_afterwards(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    frame = HttpSource(url=serve(lambda _: Reply.of(ROWS)).url).load().frame.filter(pl.col("id") > 7).select("name")
    assert list(tmp_path.iterdir())
    assert frame.collect()["name"].to_list() == ["n8", "n9"]
    assert frame.collect().height == 2
    del frame
    assert not list(tmp_path.iterdir())


def test_the_source_passes_the_kit(serve: Serve) -> None:
    api = serve(lambda _: Reply.of(ROWS))
    source = HttpSource(url=api.url, watermark="id")
    for check in checks_for(source):
        # An API tells how far its rows have come by its rows alone.
        if check.name != "position_is_stable":
            check()
    assert source.position() == source.position()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "ftp://x/y"}, "must begin with http"),
        ({"url": "https://me:open-sesame@x/y"}, "url has credentials"),
        ({"url": "https://x", "user": "me"}, "user and password go together"),
        ({"url": "https://x", "paging": "cursor"}, "go together"),
        ({"url": "https://x", "paging": "cursor", "cursor": "next", "format": "csv"}, "paging=cursor needs JSON"),
    ],
)
def test_what_does_not_go_together_is_said_at_once(fields: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, DataError), match=told) as caught:
        HttpSource(**fields)
    assert "open-sesame" not in str(caught.value)


@pytest.mark.long
def test_many_pages_take_little_memory(serve: Serve) -> None:
    page = [{"a": n, "b": "x" * 100} for n in range(10_000)]
    body = Reply.of(page).body[:-1]

    def answer(asked: Asked) -> Reply:
        at = int(asked.parameters["page"])
        return Reply(b"[]") if at > 100 else Reply(body + b', {"a": %d, "b": ""}]' % at)

    code = f"""
import resource
import polars as pl
from hookline_http import HttpSource
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frame = HttpSource(url={serve(answer).url!r}, paging="page").load().frame
rows = frame.select(pl.len()).collect().item()
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    rows, grown = map(int, told.split())
    assert rows == 100 * 10_001
    assert grown < 400
