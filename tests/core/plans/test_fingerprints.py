"""What a component's digest tells apart: the code it runs, wherever that stands, and the values it goes by."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from hookline.plans.fingerprints import code_digest

TYPED = """
import functools
import threading
import types
import numpy as np
from hookline import Features, Model, Trainer

{helper}

class Own(Trainer):
    "Typed into a notebook."

    name = "own"
    {member}

    def fit(self, train: Features, valid: Features | None) -> Model:
        return {used}
"""
DECORATED = """
def logged(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

@logged
def helper():
    return {0}
"""
LOCAL = """
def made():
    class Inner:
        number = {0}
    return types.SimpleNamespace(inner=Inner())

VALUES = made()
"""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return the digest of a class typed into a notebook, which is a module without a file."""

    def digest(helper: str = "", member: str = "", used: str = "None") -> str:
        notebook = types.ModuleType("notebook_of_a_test")
        monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
        exec(TYPED.format(helper=helper, member=member, used=used), vars(notebook))
        return code_digest(vars(notebook)["Own"])

    return digest


@pytest.mark.parametrize(
    "typed_so",
    [
        {"member": "depth = property(lambda self: {0})"},
        {"member": "depth = functools.cached_property(lambda self: {0})"},
        {"member": "depth = staticmethod(lambda: {0})"},
        {"member": "depth = np.array([1, {0}])"},
        {"helper": "@functools.cache\ndef helper():\n    return {0}", "used": "helper()"},
        {"helper": DECORATED, "used": "helper()"},
        {"helper": "helper = functools.partial(max, {0})", "used": "helper(1)"},
        {"helper": "HELPERS = [lambda: {0}]", "used": "HELPERS[0]()"},
        {"helper": "class Helper:\n    number = {0}\nHELPER = Helper()", "used": "HELPER.number"},
        {"helper": "VALUES = np.array([1, {0}])", "used": "VALUES"},
        {"helper": "VALUES = {{'a': np.array([1, {0}])}}", "used": "VALUES"},
        {"helper": "VALUES = types.SimpleNamespace(how=lambda: {0})", "used": "VALUES"},
        {"helper": "def how():\n    return {0}\nVALUES = types.SimpleNamespace(how=[how])", "used": "VALUES"},
        {"helper": "VALUES = types.SimpleNamespace(lock=threading.Lock(), number={0})", "used": "VALUES"},
        {"helper": LOCAL, "used": "VALUES"},
    ],
    ids=str,
)
def test_another_body_or_value_is_another_digest_and_the_same_one_is_not(
    typed: Callable[..., str], typed_so: dict[str, str]
) -> None:
    def digest(number: int) -> str:
        return typed(**{key: text.format(number) for key, text in typed_so.items()})

    assert digest(3) == digest(3)
    assert digest(3) != digest(4)


def test_a_module_that_was_edited_and_read_again_has_another_digest(
    project_module: Callable[[str, str], str],
) -> None:
    code = TYPED.format(helper="", member="", used="{}")
    module: Any = importlib.import_module(name := project_module("edited", code))
    before = code_digest(module.Own)
    file = module.__file__
    with open(file, "a") as more:  # noqa: PTH123  as an editor would
        more.write("# What follows is longer.\n")
    importlib.reload(module)
    assert sys.modules[name] is module
    assert code_digest(module.Own) != before
