"""What Hydra's scan of plugins finds of a launcher or sweeper: it becomes the real one when built, and only then imports it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar, NoReturn

from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper


class _StandIn:
    real: ClassVar[str]
    """Where the class is that takes its place, as module:Class."""

    def __new__(cls, *args: Any, **fields: Any) -> Any:
        return cls.stood_for()(*args, **fields)

    @classmethod
    def stood_for(cls) -> type[Any]:
        """Import the class that takes its place."""
        module, _, name = cls.real.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found

    def setup(self, **given: Any) -> NoReturn:
        """Hydra asks for this method; the real one has it."""
        raise NotImplementedError


class LauncherStandIn(_StandIn, Launcher):
    """Stands for a launcher, in a class of a module that Hydra scans."""

    def launch(self, *args: Any, **given: Any) -> NoReturn:
        """Hydra asks for this method; the real one has it."""
        raise NotImplementedError


class SweeperStandIn(_StandIn, Sweeper):
    """Stands for a sweeper, in a class of a module that Hydra scans."""

    def sweep(self, arguments: list[str]) -> NoReturn:
        """Hydra asks for this method; the real one has it."""
        raise NotImplementedError
