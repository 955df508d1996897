"""Serving: the deployers, the HTTP server behind `hookline serve`, and a monitor of what becomes of requests."""

from __future__ import annotations

from hookline import Deployer, Monitor, Packager, hookimpl

from .deployers import ABTestDeployer, BlueGreenDeployer, CanaryDeployer, LocalDeployer, ShadowDeployer
from .monitors import ServiceMonitor
from .packagers import ContainerPackager

__all__ = [
    "ABTestDeployer",
    "BlueGreenDeployer",
    "CanaryDeployer",
    "ContainerPackager",
    "LocalDeployer",
    "ServiceMonitor",
    "ShadowDeployer",
]


@hookimpl
def register_deployers() -> list[type[Deployer]]:
    """Return the deployers."""
    return [LocalDeployer, BlueGreenDeployer, CanaryDeployer, ShadowDeployer, ABTestDeployer]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packager."""
    return [ContainerPackager]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitor."""
    return [ServiceMonitor]
