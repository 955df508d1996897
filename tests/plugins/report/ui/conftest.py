"""A home that is looked at, in this process and without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import hookline as hl
from hookline.live.serving.tokens import Tokens, digest_of
from hookline_report.ui.app import app_of
from hookline_report.ui.desk import Desk
from hookline_report.ui.sessions import Sessions
from kit.homes import busy
from kit.serving import asking

TOKEN = "6df6b4db25c9183bbc32a55b2236ac42"
NASTY = "</title><script>alert(1)</script>\"'&amp;{{ 7 * 7 }} " + "x" * 300


@dataclass
class Visitor:
    """Somebody with a browser that runs no scripts."""

    ask: Callable[..., httpx.Response]
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.ask("GET", path, headers=self.headers | headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send a form."""
        return self.ask("POST", path, data=dict(fields), headers=self.headers | headers)

    def sign_in(self, token: str = TOKEN) -> httpx.Response:
        """Give the token."""
        return self.post("/login", {"token": token})

    def csrf(self, path: str) -> str:
        """Return what the form of a page bears."""
        (found,) = {*re.findall(r'name="csrf" value="([^"]+)"', self.get(path).text)}
        return str(found)


@contextmanager
def visiting(home: Path, **more: Any) -> Iterator[Visitor]:
    """Visit the pages of a home."""
    tokens = more.pop("tokens", None) or Tokens(None, (digest_of(TOKEN),))
    raises = more.pop("raises", True)
    facts = {"is_open": True, "hosts": frozenset({"model"})} | more
    with asking(app_of(Desk(home, tokens, Sessions(tokens, "hookline_1"), **facts)), raises=raises) as ask:
        yield Visitor(ask)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that models are made of."""
    home = tmp_path_factory.mktemp("trained")
    run = hl.run(source="iris", trainer="decision_tree", packager=["skops"], evaluator=[], name="shop", home=home)
    return run.package("skops")


@pytest.fixture(scope="session")
def nasty_home(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every text is markup, quotes and 300 letters."""
    home = tmp_path_factory.mktemp("nasty")
    busy(home, package, NASTY, NASTY)
    return home


@pytest.fixture(scope="session")
def shop_home(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with much to see; it is only looked at."""
    home = tmp_path_factory.mktemp("shop")
    busy(home, package)
    return home
