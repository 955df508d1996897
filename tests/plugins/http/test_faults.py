"""What goes wrong with an HTTP server, told in one line with one thing to do, and credentials that nobody else sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline import Secret
from hookline.errors import ConfigError, DataError
from hookline_http import HttpSource
from kit.apis import Api, Asked, Reply
from kit.tables import rows_of

Serve = Callable[[Callable[[Asked], Reply]], Api]
TOKEN = "sesame-open-99"
ROWS = [{"x": n % 5, "y": n % 5 > 2} for n in range(100)]


def fault(source: HttpSource) -> tuple[str, str]:
    """Return what is said of a source that cannot be read, and the hint."""
    with pytest.raises(DataError) as caught:
        rows_of(source)
    message, _, hint = str(caught.value).partition("\nhint: ")
    assert "\n" not in message
    assert hint
    return message, hint


@pytest.mark.parametrize(
    ("reply", "told", "hinted"),
    [
        (Reply(b"no such token", status=401), "answers 401 Unauthorized: no such token", "source.token"),
        (Reply(status=403), "answers 403 Forbidden", "refuses"),
        (Reply(status=404), "answers 404 Not Found", "source.url"),
        (Reply(status=429), "answers 429", "source.rate"),
        (Reply(b"<html>boom</html>", status=500), "answers 500 Internal Server Error", "later"),
        (Reply(status=503, headers={"Retry-After": "4000"}), "asks to wait 4,000 s", "run again"),
        (Reply(b"<!DOCTYPE html><title>Log in</title>"), "page for people (HTML), titled 'Log in'", "browser"),
        (Reply(b'[{"x": 1}, {"x"'), "is no JSON, or cut short", "curl"),
        (Reply(b'[{"x": 1}]', cut=4), "breaks off", "run again"),
        (Reply(b'[{"x": 1}]', headers={"Content-Length": "5000"}), "breaks off", "run again"),
        (Reply(b"[]"), "gives no rows", "source.parameters"),
        (Reply(b'{"items": [], "n": 0}'), "is no list of records", "source.records=items"),
        (Reply(b"x", "application/octet-stream"), "says no format", "source.format"),
        (Reply(b"[]", stall=5), "sends nothing for 0.3 s", "source.timeout"),
    ],
    ids=lambda value: None if isinstance(value, Reply) else value.split()[0],
)
def test_a_fault_is_one_line_and_one_thing_to_do(reply: Reply, told: str, hinted: str, serve: Serve) -> None:
    message, hint = fault(HttpSource(url=serve(lambda _: reply).url, retries=0, timeout=0.3))
    assert told in message
    assert hinted in hint
    assert "boom" not in message


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (r'"x\ud83d"', "lone surrogate"),
        ("-Infinity", "infinite"),
        ("1e999", "too large"),
        ('{"y": [1e999]}', "too large"),
    ],
    ids=["surrogate", "infinity", "large", "nested"],
)
def test_a_value_that_cannot_be_kept_is_told_with_its_page(value: str, told: str, serve: Serve) -> None:
    pages = [b'[{"x": null, "y": 1}]', b'[{"x": %s, "y": 2}]' % value.encode(), b"[]"]
    api = serve(lambda asked: Reply(pages[int(asked.parameters["page"]) - 1]))
    message, hint = fault(HttpSource(url=api.url, paging="page"))
    assert "page 2 of" in message
    assert told in message
    assert "source.columns" in hint
    assert rows_of(HttpSource(url=api.url, paging="page", columns=("y",))).rows() == [(1,), (2,)]


def test_what_the_caller_did_wrong_is_not_asked_again(serve: Serve) -> None:
    api = serve(lambda _: Reply(status=404))
    fault(HttpSource(url=api.url))
    assert len(api.asked) == 1


def test_nobody_at_the_port_is_told() -> None:
    assert "cannot be reached" in fault(HttpSource(url="http://127.0.0.1:1/x", retries=0))[0]
    assert "cannot be reached" in fault(HttpSource(url="http://.api/x", retries=0))[0]


def test_a_server_that_gives_the_same_page_again_and_again_is_left(serve: Serve) -> None:
    message, hint = fault(HttpSource(url=serve(lambda _: Reply.of(ROWS)).url, paging="page"))
    assert "page 2" in message
    assert "source.page_parameter" in hint


@pytest.mark.parametrize(
    ("told", "cursor", "said"),
    [
        (
            {"meta": {"next": "b", "total": 9}},
            "meta.nxt",
            "no field 'nxt', for source.cursor=meta.nxt; there are next, total",
        ),
        ({"meta": {"next": "b"}}, "mta.next", "no field 'mta', for source.cursor=mta.next; there are rows, meta"),
        ({"meta": "b"}, "meta.next", "no field 'next', for source.cursor=meta.next; there are no fields"),
        ({"meta": {}}, "meta.next", "no field 'next', for source.cursor=meta.next; there are no fields"),
    ],
    ids=["last", "first", "text", "bare"],
)
def test_a_cursor_that_the_first_page_lacks_is_told(told: dict[str, Any], cursor: str, said: str, serve: Serve) -> None:
    api = serve(lambda _: Reply.of({"rows": ROWS, **told}))
    message, hint = fault(HttpSource(url=api.url, paging="cursor", cursor=cursor, records="rows"))
    assert said in message
    assert "source.paging" in hint


@pytest.mark.parametrize("end", [None, False, ""], ids=["null", "false", "empty"])
def test_a_first_page_may_say_that_it_is_the_last(end: object, serve: Serve) -> None:
    api = serve(lambda _: Reply.of({"rows": ROWS, "next": end}))
    assert rows_of(HttpSource(url=api.url, paging="cursor", cursor="next", records="rows")).height == len(ROWS)


def test_a_cursor_in_what_is_not_json_is_told(serve: Serve) -> None:
    api = serve(lambda _: Reply(b"a,b\n1,2\n", "text/csv"))
    message, hint = fault(HttpSource(url=api.url, paging="cursor", cursor="next"))
    assert "answers with csv, which has no place for source.cursor=next" in message
    assert "JSON" in hint


@pytest.mark.parametrize(
    ("headers", "warned"), [({}, 1), ({"Link": '</1>; rel="last"'}, 0)], ids=["no link", "no next link"]
)
def test_one_page_without_a_link_header_is_warned_of(
    headers: dict[str, str], warned: int, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    source = HttpSource(url=serve(lambda _: Reply.of(ROWS, headers=headers)).url, paging="link")
    assert rows_of(source).height == len(ROWS)
    assert sum("without a Link header" in told for told in caplog.messages) == warned


def test_half_a_character_in_a_cursor_is_told(serve: Serve) -> None:
    api = serve(lambda _: Reply(rb'{"rows": [{"x": 1}], "next": "\ud83d"}'))
    assert "lone surrogate" in fault(HttpSource(url=api.url, paging="cursor", cursor="next", records="rows"))[0]


def test_pages_in_a_circle_are_told(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        at = asked.parameters.get("cursor", "a")
        return Reply.of({"rows": [{"x": at}], "next": {"a": "b", "b": "c", "c": "b"}[at]})

    message, _ = fault(HttpSource(url=serve(answer).url, paging="cursor", cursor="next", records="rows"))
    assert "was read before" in message


def test_pages_without_end_and_answers_without_end_have_a_limit(serve: Serve) -> None:
    api = serve(lambda asked: Reply.of([{"x": asked.number}]))
    assert "more than 7 pages" in fault(HttpSource(url=api.url, paging="page", most_pages=7))[0]
    assert "more than 20 bytes" in fault(HttpSource(url=api.url, paging="page", most_bytes=20))[0]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"x": 1}, "page 2 of .* has no field 'y', unlike page 1"),
        ({"x": 1, "y": 2, "z": 3}, "page 2 of .* has a field 'z', unlike page 1"),
        ({"x": 1, "y": "2"}, "field 'y' is a number in page 1 .* and a text in page 2"),
    ],
    ids=["less", "more", "other"],
)
def test_a_page_unlike_the_first_is_named(second: dict[str, Any], told: str, serve: Serve) -> None:
    pages = [[{"x": 1, "y": 2}], [second], []]
    api = serve(lambda asked: Reply.of(pages[int(asked.parameters["page"]) - 1]))
    with pytest.raises(DataError, match=told):
        rows_of(HttpSource(url=api.url, paging="page"))


def test_a_page_of_csv_unlike_the_first_is_named(serve: Serve) -> None:
    pages = [b"a,b\n1,2\n", b"a,c\n1,2\n", b""]
    api = serve(lambda asked: Reply(pages[int(asked.parameters["page"]) - 1], "text/csv"))
    message, _ = fault(HttpSource(url=api.url, paging="page"))
    assert "page-000002.csv has no column 'b'" in message
    assert "/tmp" not in message


@pytest.mark.parametrize(
    ("fields", "header", "value"),
    [
        ({"token": Secret("${oc.env:API_TOKEN}")}, "authorization", f"Bearer {TOKEN}"),
        ({"user": "me", "password": Secret("${oc.env:API_TOKEN}")}, "authorization", "Basic bWU6c2VzYW1lLW9wZW4tOTk="),
        ({"key": Secret("${oc.env:API_TOKEN}"), "key_header": "X-Key"}, "x-key", TOKEN),
    ],
    ids=["bearer", "basic", "header"],
)
def test_credentials_come_from_the_environment_and_go_to_no_other_host(
    fields: dict[str, Any], header: str, value: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", TOKEN)
    other = serve(lambda _: Reply.of(ROWS))
    api = serve(
        lambda asked: Reply.of(ROWS) if asked.path == "/" else Reply(status=302, headers={"Location": other.url})
    )
    rows_of(HttpSource(url=api.url, **fields))
    assert api.asked[0].headers[header] == value
    message, hint = fault(HttpSource(url=f"{api.url}/moved", **fields))
    assert "another host" in message
    assert "source.url" in hint
    assert not other.asked
    assert rows_of(HttpSource(url=f"{api.url}/moved")).height == len(ROWS)


def test_a_next_page_of_another_host_is_not_asked_with_credentials(serve: Serve) -> None:
    other = serve(lambda _: Reply.of(ROWS))
    api = serve(lambda _: Reply.of(ROWS, headers={"Link": f'<{other.url}/2>; rel="next"'}))
    fault(HttpSource(url=api.url, paging="link", token=Secret(TOKEN)))
    assert not other.asked


def test_a_token_that_is_not_set_is_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="API_TOKEN"):
        rows_of(HttpSource(url=serve(lambda _: Reply.of(ROWS)).url, token=Secret("${oc.env:API_TOKEN}")))


def test_a_token_is_in_no_error_and_in_nothing_that_a_run_writes(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_TOKEN", TOKEN)
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "home"))
    api = serve(lambda asked: Reply.of(ROWS) if asked.path == "/" else Reply(TOKEN.encode(), status=403))
    token = Secret("${oc.env:API_TOKEN}")
    assert TOKEN not in str(fault(HttpSource(url=f"{api.url}/no", token=token)))
    hl.run(source=HttpSource(url=api.url, token=token), target="y", trainer="decision_tree")
    written = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert written
    assert not [file for file in written if TOKEN.encode() in file.read_bytes()]
