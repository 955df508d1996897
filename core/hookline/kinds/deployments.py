"""A package on disk, who answers which share of traffic, and what a package may do when it is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A pipeline on disk, in one format, with its evidence beside it.

    path: the folder; `manifest.json` in it names every file with its digest
    """

    path: Path
    format: str
    """The packager's name."""
    name: str = "model"
    version: int | None = None
    """The number in the catalog; None until it is registered."""


@dataclass(frozen=True)
class Route:
    """A share of traffic for one version."""

    version: int
    weight: float
    shadow: bool = False
    """Asked and recorded, but its answer is not returned."""


@dataclass(frozen=True)
class Deployment:
    """A routing policy over the versions of one model."""

    model: str
    routes: tuple[Route, ...]
    deployer: str
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Alias -> version to set with this deployment, such as {"champion": 3}."""

    @classmethod
    def single(cls, model: str, version: int, deployer: str) -> Deployment:
        """Send everything to one version, and call it the champion."""
        return cls(model, (Route(version, 1.0),), deployer, {"champion": version})


@dataclasses.dataclass(frozen=True)
class Trust:
    """What the caller of `load` allows a package to do; by default nothing that could run its code."""

    pickle: bool = False
    """Unpickling, which can run anything."""
    types: frozenset[str] = frozenset()
    """Dotted type names that a skops file may build, beyond scikit-learn's own safe ones."""
    everything: bool = False
    """The caller has just written the package itself."""
