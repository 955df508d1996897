"""Serving: the `local` deployer, and the HTTP server behind `hookline serve`."""

from __future__ import annotations

from hookline import Deployer, hookimpl

from .deployers import LocalDeployer

__all__ = ["LocalDeployer"]


@hookimpl
def register_deployers() -> list[type[Deployer]]:
    """Return the deployer."""
    return [LocalDeployer]
