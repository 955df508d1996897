"""What differs between the lines of Hydra and OmegaConf that are supported."""

from __future__ import annotations

from typing import Any


def is_before(version: str, *parts: int) -> bool:
    """Tell whether a version such as `1.4.0rc3` is before 1.4 (`parts`), of which it is a candidate."""
    return tuple(map(int, version.split(".")[: len(parts)])) < parts


def registering() -> Any:
    """Return what registers a resolver: OmegaConf 2.4 takes back the name that 2.3 keeps for those of another sort."""
    from omegaconf import OmegaConf, __version__

    return getattr(OmegaConf, "register_new_resolver" if is_before(__version__, 2, 4) else "register_resolver")
