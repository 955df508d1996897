"""BentoML: packages that it builds and serves."""

from __future__ import annotations

from hookline import Packager, hookimpl

from .packagers import BentomlPackager

__all__ = ["BentomlPackager"]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packager."""
    return [BentomlPackager]
