"""The version of hookline, and the line that installs what a distribution lacks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

__version__ = "0.1.0"


def install_line(libraries: Iterable[tuple[str, str, str]]) -> str:
    """Return the command that installs libraries.

    libraries: distribution, extra of it, and module, which is installed by its own name where there is no extra
    """
    extras: dict[str, list[str]] = {}
    alone: list[str] = []
    for distribution, extra, module in libraries:
        known = extras.setdefault(distribution, []) if extra else alone
        known += [] if (wanted := extra or module) in known else [wanted]
    told = [_requirement(distribution, ",".join(names)) for distribution, names in extras.items()]
    return " ".join(["pip install", *told, *alone])


def _requirement(distribution: str, extras: str) -> str:
    """Return what pip takes: of a distribution that is installed from a folder to edit, that folder."""
    folder = _edited_in(distribution)
    if folder is None:
        return f"'{distribution}[{extras}]'"
    here = "." if folder == Path.cwd() else str(folder)
    return f"-e {shlex.quote(f'{here}[{extras}]')}"


def _edited_in(distribution: str) -> Path | None:
    """Return the folder of a distribution that was installed to be edited (PEP 610), None of another."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import distribution as found
    from urllib.parse import unquote, urlsplit

    try:
        told = json.loads(found(distribution).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    folder = Path(unquote(urlsplit(told.get("url", "")).path))
    return folder if told.get("dir_info", {}).get("editable") and (folder / "pyproject.toml").is_file() else None
