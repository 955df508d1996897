"""hookline: from raw data to a watched model, through one typed plugin contract."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import lazy_loader

from . import errors as errors

_lazy, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
_ROOMS = ("runs",)
"""Folders whose name is that of a function of the API too: `hl.runs()` lists runs, and `hookline.runs` holds modules."""


class _Room(ModuleType):
    """Such a folder, which is called as the function is."""

    @property
    def __wrapped__(self) -> Any:
        return getattr(import_module(".api", __package__), self.__name__.rpartition(".")[2])

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.__wrapped__(*args, **named)


class _Face(ModuleType):
    """The package itself, on which the import system sets each folder once it is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS:
            value.__class__ = _Room
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    return import_module(f".{name}", __name__) if name in _ROOMS else _lazy(name)


sys.modules[__name__].__class__ = _Face
