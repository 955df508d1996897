"""Secrets are used, and are in nothing that is written, shown, logged or raised: canaries planted and looked for."""

from __future__ import annotations

import json
import logging
import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import ConfigError, HooklineError
from hookline.kinds.plain import plain
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.registry.registry import Registry, load_registry
from hookline.runs.sequence import plan_run
from hookline.telling import secrets
from hookline.telling.secrets import logger, redacted, redacted_tree
from kit.command_line import Told, teller

PASSWORD, ENVIRONMENT, SECRET, TOKEN, KEYWORD = (f"c4n4ry-{word}-9f3a" for word in ("pw", "env", "sec", "tok", "kw"))
CANARIES = (PASSWORD, ENVIRONMENT, SECRET, TOKEN, KEYWORD)
SHOP = """
import dataclasses
import hookline as hl
from hookline import Dataset, Secret, Source

class ShopSource(Source):
    '''Rows of a shop, for whoever knows every password.'''

    name = "shop"
    url: str
    login: str = "nobody"
    password: Secret | None = None
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    broken: str = ""

    def fingerprint(self) -> str:
        return "shop-1"

    def load(self) -> Dataset:
        import polars as pl

        seen = [self.url, self.login, self.password.reveal() if self.password else "", *self.options.values()]
        if self.broken == "hookline":
            raise hl.errors.DataError(f"the shop refuses {seen}", hint=f"try {self.url}")
        if self.broken:
            raise ConnectionError(f"cannot reach {seen}")
        rows = list(range(80))
        table = {"a": [row % 7 + 0.5 for row in rows], "b": [row % 5 for row in rows], "y": [row % 2 for row in rows]}
        return Dataset(pl.LazyFrame(table), name="shop")

@hl.hookimpl
def register_sources():
    return [ShopSource]
"""
URL = f"postgresql://me:{PASSWORD}@db.shop.example/rows?sslmode=on&api_key={TOKEN}"
GIVEN = (
    "source=shop",
    f"source.url='{URL}'",
    "source.login=${oc.env:SHOP_LOGIN}",
    "source.password=${oc.env:SHOP_PASSWORD}",
    f"source.options={{token:{KEYWORD}}}",
    "trainer=decision_tree",
    "monitor=[]",
    "target=y",
)


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know no secret of another test, and have the environment that the configs refer to."""
    monkeypatch.setattr(secrets, "_known", {})
    monkeypatch.setenv("SHOP_LOGIN", ENVIRONMENT)
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)


@pytest.fixture
def shop(project_module) -> str:
    """The module of a source that takes secrets."""
    return project_module("shop", SHOP)


def found_in(*texts: str | bytes) -> list[str]:
    """Return the canaries in texts."""
    whole = b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [canary for canary in CANARIES if canary.encode() in whole]


def leaks(folder: Path) -> list[tuple[str, list[str]]]:
    """Return the files below a folder that hold a canary, with which."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), canaries) for path in files if (canaries := found_in(path.read_bytes()))]


def test_no_secret_of_a_run_is_in_the_home_or_in_what_is_told(
    hookline: Told, shop: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "hookline-home"
    told = [hookline("run", *GIVEN, "name=shop")]
    assert told[0][0] == 0, told[0][2]
    told += [
        hookline("run", *GIVEN, "name=shop", "--json"),
        hookline("plan", *GIVEN),
        hookline("runs", "show", "last"),
        hookline("runs", "show", "last", "--json"),
        hookline("models", "show", "shop"),
        hookline("data", "versions", "--json"),
    ]
    assert [code for code, _, _ in told] == [0] * len(told)
    assert leaks(home) == []
    assert found_in(*(text for _, *both in told for text in both), caplog.text) == []
    config = json.loads(next(home.glob("runs/*/config.json")).read_text())["source"]
    assert config["login"] == "${oc.env:SHOP_LOGIN}"
    assert config["password"] == "${oc.env:SHOP_PASSWORD}"
    assert config["url"] == "postgresql://me:***@db.shop.example/rows?sslmode=on&api_key=***"
    assert config["options"] == {"token": "***"}
