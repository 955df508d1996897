"""What the evidence of runs and packages says of feature sets, read with care: a package may be a stranger's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.kinds.plain import adapter


@dataclass(frozen=True)
class _Feature:
    name: str
    version: str
    definition: str
    step: str = ""
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Set:
    """What an entry must say to be read as a feature set; it may say more."""

    name: str
    version: str
    features: tuple[_Feature, ...]
    joins: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    owner: str | None = None


def evidence_in(path: Path) -> dict[str, Any]:
    """Return a file of evidence; empty where it is gone, or is none."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def sets_in(path: Path) -> list[dict[str, Any]]:
    """Return the feature sets in a file of evidence that say what one must: name, version and features."""
    found = evidence_in(path).get("feature_sets")
    return [one for one in found if _is_set(one)] if isinstance(found, list) else []


def _is_set(one: Any) -> bool:
    from pydantic import ValidationError

    try:
        adapter(_Set).validate_python(one)
    except (ValidationError, RecursionError):
        return False
    return isinstance(one, dict)
