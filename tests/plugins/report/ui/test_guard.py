"""Who may look, who may act, and what a browser may do with a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from hookline.live.serving import tokens as module
from hookline.live.serving.tokens import Tokens

from .conftest import TOKEN, Visitor, visiting

ACK = "/models/shop/alarms/1/ack"
ACTS = (ACK, "/models/shop/mute", "/models/shop/promote?version=1", "/models/shop/rollback")


@pytest.fixture
def shop(shop_home: Path) -> Iterator[Visitor]:
    with visiting(shop_home) as visitor:
        yield visitor


def test_each_answer_says_what_a_browser_may_do(shop: Visitor) -> None:
    for path in ("/", "/static/ui.css", "/static/ui.js", "/models/nope", "/login", ACK):
        headers = shop.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
    assert shop.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "model.evil.example", "127.0.0.1.evil.example:80", "", "[::2]:80"])
def test_a_page_elsewhere_whose_name_leads_here_reads_nothing(shop: Visitor, host: str) -> None:
    page = shop.get("/", host=host)
    assert page.status_code == 421
    assert "shop" not in page.text


def test_this_machine_is_asked_by_any_of_its_names(shop_home: Path) -> None:
    with visiting(shop_home, hosts=frozenset({"127.0.0.1", "localhost", "[::1]"})) as visitor:
        for host in ("127.0.0.1:8008", "localhost", "LOCALHOST:1", "[::1]:8008", "[::1]"):
            assert visitor.get("/", host=host).status_code == 200


@pytest.mark.parametrize("path", ACTS)
def test_nothing_is_done_without_the_token(shop: Visitor, path: str) -> None:
    asked = shop.get(path)
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/login?next=%2Fmodels%2Fshop")
    assert shop.post(path, {"who": "eve", "why": "x", "csrf": "y"}).status_code == 401
    assert shop.sign_in("wrong" * 8).status_code == 401
    assert shop.post(path, {"who": "eve", "why": "x", "csrf": "y"}).status_code == 401


@pytest.mark.parametrize("path", ACTS)
def test_nothing_is_done_by_a_form_of_another_page_or_site(shop: Visitor, path: str) -> None:
    assert shop.sign_in().status_code == 303
    csrf = shop.csrf(path)
    for fields in ({}, {"csrf": ""}, {"csrf": "x" * 32}, {"csrf": "é"}):
        assert shop.post(path, {"who": "eve", "why": "x", **fields}).status_code == 403
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert shop.post(path, {"who": "eve", "why": "x", "csrf": csrf}, **headers).status_code == 403
    assert shop.post(path, {"who": " ", "why": "x", "csrf": csrf}).status_code == 400
    assert shop.post(path, {"who": "eve", "why": "", "csrf": csrf}).status_code == 400


def test_the_session_is_a_cookie_that_no_script_and_no_other_site_has(shop: Visitor) -> None:
    cookie = shop.sign_in().headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert "Sign out" in shop.get("/").text


def test_signing_out_ends_the_session_and_takes_a_form_of_ours(shop: Visitor) -> None:
    shop.sign_in()
    assert shop.post("/logout", {"csrf": "wrong"}).status_code == 403
    assert shop.get("/logout").status_code == 303
    csrf = shop.csrf("/")
    assert shop.post("/logout", {"csrf": csrf}).status_code == 303
    assert shop.get(ACK).status_code == 303


@pytest.mark.parametrize("following", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/a\r\nb: c"])
def test_signing_in_leads_nowhere_else(shop: Visitor, following: str) -> None:
    answer = shop.post(f"/login?next={quote(following, safe='')}", {"token": TOKEN})
    assert answer.headers["location"] == "/"


def test_with_a_file_of_tokens_every_page_asks_for_one(
    shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n")
    with visiting(shop_home, tokens=Tokens.read(file), is_open=False, hosts=None) as visitor:
        for path in ("/", "/models/shop", "/runs?json", "/nowhere"):
            assert visitor.get(path).status_code == 303
        assert visitor.get("/static/ui.css").status_code == 200
        assert visitor.get("/?json", authorization=f"Bearer {TOKEN}").json()["runs"] == 2
        assert visitor.get("/?json", authorization="Bearer wrong").status_code == 303
        assert visitor.post(ACK, {"who": "a", "why": "b"}, authorization=f"Bearer {TOKEN}").status_code == 401
        assert visitor.sign_in().status_code == 303
        assert visitor.get("/").status_code == 200
        # A token that is taken back ends what was begun with it.
        file.write_text("another-token-of-some-length\n")
        assert visitor.get("/").status_code == 303


def test_a_form_is_small_and_a_form(shop: Visitor) -> None:
    assert shop.post("/login", {"token": "x" * 70_000}).status_code == 413
    assert shop.ask("POST", "/login", content=b"token=\xff\xfe").status_code in (400, 401)
    assert shop.ask("POST", "/login", content="&".join(f"a{n}=1" for n in range(99))).status_code == 400
    assert shop.ask("PUT", "/login").status_code == 405
    assert shop.ask("POST", "/").status_code == 405
