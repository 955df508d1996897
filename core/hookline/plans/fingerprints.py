"""What a stage's fingerprint says of a component: its source code, and the versions of what it runs on."""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hookline.kinds.component import Component
from hookline.version import __version__

from .closure import closure, digest_of


@cache
def code_digest(cls: type[Any]) -> str:
    """Return a digest of the source code that a component's class comes from: all of its package, or itself in a notebook."""
    module = sys.modules.get(cls.__module__)
    package = sys.modules.get(cls.__module__.partition(".")[0])
    if package is not None and hasattr(package, "__path__"):
        return digest_of(closure(map(str, Path(next(iter(package.__path__))).rglob("*.py"))))
    file = getattr(module, "__file__", None)
    if file and Path(file).is_file():
        return digest_of(closure([file]))
    # A class that was typed into a notebook or a shell has no file; then its bytecode is taken, and that of all it uses.
    return hashlib.sha256(repr(_used_code(cls, set())).encode()).hexdigest()


def _used_code(value: Any, seen: set[int]) -> Any:
    """Return what a class, function or constant of a module without a file does, with all of that module that it uses."""
    if id(value) in seen:
        return None
    seen.add(id(value))
    if isinstance(value, type):
        bases = [_used_code(base, seen) for base in value.__bases__ if base.__module__ == value.__module__]
        held = {k: v for k, v in vars(value).items() if k not in ("__dict__", "__weakref__", "__doc__", "__module__")}
        return [value.__qualname__, bases, {name: _used_code(item, seen) for name, item in sorted(held.items())}]
    function = getattr(value, "__func__", value)
    if isinstance(function, types.FunctionType):
        code = function.__code__
        used = [function.__globals__[name] for name in _names(code) if name in function.__globals__]
        own = [item for item in used if getattr(item, "__module__", function.__module__) == function.__module__]
        shapes = [annotation for annotation in function.__annotations__.values() if isinstance(annotation, type)]
        made = [shape for shape in shapes if shape.__module__ == function.__module__]
        defaults = [_constant(item) for item in (function.__defaults__ or (), function.__kwdefaults__ or {})]
        return [_instructions(code), defaults, [_used_code(item, seen) for item in (*own, *made)]]
    return _constant(value)


def _names(code: types.CodeType) -> list[str]:
    inner = [name for value in code.co_consts if isinstance(value, types.CodeType) for name in _names(value)]
    return sorted({*code.co_names, *inner})


def _instructions(code: types.CodeType) -> list[Any]:
    return [code.co_name, code.co_code.hex(), code.co_names, code.co_varnames, [_constant(v) for v in code.co_consts]]


def _constant(value: Any) -> Any:
    if isinstance(value, types.CodeType):
        return _instructions(value)
    if isinstance(value, (list, tuple)):
        return [_constant(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _constant(item) for key, item in value.items()}
    # A set's order differs from one process to the next.
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    return (
        repr(value)
        if isinstance(value, (str, bytes, int, float, complex, bool, type(None)))
        else type(value).__qualname__
    )


def versions(cls: type[Component]) -> dict[str, str]:
    """Return the versions of hookline and of the libraries that a component requires."""
    return {"hookline": __version__, **{name: _version(name) for name in cls.requires()}}


DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""Import name -> pip name, where they differ and asking the system which is which would be slow."""


@cache
def _version(module: str) -> str:
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    try:
        return version(DISTRIBUTIONS.get(module, module.replace("_", "-")))
    except PackageNotFoundError:
        names = packages_distributions().get(module, [])
        return version(names[0]) if names else "unknown"
