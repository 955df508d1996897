"""What a server answers with: a model's policy and the versions that it names, or one package alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.kinds.deployments import Deployment
from hookline.kinds.fitted import Predictor
from hookline.packages.loading import LoadedPackage
from hookline.workspace.workspace import Workspace

ALONE = 0
"""The version of a package that no catalog numbers."""


@dataclass
class SinglePackage:
    """A fleet of one package: a folder, or a version that was asked for by its number or alias."""

    package: LoadedPackage
    version: int | None
    """Its number in the catalog; None where it has none."""
    log_folder: Path | None = None

    def policy(self) -> Deployment:
        """Return the policy that sends everything to it."""
        return Deployment.single(str(self.package.manifest["name"]), self.version or ALONE, "")

    def predictor(self, version: int) -> Predictor:
        """Return its predictor."""
        return self.package.predictor

    def facts(self, version: int) -> Mapping[str, Any]:
        """Return what answers say of it."""
        return facts_of(self.package, self.version)

    def log(self) -> Path | None:
        """Return the folder where answers are recorded."""
        return self.log_folder


@dataclass
class DeployedModel:
    """A fleet that goes by the policy in the catalog; each version is verified and loaded when it is first asked for."""

    workspace: Workspace
    model: str
    load: Callable[[Path], LoadedPackage]
    """Verifies and loads a package folder."""
    log_folder: Path | None = None
    loaded: dict[int, LoadedPackage] = field(default_factory=dict, repr=False)

    def policy(self) -> Deployment:
        """Return the newest policy; where nothing was ever deployed, one that sends everything to the newest version."""
        catalog = self.workspace.catalog
        found = catalog.deployments.current(self.model)
        return found or Deployment.single(self.model, catalog.models.get(self.model).version, "")

    def predictor(self, version: int) -> Predictor:
        """Return a version's predictor; raises UnknownName, and what loading a package raises."""
        return self._package(version).predictor

    def facts(self, version: int) -> Mapping[str, Any]:
        """Return what answers say of a version."""
        return facts_of(self._package(version), version)

    def log(self) -> Path | None:
        """Return the folder where answers are recorded."""
        return self.log_folder

    def _package(self, version: int) -> LoadedPackage:
        if version not in self.loaded:
            self.loaded[version] = self.load(Path(self.workspace.catalog.models.get(self.model, version).path))
        return self.loaded[version]


def facts_of(package: LoadedPackage, version: int | None) -> dict[str, Any]:
    """Return a package's model, version and format, as answers and records say them."""
    return {"model": package.manifest["name"], "version": version, "format": package.manifest["packager"]}
