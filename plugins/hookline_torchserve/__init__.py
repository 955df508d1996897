"""TorchServe: a `.mar` archive around a package that answers alone. The project is archived, and gets no security patches."""

from __future__ import annotations

from hookline import Packager, hookimpl

from .packagers import TorchservePackager

__all__ = ["TorchservePackager"]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packager."""
    return [TorchservePackager]
