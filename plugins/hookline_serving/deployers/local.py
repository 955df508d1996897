"""The `local` deployer: one version answers everything, from this machine."""

from __future__ import annotations

from typing import Literal

from hookline import Deployment, Package

from .policies import number_of
from .serving import ServingDeployer


class LocalDeployer(ServingDeployer):
    """Makes the new version the champion where nothing speaks against it; `hookline serve MODEL` answers with it over HTTP."""

    name = "local"
    promote: Literal["unless_worse", "always"] = "unless_worse"
    """Whether a version with a critical finding, another target or worse metrics than the champion's takes over all the same."""

    def accepts(self, package: Package) -> bool:
        """Accept a package that nothing speaks against; each where it is told to."""
        return self.promote == "always" or not package.objections

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Send everything to the new version."""
        return Deployment.single(package.name, number_of(package), self.name)
