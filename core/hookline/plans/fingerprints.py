"""What a stage's fingerprint says of a component: its source code, and the versions of what it runs on."""

from __future__ import annotations

import hashlib
import pickle
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from hookline.kinds.component import Component
from hookline.registry.distributions import distribution_of
from hookline.registry.own import is_private
from hookline.version import __version__

from .closure import closure, digest_of

MACHINERY = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__module__", "__dataclass_fields__", "__dataclass_params__", "_abc_impl"}
)
"""What Python puts into a class besides what was typed."""


@cache
def code_digest(cls: type[Any]) -> str:
    """Return a digest of the source code that a component's class comes from: all of its package, or itself in a notebook.

    Of code that came with a package its name is a digest of it.
    """
    if is_private(cls.__module__):
        return cls.__module__.partition(".")[0]
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
    """Return what a class, function or value of a module without a file does, with all of that module that it uses."""
    value = _unwrapped(value)
    if isinstance(value, (list, tuple)):
        return [_used_code(item, seen) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _used_code(item, seen) for key, item in value.items()}
    if not isinstance(value, (type, types.FunctionType)) and not _is_typed(type(value)):
        return _constant(value, seen)
    if id(value) in seen:
        return None
    seen.add(id(value))
    if isinstance(value, type):
        return _of_class(value, seen)
    if isinstance(value, types.FunctionType):
        return _of_function(value, seen)
    return [_used_code(type(value), seen), _used_code(getattr(value, "__dict__", {}), seen)]


def _is_typed(cls: type[Any] | types.FunctionType) -> bool:
    """Tell whether a class or function is of a module without a file, such as a notebook."""
    module = cls.__module__
    return module not in sys.builtin_module_names and not getattr(sys.modules.get(module), "__file__", None)


def _unwrapped(value: Any) -> Any:
    """Return the functions in a property, a method or a cached function; other values as they are."""
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, cached_property):
        return value.func
    if isinstance(value, types.FunctionType):
        return value
    return getattr(value, "__func__", getattr(value, "__wrapped__", value))


def _of_class(value: type[Any], seen: set[int]) -> list[Any]:
    bases = [_used_code(base, seen) for base in value.__bases__ if base.__module__ == value.__module__]
    held = {name: item for name, item in vars(value).items() if name not in MACHINERY}
    return [value.__qualname__, bases, {name: _used_code(item, seen) for name, item in sorted(held.items())}]


def _of_function(function: types.FunctionType, seen: set[int]) -> list[Any]:
    code = function.__code__
    used = [function.__globals__[name] for name in _names(code) if name in function.__globals__]
    # What a decorator wraps is in a cell; that of a method which calls `super()` holds its class.
    used += [cell.cell_contents for cell in function.__closure__ or () if cell != types.CellType()]
    own = [item for item in used if not _is_of_another(item, function.__module__)]
    shapes = [annotation for annotation in function.__annotations__.values() if isinstance(annotation, type)]
    made = [shape for shape in shapes if shape.__module__ == function.__module__]
    defaults = [_used_code(item, seen) for item in (function.__defaults__ or (), function.__kwdefaults__ or {})]
    return [_instructions(code), defaults, [_used_code(item, seen) for item in (*own, *made)]]


def _is_of_another(value: Any, module: str) -> bool:
    """Tell whether a value is a class or function of another module than the one at hand."""
    defined = isinstance(value, (type, types.FunctionType)) or hasattr(value, "__wrapped__")
    return defined and value.__module__ != module


def _names(code: types.CodeType) -> list[str]:
    inner = [name for value in code.co_consts if isinstance(value, types.CodeType) for name in _names(value)]
    return sorted({*code.co_names, *inner})


def _instructions(code: types.CodeType) -> list[Any]:
    constants = [_constant(value, set()) for value in code.co_consts]
    return [code.co_name, code.co_code.hex(), code.co_names, code.co_varnames, constants]


def _constant(value: Any, seen: set[int]) -> Any:
    if isinstance(value, types.CodeType):
        return _instructions(value)
    if isinstance(value, (list, tuple)):
        return [_constant(item, seen) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _constant(item, seen) for key, item in value.items()}
    # A set's order differs from one process to the next.
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, (str, bytes, int, float, complex, bool, type(None))):
        return repr(value)
    if isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
        return getattr(value, "__qualname__", value.__name__)
    return [type(value).__qualname__, _content(value, seen)]


def _content(value: Any, seen: set[int]) -> Any:
    """Return a digest of what an object of a library holds, such as an array; of one that cannot be written, its attributes'."""
    written = hashlib.sha256()
    try:
        _Written(_Sink(written.update), seen).dump(value)
    except Exception:  # noqa: BLE001  an object may refuse to be written in any way it likes
        held = getattr(value, "__dict__", {})
        if id(held) in seen:
            return None
        seen.add(id(held))
        return {name: _used_code(item, seen) for name, item in sorted(held.items())}
    return written.hexdigest()


class _Written(pickle.Pickler):
    """Writes what an object holds; functions and classes that were typed, or made in a function, as what they do.

    Pickle writes them by name, whatever they do, or not at all.
    """

    def __init__(self, file: _Sink, seen: set[int]) -> None:
        super().__init__(file, protocol=5)
        self._seen = seen

    def persistent_id(self, value: Any) -> str | None:
        """Return what a function or class does, None of anything else."""
        if not isinstance(value, (type, types.FunctionType)):
            return None
        own = "<" in value.__qualname__ or _is_typed(value)
        return repr(_used_code(value, self._seen)) if own else None


@dataclass(frozen=True)
class _Sink:
    """A file of which only a digest is kept."""

    write: Callable[[bytes], object]


def versions(cls: type[Component]) -> dict[str, str]:
    """Return the versions of hookline and of the libraries that a component requires."""
    return {"hookline": __version__, **{name: _version(name) for name in cls.requires()}}


@cache
def _version(module: str) -> str:
    from importlib.metadata import version

    name = distribution_of(module)
    return version(name) if name else "unknown"
