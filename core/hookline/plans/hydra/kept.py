"""A composed config as plain values in which references to the environment stay, for whoever builds the components."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from hookline.telling.secrets import REFERENCE, is_telling, resolved

from .extent import check_extent

ELSEWHERE = re.compile(r"\$\{([\w.]+)\}")
"""A value that is another of the same config."""
MOST_STEPS = 5


def resolved_tree(config: Any) -> Any:
    """Return a config as plain values; raises OmegaConf's errors, and ConfigError for what stands for too much.

    A text that holds what may be a secret of the environment stays as it was typed, `${oc.env:NAME}`; whatever else refers
    to something is resolved.
    """
    typed = OmegaConf.to_container(config, resolve=False)
    check_extent(typed)
    whole = OmegaConf.to_container(config, resolve=True)
    return _kept(whole, typed, typed)


def _kept(whole: Any, typed: Any, root: Any) -> Any:
    if isinstance(whole, Mapping):
        inner = typed if isinstance(typed, Mapping) else {}
        return {key: _kept(value, inner.get(key), root) for key, value in whole.items()}
    if isinstance(whole, list):
        listed = typed if isinstance(typed, list) and len(typed) == len(whole) else [None] * len(whole)
        return [_kept(value, text, root) for value, text in zip(whole, listed, strict=True)]
    if not (isinstance(whole, str) and isinstance(typed, str) and "${" in typed):
        return whole
    text = _followed(typed, root)
    return text if REFERENCE.search(text) and _means(text, whole) and is_telling(whole) else whole


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
