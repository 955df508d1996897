"""The pages of `hookline ui` as their HTML has them: what they tell, whatever the home holds or lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hookline as hl
from hookline.kinds.deployments import REFUSED
from hookline.workspace.workspace import open_workspace
from hookline_report.ui.drawing import drift_spec, svg
from hookline_report.wording import seconds
from kit.homes import NOW, drifted, keep, register, run
from kit.processes import run_python

from .conftest import NASTY, Visitor, visiting

OF_MODEL = ("", "/versions", "/drift", "/quality", "/alarms", "/features")
PAGES = (*("/", "/runs", "/sweeps", "/data", "/login"), *(f"/models/shop{tab}" for tab in OF_MODEL))


class Reader(HTMLParser):
    """Notes what of a page a browser would run or refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.inline: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in ("script", "style"):
            self.scripts.append(dict(attrs))
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]


@pytest.fixture(scope="module")
def shop(shop_home: Path) -> Iterator[Visitor]:
    with visiting(shop_home) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def nasty(nasty_home: Path) -> Iterator[Visitor]:
    with visiting(nasty_home) as visitor:
        yield visitor


def test_home_tells_what_needs_attention_and_how_each_model_stands(shop: Visitor) -> None:
    text = shop.get("/").text
    assert "5 things need attention" in text
    assert text.index("it has moved") < text.index("labels are late") < text.index("a rollout is going on")
    assert "v1 answers 90 %, v2 10 % (canary)" in text
    assert "0.21 %" in text
    assert 'href="/models/shop/alarms#alarm-1"' in text


def test_a_model_is_told_by_arm_with_its_latency(shop: Visitor, shop_home: Path) -> None:
    text = shop.get("/models/shop").text
    assert "<b>v1</b> live" in text
    assert "<b>v2</b> canary" in text
    assert "9,000" in text
    for arm in hl.model_overview("shop", home=shop_home).arms:
        assert arm.p50 is not None
        assert arm.p99 is not None
        assert f'data-label="Half within">{seconds(arm.p50)}</td>' in text
        assert f'data-label="99 of 100 within">{seconds(arm.p99)}</td>' in text


def test_requests_that_were_refused_are_told_by_status_and_why(shop: Visitor) -> None:
    text = shop.get("/models/shop").text
    assert "1.96 % of 10,200 requests were refused before a version answered:" in text
    told = re.findall(
        r'<b>(\d{3})</b></td><td data-label="Why">([^<]+)</td><td class="n" data-label="Requests">(\d+)', text
    )
    counts = zip(REFUSED.items(), ("60", "2", "5", "120", "13"), strict=True)
    assert told == [(str(status), why, count) for (status, why), count in counts]


def test_versions_are_told_with_the_promotion_log(shop: Visitor) -> None:
    text = shop.get("/models/shop/versions").text
    assert text.count('class="button" href="/models/shop/promote?version=') == 3
    assert "v1 -&gt; v1 90 % + v2 10 %" in text
    assert "run-3" in text


def test_drift_is_drawn_over_time_and_against_training(shop: Visitor) -> None:
    text = shop.get("/models/shop/drift").text
    assert "1 of 2 columns have moved" in text
    assert text.count("<figure>") == 3
    assert "In training, and in the window to" in text
    # Lines take their colors from the page.
    assert "var(--accent)" in text
    assert "#acce00" not in text


def test_quality_is_told_with_the_delay_of_labels(shop: Visitor) -> None:
    text = shop.get("/models/shop/quality").text
    assert "<dt>Usually come within</dt><dd>2 hours</dd>" in text
    assert "<dt>Windows that wait for them</dt><dd>8</dd>" in text
    assert "<figcaption>Accuracy</figcaption>" in text
    assert "0.75 to 0.85" in text


def test_alarms_are_told_with_what_can_be_done(shop: Visitor) -> None:
    text = shop.get("/models/shop/alarms").text
    assert 'href="/models/shop/alarms/1/ack"' in text
    assert 'href="/models/shop/mute?what=1"' in text
    assert "is tried again after 1 attempt;" in text


