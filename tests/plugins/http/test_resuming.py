"""A reading of many pages that broke off goes on with the page that it had, unless the server has other rows by now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hookline.errors import DataError
from hookline.workspace.home import cache_folder
from hookline_http import HttpSource
from kit.apis import Api, Asked, Reply
from kit.tables import rows_of

Serve = Callable[[Callable[[Asked], Reply]], Api]
PAGES = 12
SIZE = 5


class Shop:
    """Orders, page by page, of a server that may fail."""

    def __init__(self, *, tagged: bool = False, form: str = "json") -> None:
        self.rows = [{"id": n, "paid": n / 4} for n in range(PAGES * SIZE)]
        self.broken: dict[int, int] = {}
        """Page -> what it is answered with."""
        self.tagged, self.form = tagged, form

    def __call__(self, asked: Asked) -> Reply:
        number = int(asked.parameters.get("page") or asked.parameters.get("cursor") or 1)
        if number in self.broken:
            return Reply(status=self.broken[number])
        rows = self.rows[(number - 1) * SIZE :][:SIZE]
        tag = {"ETag": f'"{hash(str(rows))}"'} if self.tagged else {}
        if asked.headers.get("if-none-match") == tag.get("ETag", ""):
            return Reply(status=304, headers=tag)
        if self.form == "csv":
            return Reply(pl.DataFrame(rows).write_csv().encode() if rows else b"", "text/csv", headers=tag)
        if asked.path == "/cursor":
            more = number + 1 if number * SIZE < len(self.rows) else None
            # Something that is another one each time, as servers like to say.
            return Reply.of({"rows": rows, "next": more, "at": time.time_ns()}, headers=tag)
        return Reply.of(rows, headers=tag)


def source(api: Api, shop: Shop, path: str = "", **more: object) -> HttpSource:
    way = {"paging": "cursor", "cursor": "next", "records": "rows"} if path else {"paging": "page"}
    return HttpSource(url=f"{api.url}{path}", retries=0, **{**way, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "tagged", "form"),
    [
        ("", False, "json"),
        ("", True, "json"),
        ("/cursor", False, "json"),
        ("/cursor", True, "json"),
        ("", False, "csv"),
    ],
)
def test_a_reading_goes_on_with_the_page_that_failed(path: str, tagged: bool, form: str, serve: Serve) -> None:
    shop = Shop(tagged=tagged, form=form)
    api = serve(shop)
    whole = rows_of(source(api, shop, path))
    shop.broken[9] = 500
    with pytest.raises(DataError, match="answers 500"):
        rows_of(source(api, shop, path))
    shop.broken.clear()
    before = len(api.asked)
    assert rows_of(source(api, shop, path)).equals(whole)
    after = [one.parameters.get("page") or one.parameters.get("cursor") or "1" for one in api.asked[before:]]
    # The first and the last that were there are looked at again, and no other.
    assert after[:3] == ["1", "8", "9"]
    assert len(after) <= 3 + PAGES - 8


def test_nothing_is_kept_of_a_reading_that_ended(serve: Serve) -> None:
    shop = Shop()
    api = serve(shop)
    rows_of(source(api, shop))
    assert not [one for one in (cache_folder() / "http").iterdir() if one.is_dir()]
    shop.rows = shop.rows[::-1]
    assert rows_of(source(api, shop))["id"][0] == PAGES * SIZE - 1


@pytest.mark.parametrize("tagged", [False, True], ids=["untagged", "tagged"])
@pytest.mark.parametrize("change", ["first", "shifted"])
def test_a_server_with_other_rows_by_now_is_read_anew(
    change: str, tagged: bool, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(tagged=tagged)
    api = serve(shop)
    shop.broken[9] = 503
    with pytest.raises(DataError):
        rows_of(source(api, shop))
    if change == "first":
        shop.rows[0] = {"id": 1000, "paid": 0.5}
    else:
        del shop.rows[7]
    shop.broken.clear()
    assert rows_of(source(api, shop)).rows(named=True) == shop.rows
    assert "has other rows than when it was left; it is read from the first page on" in caplog.text


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_cursor_that_is_not_known_any_more_begins_anew(status: int, serve: Serve) -> None:
    shop = Shop()
    api = serve(shop)
    shop.broken[9] = 500
    with pytest.raises(DataError):
        rows_of(source(api, shop, "/cursor"))
    shop.broken[9] = status
    seen = len(api.asked)

    def once_refused(asked: Asked) -> Reply:
        reply = shop(asked)
        if reply.status == status:
            shop.broken.clear()
        return reply

    api.answer = once_refused
    assert rows_of(source(api, shop, "/cursor")).height == len(shop.rows)
    assert len(api.asked) - seen == 3 + PAGES


def test_what_is_kept_is_of_one_question_and_one_user(serve: Serve) -> None:
    shop = Shop()
    api = serve(shop)
    shop.broken[9] = 500
    with pytest.raises(DataError):
        rows_of(source(api, shop))
    shop.broken.clear()
    for other in (source(api, shop, parameters={"since": "2026"}), source(api, shop, columns=("id",))):
        before = len(api.asked)
        assert rows_of(other).height == len(shop.rows)
        assert len(api.asked) - before == PAGES + 1


def test_pages_that_are_damaged_are_asked_for_again(serve: Serve) -> None:
    shop = Shop()
    api = serve(shop)
    shop.broken[9] = 500
    with pytest.raises(DataError):
        rows_of(source(api, shop))
    (kept,) = (one for one in (cache_folder() / "http").iterdir() if one.is_dir())
    rows = bytearray((kept / "rows.ndjson").read_bytes())
    rows[len(rows) // 2] ^= 1
    (kept / "rows.ndjson").write_bytes(bytes(rows))
    index = kept / "pages.ndjson"
    index.write_bytes(index.read_bytes()[:-40])
    shop.broken.clear()
    assert rows_of(source(api, shop)).rows(named=True) == shop.rows


def test_pages_are_kept_for_a_time_and_not_where_that_is_none(serve: Serve) -> None:
    shop = Shop()
    api = serve(shop)
    shop.broken[9] = 500
    for fields in ({"resume": 0.0}, {"resume": 1.0}):
        with pytest.raises(DataError):
            rows_of(source(api, shop, **fields))
        assert (cache_folder() / "http").exists() == bool(fields["resume"])
    (kept,) = (one for one in (cache_folder() / "http").iterdir() if one.is_dir())
    hours_ago = time.time() - 2 * 3600
    os.utime(kept / "pages.ndjson", (hours_ago, hours_ago))
    shop.broken.clear()
    before = len(api.asked)
    rows_of(source(api, shop, resume=1.0))
    assert len(api.asked) - before == PAGES + 1


def test_a_next_page_whose_url_holds_a_secret_is_not_written_down(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        at = int(asked.parameters.get("n", 0))
        if at == 3:
            return Reply(status=500)
        return Reply.of({"rows": [{"x": at}], "next": f"{api.url}/?n={at + 1}&api_key=Zx81abc-7"})

    api = serve(answer)
    with pytest.raises(DataError):
        rows_of(HttpSource(url=api.url, paging="cursor", cursor="next", records="rows", retries=0))
    written = [file.read_bytes() for file in cache_folder().rglob("*") if file.is_file()]
    assert not [text for text in written if b"Zx81abc-7" in text]


def test_what_was_read_to_find_out_of_changes_is_what_is_loaded(serve: Serve) -> None:
    shop = Shop()
    api = serve(shop)
    asked = source(api, shop)
    asked.fingerprint()
    before = len(api.asked)
    assert asked.load().frame.collect().height == len(shop.rows)
    assert len(api.asked) == before
    asked.load()
    assert len(api.asked) == before + PAGES + 1


READ = """
import sys
from hookline_http import HttpSource
frame = HttpSource(url=sys.argv[1], paging="page", retries=0).load().frame.collect()
print(",".join(map(str, frame["id"])))
"""


def test_a_reading_that_is_killed_goes_on_and_has_each_row_once(serve: Serve, tmp_path: Path) -> None:
    shop = Shop()
    slow = lambda asked: replace(shop(asked), stall=0.05)  # noqa: E731
    api = serve(slow)
    environment = {**os.environ, "HOOKLINE_HOME": str(tmp_path / "home")}
    for after in (4, 9):
        process = subprocess.Popen([sys.executable, "-c", READ, api.url], env=environment, stdout=subprocess.PIPE)
        while not any(one.parameters["page"] == str(after) for one in api.asked):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = len(api.asked)
    told = subprocess.run(
        [sys.executable, "-c", READ, api.url], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == ",".join(str(row["id"]) for row in shop.rows)
    # Two are looked at again, and the rest are those from the ninth on, give or take the one that was under way.
    assert len(api.asked) - before <= 2 + PAGES + 1 - 7
