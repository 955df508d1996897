"""A composed config as plain values in which references to the environment stay, for whoever builds the components."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from omegaconf import OmegaConf
from omegaconf.resolvers import oc

from hookline.kinds.component import COMPONENT
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.telling.secrets import REFERENCE, is_telling, resolved

from .extent import check_extent
from .lines import registering

ELSEWHERE = re.compile(r"\$\{([\w.]+)\}")
"""A value that is another of the same config."""
MOST_STEPS = 5
READ = "oc.env"
"""The resolver that hands out what the environment holds."""
_recording = Lock()


def resolved_tree(config: Any) -> Any:
    """Return a config as plain values; raises OmegaConf's errors, and ConfigError for what stands for too much.

    A text of a component or of settings that holds what may be a secret of the environment stays a reference,
    `${oc.env:NAME}`, however it was spelled; whatever else refers to something is resolved.
    """
    typed = OmegaConf.to_container(config, resolve=False)
    check_extent(typed)
    with _recorded() as handed:
        whole = OmegaConf.to_container(config, resolve=True)
    assert isinstance(whole, dict)
    assert isinstance(typed, dict)
    names = set(_texts(names_of(whole)))
    telling = {name: value for name, value in handed.items() if is_telling(value) and value not in names}
    kept = _Kept(typed, telling)
    return {
        key: kept.of(value, typed.get(key)) if key in (*KINDS, "settings") else value for key, value in whole.items()
    }


def parts_of(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield place and fields of each component and of each plugin's settings in a plain config."""
    for root in (*KINDS, "settings"):
        node = tree.get(root)
        if isinstance(node, Mapping) and (root == "settings" or (root in MULTIPLE and COMPONENT not in node)):
            yield from ((f"{root}.{key}", fields) for key, fields in node.items())
        elif node:
            yield root, node


def names_of(tree: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what names things in a plain config, such as models and columns: all but components, settings and Hydra's own."""
    return {key: value for key, value in tree.items() if key not in (*KINDS, "settings", "hydra")}


@contextmanager
def _recorded() -> Iterator[dict[str, str]]:
    """Write down within this block which variables of the environment OmegaConf hands out, with their values."""
    handed: dict[str, str] = {}

    def read(key: str, *default: Any) -> str | None:
        found = oc.env(key, *default)
        if key in os.environ:
            handed[key] = os.environ[key]
        return found

    # There is one set of resolvers in a process.
    with _recording:
        register = registering()
        register(READ, read, replace=True)
        try:
            yield handed
        finally:
            register(READ, oc.env, replace=True)


class _Kept:
    """How texts of a config that refer to the environment are kept."""

    def __init__(self, root: Any, telling: Mapping[str, str]) -> None:
        self._root, self._telling = root, telling

    def of(self, whole: Any, typed: Any) -> Any:
        """Return a resolved value, with references where it holds what may be a secret."""
        if isinstance(typed, str) and "${" in typed:
            text = _followed(typed, self._root)
            if isinstance(whole, str) and REFERENCE.search(text) and _means(text, whole) and is_telling(whole):
                return text
            return self._spelled(whole)
        if isinstance(whole, Mapping):
            inner = typed if isinstance(typed, Mapping) else {}
            return {key: value if key == COMPONENT else self.of(value, inner.get(key)) for key, value in whole.items()}
        if isinstance(whole, list):
            listed = typed if isinstance(typed, list) and len(typed) == len(whole) else [None] * len(whole)
            return [self.of(value, text) for value, text in zip(whole, listed, strict=True)]
        return whole

    def _spelled(self, whole: Any) -> Any:
        """Return a value that a reference stands for, with plain references for what the environment gave to it."""
        if isinstance(whole, Mapping):
            return {key: value if key == COMPONENT else self._spelled(value) for key, value in whole.items()}
        if isinstance(whole, list):
            return [self._spelled(value) for value in whole]
        if not isinstance(whole, str) or not is_telling(whole):
            return whole
        text = whole
        for name, value in sorted(self._telling.items(), key=lambda item: len(item[1]), reverse=True):
            text = text.replace(value, f"${{{READ}:{name}}}") if f"{READ}:{name}" not in text else text
        return text if _means(text, whole) else whole


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _followed(text: str, root: Any) -> str:
    """Return what a text says that stands for another value of the config."""
    for _ in range(MOST_STEPS):
        found = ELSEWHERE.fullmatch(text)
        if found is None:
            break
        said = root
        for part in found.group(1).split("."):
            said = said.get(part) if isinstance(said, Mapping) else None
        if not isinstance(said, str):
            break
        text = said
    return text


def _means(text: str, value: str) -> bool:
    try:
        return resolved(text) == value
    except KeyError:
        return False