@pytest.mark.parametrize("path", PAGES)
def test_no_text_of_anybody_is_markup(nasty: Visitor, shop: Visitor, path: str) -> None:
    page, plain = nasty.get(path), shop.get(path)
    assert page.status_code == plain.status_code == 200
    read = Reader(page.text)
    assert read.scripts == [{"src": "/static/ui.js", "defer": None}]
    assert read.inline == []
    assert read.tags - {"wbr"} == Reader(plain.text).tags - {"wbr"}
    assert all(address.startswith(("/", "#", "?", "data:,")) for address in read.addresses)
    assert "{{ 7" in page.text or "alert" not in page.text


def test_what_is_nasty_is_shown_as_it_is(nasty: Visitor) -> None:
    assert NASTY[:300] in unescape(nasty.get("/models/shop/alarms").text)
    assert NASTY[:100] in unescape(nasty.get("/models/shop/drift").text)
    assert NASTY in nasty.get("/models/shop/drift?json").json()[0]["column"]


@pytest.mark.parametrize("path", [page for page in PAGES if page != "/login"])
def test_everything_is_there_as_json_too(shop: Visitor, path: str) -> None:
    told = shop.get(f"{path}?json")
    assert told.headers["content-type"] == "application/json"
    assert json.loads(told.text) is not None
    assert 'href="?json"' in shop.get(path).text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/models/nope", "no model named &#39;nope&#39;"),
        ("/models/%3Cscript%3E/drift", "no model named &#39;&lt;script&gt;&#39;"),
        ("/runs/nope", "no run named"),
        ("/runs/nope/report", "no run named"),
        ("/sweeps/nope", "no sweep named"),
        ("/data/nope", "no version of data named"),
        ("/nowhere", "There is no such page"),
        ("/static/../app.py", "There is no such page"),
        ("/static/nope", "There is no such page"),
    ],
)
def test_what_is_not_there_has_a_page_that_says_so(shop: Visitor, path: str, said: str) -> None:
    page = shop.get(path)
    assert page.status_code == 404
    assert said in page.text
    assert "Traceback" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_an_empty_home_is_welcoming_and_tells_the_first_command(tmp_path: Path) -> None:
    with visiting(tmp_path / "new") as visitor:
        text = visitor.get("/").text
        assert "Welcome" in text
        assert "hookline train.csv target=COLUMN" in text
        assert "No runs yet" in visitor.get("/runs").text
        assert "No sweep yet" in visitor.get("/sweeps").text
        assert "No data yet" in visitor.get("/data").text


def test_a_damaged_home_says_so_and_is_shown_again_once_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "catalog.db"
    file.write_bytes(b"this is no database" * 100)
    with visiting(tmp_path) as visitor:
        page = visitor.get("/")
        assert page.status_code == 503
        assert "file is not a database" in page.text
        assert "move the file away" in page.text
        file.unlink()
        assert visitor.get("/").status_code == 200
        file.unlink()
        page = visitor.get("/runs")
        assert page.status_code == 503
        assert "is away" in page.text


def test_a_locked_home_says_so_at_once(tmp_path: Path) -> None:
    open_workspace(tmp_path).catalog.database.close()
    holder = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with visiting(tmp_path) as visitor:
            page = visitor.get("/")
    finally:
        holder.close()
    assert page.status_code == 503
    assert "another process holds it" in page.text


