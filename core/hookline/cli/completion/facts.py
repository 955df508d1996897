"""What completion knows of this installation: made once, and kept until a file that it is from changes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hookline.version import __version__

from .known import Known
from .nodes import choices_in
from .verbs import verb_specs

if TYPE_CHECKING:
    from hookline.registry.registry import Registry


FORMAT = 4
"""Version of the cache's content."""


def known() -> Known:
    """Return what completion knows: from the cache where nothing that it was made of has changed, else made anew."""
    path = _cache_path()
    held = _read(path)
    if held is None or not _is_fresh(held["stamps"]):
        made = _make()
        if made is not None:
            held = made
            _write(path, held)
    # Whatever an older state of the plugins could do is more use than nothing.
    facts = held["known"] if held else {}
    return Known(home=_home(), **facts)


def _home() -> Path:
    # As in `config`, whose import would cost more than the answer.
    return Path(os.environ.get("HOOKLINE_HOME") or ".hookline").absolute()


def _root() -> Path | None:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), None)


def _cache_path() -> Path:
    import hashlib

    named = [os.environ.get(name, "") for name in ("HOOKLINE_PLUGINS", "HOOKLINE_DISABLE", "PYTHONPATH")]
    key = json.dumps([FORMAT, __version__, sys.prefix, str(_root() or Path.cwd()), *named])
    return _home() / "cache" / f"completion-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> Any:
    try:
        held = json.loads(path.read_text("utf-8"))
        return held if {"stamps", "known"} <= set(held) else None
    except (OSError, ValueError, TypeError):
        return None


def _write(path: Path, held: Mapping[str, Any]) -> None:
    from hookline.workspace.files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n", "utf-8")
        write_whole(path, json.dumps(held, separators=(",", ":")))
    except OSError:
        # A home that cannot be written: each answer is computed anew.
        return


def _is_fresh(stamps: Mapping[str, Any]) -> bool:
    return all(_stamp(path) == before for path, before in stamps.items())


def _stamp(path: str) -> list[int] | None:
    """Return what tells a file that was changed, or a folder that something came into or left; None of neither."""
    try:
        found = os.stat(path)  # noqa: PTH116  some hundred files, each time that TAB is pressed
        if S_ISDIR(found.st_mode):
            # Not its time, which also changes when Python first compiles a module in it.
            return [crc32("\0".join(sorted(set(os.listdir(path)) - {"__pycache__"})).encode(errors="surrogateescape"))]  # noqa: PTH208  as above
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size]


def _make() -> dict[str, Any] | None:
    """Load every plugin and return the cache's content; None where plugins clash or break."""
    from hookline.errors import HooklineError
    from hookline.registry.registry import load_registry

    with _quiet():
        try:
            registry = load_registry()
        except HooklineError:
            return None
        stamps = {path: _stamp(path) for path in _watched(registry)}
        return {"stamps": stamps, "known": _facts(registry)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what plugins print and log when they are imported out of the answer, and compiled code off the disk."""
    import logging
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    logging.disable()
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            yield
    finally:
        sys.dont_write_bytecode = compiled
        logging.disable(logging.NOTSET)


def _facts(registry: Registry) -> dict[str, Any]:
    """Return the fields of `Known` as plain JSON values."""
    from hookline.kinds.kinds import KINDS, MULTIPLE
    from hookline.plans.json_schema import config_files, schema_of

    files = config_files(registry)
    return {
        "verbs": verb_specs(),
        "schema": schema_of(registry),
        "multiple": MULTIPLE,
        "kinds": KINDS,
        "defaults": choices_in(files[""]["config"], KINDS),
        "groups": {
            group: {name: choices_in(text, KINDS) for name, text in found.items()}
            for group, found in files.items()
            if group
        },
        "plugins": [plugin.name for plugin in registry.plugins.plugins],
        "sets": [*registry.feature_sets],
        "configs": _configs(),
    }


def _configs() -> str | None:
    from hookline.errors import PluginError
    from hookline.registry.loading import config_folder

    try:
        found = config_folder(Path.cwd())
    except PluginError:
        return None
    return None if found is None else str(found)


def _watched(registry: Registry) -> Iterator[str]:
    """Yield the files and folders whose change may change an answer: code, config files, installed distributions."""
    from hookline.plans.hydra.compose import CONFIG_PACKAGE

    yield from (folder for folder in sys.path if folder)
    project = _root() or Path.cwd()
    yield str(project / "pyproject.toml")
    if any(plugin.skipped for plugin in registry.plugins.plugins):
        # A module that was missing may be made there.
        yield str(project)
    modules = ["hookline", CONFIG_PACKAGE, *registry.configs]
    modules += [plugin.module for plugin in registry.plugins.plugins]
    for module in dict.fromkeys(modules):
        yield from _files_of(module)


def _files_of(module: str) -> Iterator[str]:
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if spec.origin:
        yield spec.origin
    for place in spec.submodule_search_locations or ():
        for folder, below, names in os.walk(place):
            below[:] = [name for name in below if name != "__pycache__"]
            yield folder
            yield from (str(Path(folder) / name) for name in names if name.endswith((".py", ".yaml")))
