"""Serving: the deployers, and the HTTP server behind `hookline serve`."""

from __future__ import annotations

from hookline import Deployer, hookimpl

from .deployers import ABTestDeployer, BlueGreenDeployer, CanaryDeployer, LocalDeployer, ShadowDeployer

__all__ = ["ABTestDeployer", "BlueGreenDeployer", "CanaryDeployer", "LocalDeployer", "ShadowDeployer"]


@hookimpl
def register_deployers() -> list[type[Deployer]]:
    """Return the deployers."""
    return [LocalDeployer, BlueGreenDeployer, CanaryDeployer, ShadowDeployer, ABTestDeployer]
