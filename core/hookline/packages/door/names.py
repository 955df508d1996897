"""Which names of a package may become part of a path or of a line: one rule for each sort of them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from hookline.kinds.given.names import LONGEST, SHOWN, fault_of

_COMPONENT = re.compile(r"[\w.-]+")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


def is_model_name(name: Any) -> bool:
    """Tell whether it may name a model: one part of a path."""
    return isinstance(name, str) and fault_of(name) is None


def is_component_name(name: Any) -> bool:
    """Tell whether it may name a component, such as `impute` or `acme.impute`."""
    return isinstance(name, str) and bool(_COMPONENT.fullmatch(name)) and _is_short(name)


def is_part(name: Any) -> bool:
    """Tell whether it may name a file or a folder: one part of a path, in one line."""
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not set(name) & {"/", "\\"}
        and name.isprintable()
        and _is_short(name)
    )


def is_file_name(name: Any) -> bool:
    """Tell whether it may name a file below a folder: parts with `/` between them, none of which leads out of it."""
    if not isinstance(name, str) or PurePosixPath(name).is_absolute():
        return False
    return all(is_part(part) for part in name.split("/"))


def is_module_name(name: Any) -> bool:
    """Tell whether it may name a module, such as `shop.parts`."""
    return isinstance(name, str) and all(part.isidentifier() for part in name.split(".")) and _is_short(name)


def is_distribution(name: Any, version: Any) -> bool:
    """Tell whether a distribution and its version are such as may stand in a line that somebody is told to type."""
    named = isinstance(name, str) and bool(_DISTRIBUTION.fullmatch(name)) and _is_short(name)
    return named and isinstance(version, str) and bool(_VERSION.fullmatch(version)) and _is_short(version)


def shown(value: Any) -> str:
    """Return a value of a package as a message shows it: in one line, without what a terminal would obey, and short."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    text = (value if value.isprintable() else ascii(value)[1:-1]) if isinstance(value, str) else ascii(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _is_short(name: str) -> bool:
    return len(name.encode("utf-8", "replace")) <= LONGEST
