"""`hookline plugins new`: writes a plugin package that passes its own tests."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from hookline.errors import UsageError
from hookline.registry.registry import load_registry
from hookline.version import __version__

from ..output import say, tell
from .templates.components import COMPONENTS
from .templates.package import CI, INIT, PYPROJECT, README, TEST

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def new(name: str, kind: str, folder: Path) -> int:
    """Write hookline-NAME/ into a folder; raises UsageError for a bad or taken name, or where the folder is there already."""
    check_name(name)
    root = folder / f"hookline-{name.replace('_', '-')}"
    try:
        if root.exists():
            raise UsageError(f"{root} is there already", hint="choose another name or --folder; nothing is overwritten")
        for path, content in files(name, kind).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content, "utf-8")
    except OSError as error:
        raise UsageError(
            f"--folder {folder} cannot be written: {error.strerror}", hint="name a folder of yours"
        ) from error
    tell(root)
    say(f"next: cd {root} && pip install --editable '.[dev]' && pytest && hookline plugins check {name}")
    return 0


def check_name(name: str) -> None:
    """Raise UsageError unless a plugin may be called so."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"'{name}' cannot be a plugin's name",
            hint="lower-case letters, digits and single _, a letter first: my_plugin",
        )
    taken = {plugin.name: plugin.label for plugin in load_registry().plugins.plugins}
    if name in taken:
        raise UsageError(f"a plugin named '{name}' is installed, from {taken[name]}", hint="choose another name")


def files(name: str, kind: str) -> dict[str, str]:
    """Return path -> content of a new plugin package."""
    component = COMPONENTS[kind]
    module = f"hookline_{name}"
    words = {
        "@USE@": component.use,  # First: it holds marks itself.
        "@NAME@": name,
        "@DISTRIBUTION@": f"hookline-{name.replace('_', '-')}",
        "@MODULE@": module,
        "@KIND@": kind,
        "@BASE@": kind.capitalize(),
        "@CLASS@": component.cls,
        "@COMPONENT@": f"{name}.{component.name}",
        "@LOCAL@": component.name,
        "@VERSION@": __version__,
        "@DEPENDENCIES@": ", ".join(
            f'"{item}"' for item in ("annotated-types>=0.7", f"hookline>={__version__}", *component.needs)
        ),
    }
    written = {
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        ".gitignore": "__pycache__/\n.venv/\ndist/\n.hookline/\n",
        ".github/workflows/test.yaml": CI,
        f"src/{module}/__init__.py": INIT,
        f"src/{module}/{component.name}.py": component.code,
        f"src/{module}/py.typed": "",
        f"tests/test_{component.name}.py": TEST,
    }
    return {path: _filled(content, words) for path, content in written.items()}


def _filled(template: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        template = template.replace(mark, word)
    return template
