"""The pages in a real browser, served by a real `hookline ui`: on a phone as on a desk, by keyboard, in both themes."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import hookline as hl
from kit.browser import PHONE
from kit.devtools import Browser, browsing
from kit.places import at
from kit.processes import HOOKLINE, heard, started

from .test_pages import PAGES

CONTRAST = r"""(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((value, i) => value * top[3] + below[i] * (1 - top[3]));
  const light = (color) => {
    const [r, g, b] = color.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    const behind = [];
    for (let one = node; one; one = one.parentElement) behind.push(rgba(getComputedStyle(one).backgroundColor));
    return behind.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const poor = new Map();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || !node.checkVisibility() || node.closest(".unseen, .skip, script, option")) continue;
    const style = getComputedStyle(node);
    const ink = node.closest("svg") ? (style.fill === "none" ? style.color : style.fill) : style.color;
    const below = ground(node.closest("svg") ? node.closest("svg").parentElement : node);
    const [a, b] = [light(over(rgba(ink), below)), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < least) poor.set(`${node.tagName}.${node.getAttribute("class")}: ${text.textContent.trim().slice(0, 40)}`, ratio);
  }
  return [...poor];
})()"""
"""Texts whose contrast is less than WCAG 2.2 asks for at level AA (1.4.3), with what it is."""
FITS = """(() => ({
  page: document.documentElement.scrollWidth,
  sideways: [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1).length,
}))()"""
FOCUSED = """(() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return { text: one.textContent.trim(), shown: box.top >= 0 && box.width > 0, outline: style.outlineStyle };
})()"""


@dataclass(frozen=True)
class Ui:
    """A running `hookline ui`."""

    url: str
    token: str
    home: Path


@pytest.fixture(scope="module")
def ui(nasty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    home = tmp_path_factory.mktemp("shown") / "home"
    shutil.copytree(nasty_home, home)
    with started([HOOKLINE, "ui", "--port", "0"], seconds=600, env=at(home)) as process:
        said = heard(process, "token:")
        (url,) = re.findall(r"answers at (http://\S+)", said)
        yield Ui(url, said.split()[-1], home)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.fixture(scope="module")
def browser(ui: Ui, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as found:
        yield found


def test_no_page_scrolls_sideways_on_a_phone_and_every_text_is_read_in_both_themes(ui: Ui, browser: Browser) -> None:
    for dark in (False, True):
        browser.look(PHONE, dark=dark)
        for path in PAGES:
            browser.open(ui.url + path)
            assert browser.run(FITS) == {"page": PHONE, "sideways": 0}, path
            assert browser.run(CONTRAST) == [], (path, dark)
    assert browser.console == []


def test_a_desk_shows_the_same_with_no_text_too_faint(ui: Ui, browser: Browser) -> None:
    browser.look(1280)
    for path in ("/", "/models/shop", "/models/shop/drift", "/models/shop/alarms"):
        browser.open(ui.url + path)
        assert browser.run("document.documentElement.scrollWidth") <= 1280, path
        assert browser.run(CONTRAST) == [], path
    browser.run("document.querySelector('h1').style.color = '#bbb'")
    ((faint, ratio),) = browser.run(CONTRAST)
    assert faint.startswith("H1.")
    assert ratio < 2


def test_the_keyboard_leads_past_the_head_and_shows_where_it_is(ui: Ui, browser: Browser) -> None:
    browser.look(1280)
    browser.open(f"{ui.url}/models/shop")
    browser.key("Tab")
    assert browser.run(FOCUSED) == {"text": "Skip to the page", "shown": True, "outline": "solid"}
    browser.key("Tab")
    assert browser.run(FOCUSED) == {"text": "hookline", "shown": True, "outline": "solid"}
    browser.run("document.querySelector('.skip').click()")
    browser.key("Tab")
    assert browser.run(FOCUSED)["text"] == "Overview"


def test_a_theme_that_was_chosen_stays(ui: Ui, browser: Browser) -> None:
    browser.look(1280)
    browser.open(ui.url)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = browser.run(ground)
    browser.run("document.getElementById('theme').click()")
    after = browser.run(ground)
    assert after != before
    browser.open(f"{ui.url}/runs")
    assert browser.run(ground) == after
    browser.run("document.getElementById('theme').click()")
    assert browser.run(ground) == before


def test_what_changes_is_shown_without_a_new_page(ui: Ui, browser: Browser) -> None:
    browser.look(1280)
    browser.open(ui.url)
    browser.run("window.stays = true")
    assert "1 alarm</span>" in browser.run("document.getElementById('models').innerHTML")
    hl.ack("shop", 1, "known", home=ui.home)
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    shown = """(async () => {
      for (let i = 0; i < 200 && !document.getElementById("models").innerHTML.includes("1 known"); i++)
        await new Promise((done) => setTimeout(done, 50));
      return [document.getElementById("models").innerHTML.includes("1 alarm, 1 known"), window.stays];
    })()"""
    assert browser.run(shown) == [True, True]


WAITING = """(async () => {
  for (let i = 0; i < 200 && document.activeElement?.name !== "NAME"; i++)
    await new Promise((done) => setTimeout(done, 50));
  return document.activeElement.name;
})()"""
"""Where the cursor is, once it is where it is to be: a busy machine may show a page before it sets it."""


def test_a_person_signs_in_and_rolls_back(ui: Ui, browser: Browser) -> None:
    browser.look(PHONE)
    browser.open(f"{ui.url}/models/shop/versions")
    browser.press("[...document.querySelectorAll('.button')].find((one) => one.textContent === 'Roll back').click()")
    assert browser.run(WAITING.replace("NAME", "token")) == "token"
    browser.press(f"document.activeElement.value = '{ui.token}'; document.activeElement.form.submit()")
    assert browser.run("document.querySelector('h1').textContent") == "Roll shop back?"
    assert browser.run(WAITING.replace("NAME", "why")) == "why"
    browser.press(
        "document.activeElement.value = 'it fails'; document.querySelector('[name=who]').value = 'ada';"
        "document.activeElement.form.querySelector('[type=submit]').click()"
    )
    assert browser.run("document.querySelector('.told').textContent") == "Rolled back: v1 answers everything."
    (step, *_) = hl.promotions("shop", home=ui.home)
    assert (step.policy.who, step.policy.reason) == ("ada", "rolled back by hand, v1 90 % + v2 10 % -> v1: it fails")


def test_a_report_is_drawn_within_its_page_and_reaches_nothing_of_it(ui: Ui, browser: Browser, package: Path) -> None:
    run = hl.run(source="iris", trainer="decision_tree", packager=[], name="drawn", home=ui.home)
    browser.look(1280)
    browser.open(f"{ui.url}/runs/{run.id}/report")
    drawn = """(async () => {
      for (let i = 0; i < 200 && !document.querySelector("[data-chart] svg"); i++)
        await new Promise((done) => setTimeout(done, 50));
      return [document.querySelectorAll("[data-chart] svg").length > 0, window.origin];
    })()"""
    assert browser.run(drawn) == [True, "null"]
    browser.open(f"{ui.url}/runs/{run.id}")
    assert browser.run("document.querySelector('iframe').contentDocument") is None
    assert browser.console == []


def test_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    with started([HOOKLINE, "ui", "--port", "0", "--host", "localhost"], env=at(tmp_path)) as process:
        heard(process, "token:")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
