"""Serving: the deployers, the HTTP server behind `hookline serve`, and a monitor of what becomes of requests."""

from __future__ import annotations

from hookline import Deployer, Monitor, hookimpl

from .deployers import ABTestDeployer, BlueGreenDeployer, CanaryDeployer, LocalDeployer, ShadowDeployer
from .monitors import ServiceMonitor

__all__ = ["ABTestDeployer", "BlueGreenDeployer", "CanaryDeployer", "LocalDeployer", "ServiceMonitor", "ShadowDeployer"]


@hookimpl
def register_deployers() -> list[type[Deployer]]:
    """Return the deployers."""
    return [LocalDeployer, BlueGreenDeployer, CanaryDeployer, ShadowDeployer, ABTestDeployer]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitor."""
    return [ServiceMonitor]