def test_runs_come_a_page_at_a_time_by_name_and_status(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    with workspace.catalog.database.writing() as connection:
        table = workspace.catalog.database.tables["runs"]
        columns = {"path": "runs", "config": "{}", "plan": "[]", "owner": "", "beat": 0.0, "metrics": "{}"}
        rows = [
            {"id": f"20260101-000000-{n:06x}", "name": f"n{n % 2}", "status": "finished", "begun": n, **columns}
            for n in range(120)
        ]
        began = workspace.catalog.database.now()
        connection.execute(table.insert(), [{**row, "started": began, "finished": began} for row in rows])
    run(workspace, "20260102-000000-aaaaaa", "n0", "failed", "ValueError: no")
    with visiting(tmp_path) as visitor:
        first, last = visitor.get("/runs").text, visitor.get("/runs?page=3").text
        assert (first.count('name="run"'), last.count('name="run"')) == (50, 21)
        assert "Page 1 of 3" in first
        assert 'href="/runs?page=2&amp;name=&amp;status="' in first
        assert 'rel="next"' not in last
        failed = visitor.get("/runs?status=failed&name=n0").text
        assert failed.count('name="run"') == 1
        assert "ValueError: no" in failed
        for odd in ("page=0", "page=-1", "page=x", "page=99999999999", "status=%3Cb%3E", "name=%00%ff", "page=%C2%B2"):
            assert visitor.get(f"/runs?{odd}").status_code == 200


def test_a_run_shows_its_report_apart_from_all_else(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    run(workspace, "20260102-000000-aaaaaa", "n", "finished")
    folder = tmp_path / "runs" / "20260102-000000-aaaaaa"
    with visiting(tmp_path) as visitor:
        assert "No report" in visitor.get("/runs/last").text
        assert visitor.get("/runs/last/report").status_code == 503
        folder.mkdir(parents=True)
        (folder / "report.html").write_text("<script>alert(1)</script>")
        text = visitor.get("/runs/last").text
        assert 'sandbox="allow-scripts"' in text
        assert "alert(1)" not in text
        report = visitor.get("/runs/last/report")
    assert report.text == "<script>alert(1)</script>"
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy


def test_a_fault_in_code_is_a_page_without_a_traceback(shop_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "odd"
    shutil.copytree(shop_home, home)
    # What no hookline writes, so that nothing is prepared for it.
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        database.execute("UPDATE hookline_windows SET figures = '[1]' WHERE monitor = 'data_drift'")
        database.commit()
    with visiting(home) as visitor:
        with pytest.raises(AttributeError):  # It goes on to the server, which writes it to the terminal.
            visitor.get("/models/shop/drift")
        assert visitor.get("/models/shop").status_code == 200
    with visiting(home, raises=False) as visitor:
        page = visitor.get("/models/shop/drift")
    assert page.status_code == 500
    assert "Something is broken in this page" in page.text
    assert "Traceback" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_chart_that_would_fetch_its_data_is_not_drawn_and_the_rest_is(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    window = drifted("shop", NOW, {"income": 0.5})
    (chart,) = window.figures["charts"]
    spec = {"data": {"url": "http://127.0.0.1:9/data.json"}, "mark": "point", "encoding": {}}
    keep(workspace, [replace(window, figures={**window.figures, "charts": [{**chart, "spec": spec}]})])
    with visiting(tmp_path) as visitor:
        page = visitor.get("/models/shop/drift")
    assert page.status_code == 200
    assert page.text.count("This chart cannot be drawn.") == 1
    assert page.text.count('<svg role="img"') == 1


def test_times_of_charts_are_utc_wherever_the_server_is(shop_home: Path) -> None:
    code = """
import sys
from hookline_report.ui.drawing import drift_spec, svg
from hookline.live.overview.series import drift_over_time
print(svg(drift_spec(drift_over_time("shop", home=sys.argv[1])[0]), "x"))
"""
    here = str(svg(drift_spec(hl.drift_over_time("shop", home=shop_home)[0]), "x"))
    assert run_python(code, shop_home, env=dict(os.environ) | {"TZ": "Asia/Tokyo"}).stdout.strip() == here
    assert ":00</text>" in here


def test_two_runs_are_to_be_compared(shop: Visitor) -> None:
    page = shop.get("/compare?run=a")
    assert page.status_code == 409
    assert "choose two runs to compare, not 1" in page.text
