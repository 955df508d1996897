"""The reference pages: what is committed is what the classes say now, and a plugin can have its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import hookline
from hookline.cli import main
from hookline.cli.components.reference import pages
from hookline.registry.registry import load_registry
from kit.places import ROOT

COMMITTED = ROOT / "docs" / "reference"
SHOP = """
    from typing import Annotated, Literal

    from annotated_types import Gt
    from hookline import Features, SklearnModel, Trainer, hookimpl

    class ShopTrainer(Trainer):
        '''Sell | learn.'''

        name = "shop.sell"
        tasks = frozenset({"binary"})
        price: Annotated[float, Gt(0)]
        '''What it costs,
        in euro.'''
        mode: Literal["a", "b"] | None = None

        def fit(self, train: Features, valid: Features | None) -> SklearnModel:
            raise NotImplementedError

    @hookimpl
    def register_trainers():
        return [ShopTrainer]
"""


def test_the_committed_pages_are_what_the_classes_say() -> None:
    made = pages(load_registry())
    committed = {path.name: path.read_text("utf-8") for path in COMMITTED.iterdir()}
    stale = sorted(name for name in made | committed if made.get(name) != committed.get(name))
    assert not stale, f"docs/reference: {', '.join(stale)} no longer fit the code; write them again: make docs"


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert main(["components", "reference", "-o", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out == ""
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert not re.search(rb"0x[0-9a-f]{6}|/home/|/tmp/", b"".join(one.values()))


def test_every_component_field_and_public_name_is_there() -> None:
    registry, made = load_registry(), pages(load_registry())
    for kind in ("source", "transform", "trainer"):
        for name in registry.names(kind):
            section = made[f"{kind}.md"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            for field in registry.describe(kind, name).fields:
                assert f"| `{field.name}` |" in section
    headings = set(re.findall(r"^## (\w+)$", made["python.md"], re.MULTILINE))
    assert headings == {name for name in hookline.__all__ if not name.startswith("__")}


def test_links_lead_somewhere() -> None:
    made = pages(load_registry())
    for page, anchor in re.findall(r"\]\(([\w.]+)(?:#([\w-]+))?\)", made["index.md"]):
        assert not anchor or f"\n## {anchor}\n" in made[page]


def test_a_plugin_has_pages_of_its_own(install_plugin: Callable[..., None], tmp_path: Path) -> None:
    install_plugin("hookline-shop", "shop", "hookline_shop_of_a_test", SHOP)
    assert main(["components", "reference", "-o", str(tmp_path / "out"), "--plugin", "shop"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"index.md", "trainer.md"}
    page = (tmp_path / "out" / "trainer.md").read_text()
    assert "| `price` | `float (> 0)` | required | What it costs, in euro. |" in page
    assert "| `mode` | `'a' \\| 'b' \\| None` | `null` |  |" in page
    assert "| install | `pip install hookline-shop` |" in page
    assert "$ hookline run trainer=shop.sell trainer.price=..." in page
    assert "Sell \\| learn." in (tmp_path / "out" / "index.md").read_text()
    assert "shop" not in "".join(pages(load_registry()).values())


def test_an_unknown_plugin_is_suggested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["components", "reference", "-o", str(tmp_path), "--plugin", "sklern"]) == 2
    assert "did you mean 'sklearn'?" in capsys.readouterr().err
