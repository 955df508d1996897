"""The page to try a model: whole in itself, safe with any name, and at work in a browser, narrow and dark too."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

import hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from kit.browser import FRAME, chromium
from kit.processes import run_command
from kit.serving import ROW, asking, listening

Ask = Callable[..., httpx.Response]
NASTY = "</script><script>alert(1)</script>\"'&amp;@BODY@"


class Reader(HTMLParser):
    """Notes the elements of a page, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.events: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        self.events += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def test_the_page_holds_all_that_it_needs_and_may_do_nothing_else(ask: Ask) -> None:
    page = ask("GET", "/docs")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    digest = {
        kind: sha256(text.encode()).digest()
        for kind, text in re.findall(r"<(script|style)>(.*?)</\1>", page.text, re.S)
    }
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["script-src"] == f"'sha256-{b64encode(digest['script']).decode()}'"
    assert policy["style-src"] == f"'sha256-{b64encode(digest['style']).decode()}'"
    assert read(page.text).links == ["openapi.json", "metadata", "metrics"]
    assert read(page.text).events == []
    assert "//" not in re.sub(r"<(script|style)>.*?</\1>", "", page.text, flags=re.S)


def test_its_example_is_a_row_that_the_model_takes(ask: Ask) -> None:
    (body,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", ask("GET", "/docs").text, re.S)
    assert json.loads(unescape(body)) == ask("GET", "/example").json()
    assert ask("POST", "/predict", content=unescape(body)).status_code == 200


def test_there_is_an_example_of_each_route_that_takes_json_and_it_is_answered(ask: Ask) -> None:
    described = ask("GET", "/openapi.json").json()["paths"].items()
    page = ask("GET", "/docs").text
    options = re.findall(r'<option value="(.*?)" data-body="(.*?)">', page, re.S)
    posts = {path.replace("{model}", "churn") for path, acts in described if "post" in acts}
    assert {f"/{path}" for path, _ in options} == {path for path in posts if "{version}" not in path}
    for path, body in options:
        told = ask("POST", f"/{path}", content=unescape(body))
        # A package that is served alone keeps no labels.
        assert told.status_code == (404 if path == "labels" else 200), (path, told.text)


def test_no_name_is_markup(predictor: hl.Predictor) -> None:
    class Renamed:
        """A predictor whose target and categories have names that look like markup."""

        target = replace(predictor.target, name=NASTY)
        columns = tuple(
            replace(one, categories=(NASTY,)) if one.name == "plan" else one for one in predictor.schema.columns
        )
        schema, roles = replace(predictor.schema, columns=columns), predictor.roles

        def predict(self, frame: Any) -> Any:
            return predictor.predict(frame)

    with asking(app_of(desk_of(Renamed(), {"model": NASTY, "version": 1, "format": NASTY}, None, Bounds()))) as ask:
        page = ask("GET", "/docs").text
        plain = asking_for_tags(predictor)
    assert read(page).tags == plain
    assert page.count("<script>") == page.count("</script>") == 1
    assert unescape(re.findall(r"<title>(.*?)</title>", page)[0]) == NASTY


def asking_for_tags(predictor: hl.Predictor) -> list[str]:
    with asking(app_of(desk_of(predictor, {"model": "churn", "version": 1, "format": "onnx"}, None, Bounds()))) as ask:
        return read(ask("GET", "/docs").text).tags


PRESS = """async (document, window) => {
  const route = document.getElementById("route");
  route.selectedIndex = 1;
  route.dispatchEvent(new window.Event("change"));
  const other = document.getElementById("curl").textContent;
  route.selectedIndex = 0;
  route.dispatchEvent(new window.Event("change"));
  const wide = document.documentElement.scrollWidth <= window.innerWidth;
  document.getElementById("ask").click();
  for (let i = 0; i < 100 && !document.getElementById("said").textContent.includes("predictions"); i++)
    await new Promise((done) => setTimeout(done, 20));
  const style = window.getComputedStyle(document.body);
  return { wide, other, said: document.getElementById("said").textContent, curl: document.getElementById("curl").textContent,
           ground: style.backgroundColor, ink: style.color };
}"""


@pytest.mark.long
@pytest.mark.parametrize(("width", "dark"), [(390, False), (1200, True)], ids=["phone", "dark"])
def test_a_browser_shows_the_answer_at_the_press_of_the_button(
    predictor: hl.Predictor, tmp_path: Path, width: int, dark: bool
) -> None:
    frame = FRAME.format(address="/docs", width=width, ask=PRESS)
    app = app_of(desk_of(predictor, {"model": "churn", "version": 1, "format": "onnx"}, None, Bounds()))
    with listening(Starlette(routes=[Route("/frame", lambda _: HTMLResponse(frame)), Mount("/", app)])) as url:
        scheme = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", *scheme]
        command = [chromium(), *options, "--virtual-time-budget=12000", "--dump-dom", f"{url}/frame"]
        done = run_command(command, timeout=120, check=True)
    (text,) = re.findall(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    told = json.loads(unescape(text))
    assert told["wide"] is True
    assert json.loads(told["said"])["predictions"][0]["prediction"] in ("yes", "no")
    assert told["other"].startswith(f"curl '{url}/invocations' --json '{{")
    assert told["curl"].startswith(f"curl '{url}/predict' --json '{{")
    assert told["ground"] == ("rgb(18, 21, 27)" if dark else "rgb(255, 255, 255)")
    assert set(ROW) <= set(re.findall(r'"(\w+)"', told["curl"]))
