"""The deployers: each writes who answers which share of traffic, and says what comes next."""

from __future__ import annotations

from .ab_test import ABTestDeployer
from .blue_green import BlueGreenDeployer
from .canary import CanaryDeployer
from .local import LocalDeployer
from .shadow import ShadowDeployer

__all__ = ["ABTestDeployer", "BlueGreenDeployer", "CanaryDeployer", "LocalDeployer", "ShadowDeployer"]
