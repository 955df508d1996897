"""What the pages of docs say can be typed: verbs, options and Python names are those that there are."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import hookline as hl
from hookline.cli.completion.verbs import verb_specs

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(hookline [^`]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
END = re.compile(r"\s[|>#;&]|\s2>")
"""Where the words of a command end in its line."""
MEANT = {"retrain": "now"}
"""Verb -> its action where a model follows at once."""
HIDDEN = {"completion": {"--complete"}}
"""What shells ask, and a page on shells tells of."""


@cache
def verbs() -> Mapping[str, Any]:
    return verb_specs()


def commands(text: str) -> Iterator[str]:
    """Yield the commands of ours that a page shows, in blocks and in sentences, a continued one as one line."""
    for kind, block in FENCE.findall(text):
        if kind in ("", "console", "bash"):
            whole = re.sub(r"\\?\n {4,}", " ", block)
            shown = "\n$ " in f"\n{whole}"
            lines = [line.strip() for line in whole.splitlines()]
            yield from (line.removeprefix("$ ") for line in lines if line.startswith("$ ") or not shown)
    yield from INLINE.findall(FENCE.sub("", text))


def faults(command: str) -> Iterator[str]:
    """Yield what of a command there is not: a verb, an action of it, or an option of both."""
    words = END.split(command)[0].split()
    if words[:1] != ["hookline"] or len(words) < 2 or not re.fullmatch(r"[a-z]+", words[1]):
        return
    spec = verbs().get(words[1])
    if spec is None:
        yield f"no verb {words[1]}"
        return
    options = {"--help", "--json", "--source", *spec["options"], *HIDDEN.get(words[1], ())}
    if spec["actions"] and len(words) > 2 and re.fullmatch(r"[a-z]+", words[2]):
        action = words[2] if words[2] in spec["actions"] else MEANT.get(words[1])
        if action is None:
            yield f"{words[1]} does not {words[2]}"
            return
        options |= set(spec["actions"][action]["options"])
    elif spec["actions"]:
        options |= {name for action in spec["actions"].values() for name in action["options"]}
    told = OPTION.findall(" ".join(words))
    yield from (f"{words[1]} has no {word}" for word in told if word not in options)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_verbs_and_options_that_there_are(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    wrong = [(command, fault) for command in commands(text) for fault in faults(command)]
    assert not wrong


def test_a_verb_an_action_and_an_option_that_are_not_there_are_found() -> None:
    assert list(faults("hookline runn --json")) == ["no verb runn"]
    assert list(faults("hookline models shew shop")) == ["models does not shew"]
    assert list(faults("hookline predict shop new.csv --ouput out.csv | head")) == ["predict has no --ouput"]
    assert not list(faults("hookline predict shop new.csv --output out.csv | grep --count x"))
    assert list(commands("```\n$ hookline predict a b \\\n    --log\n```\n")) == ["hookline predict a b  --log"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_calls_python_names_with_arguments_that_they_take(page: str) -> None:
    blocks = [block for kind, block in FENCE.findall((ROOT / page).read_text("utf-8")) if kind == "python"]
    wrong = [fault for block in blocks for fault in misnamed(dedent(block))]
    assert not wrong


def misnamed(code: str) -> Iterator[str]:
    """Yield the names of `hl` that there are not, and keywords that such a function does not take."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hl":
            if not hasattr(hl, node.attr):
                yield f"hl.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func
            if isinstance(called.value, ast.Name) and called.value.id == "hl" and hasattr(hl, called.attr):
                yield from _unknown(called.attr, node)


def _unknown(name: str, call: ast.Call) -> Iterator[str]:
    taken = inspect.signature(getattr(hl, name)).parameters
    if any(one.kind is one.VAR_KEYWORD for one in taken.values()):
        return
    yield from (f"hl.{name}({one.arg}=)" for one in call.keywords if one.arg and one.arg not in taken)


def test_a_name_and_a_keyword_that_are_not_there_are_found() -> None:
    assert list(misnamed("hl.lode('x')")) == ["hl.lode"]
    assert list(misnamed("hl.load('x', trusted=True)")) == ["hl.load(trusted=)"]
    assert not list(misnamed("hl.load('x', trust=hl.Trust(pickle=True))"))
