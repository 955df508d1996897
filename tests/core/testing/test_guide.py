"""The guide for plugin authors: each of its components is taken up, and keeps every promise of its kind."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from hookline.kinds.component import Component
from hookline.registry.registry import load_registry
from hookline.testing import checks_for

GUIDE = Path(__file__).parents[3] / "docs" / "writing-plugins.md"
LEFT_OUT = """\
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from hookline import *
from hookline.errors import DataError, UntrustedPackage

if TYPE_CHECKING:
    import polars as pl
"""
"""The imports that the guide leaves out: public names alone."""
FIELDS: dict[str, dict[str, Any]] = {"drop_negative": {"column": "age"}, "center": {"columns": ("age",)}}
"""Of components that have required fields."""


def blocks() -> list[str]:
    """Return the Python blocks of the guide that make a module, the test that it shows left aside."""
    found = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text("utf-8"), re.S | re.M)
    return [block for block in found if "import pytest" not in block]


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Import all blocks as one module of a project."""
    folder = tmp_path_factory.mktemp("guide")
    text = "\n\n".join([LEFT_OUT, *blocks()])
    (folder / "guide_components.py").write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        yield import_module("guide_components")
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("guide_components", None)


def names() -> list[str]:
    """Return the names of the components in the guide."""
    return list(dict.fromkeys(re.findall(r'^    name = "(\w+)"$', "\n".join(blocks()), re.M)))


def test_the_guide_shows_every_kind(guide: Any) -> None:
    assert {cls.kind for cls in components(guide).values()} == {
        *("source", "transform", "featurizer", "trainer", "evaluator", "packager", "deployer", "monitor")
    }
    assert set(components(guide)) == set(names()) - {"acme_notify"}


@pytest.mark.parametrize("name", [name for name in names() if name != "acme_notify"])
def test_a_component_of_the_guide_keeps_every_promise(guide: Any, name: str) -> None:
    with threadpool_limits(1):
        for check in checks_for(components(guide)[name](**FIELDS.get(name, {}))):
            check()


def test_what_the_guide_registers_is_taken_up(guide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_PLUGINS", guide.__name__)
    registry = load_registry()
    assert registry.entry("trainer", "nearest").cls is guide.NearestTrainer
    assert "acme_notify" in registry.settings()


def components(module: Any) -> dict[str, Any]:
    """Return the components that a module defines, by name."""
    return {
        value.name: value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Component) and value.__module__ == module.__name__
    }
