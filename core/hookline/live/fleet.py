"""What a server answers with: a model's policy and the versions that it names, or one package alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName
from hookline.kinds.capabilities import Explains
from hookline.kinds.deployments import Beside, Deployment
from hookline.kinds.fitted import Predictor
from hookline.kinds.reports import ColumnProfile
from hookline.kinds.serving.fleet import FillsIn
from hookline.packages.loading import LoadedPackage
from hookline.packages.manifest import ANSWERS, read_as
from hookline.workspace.catalog.sightings import Sighting
from hookline.workspace.home import home
from hookline.workspace.workspace import Workspace

from .explaining.background import background_of
from .explaining.explainers import explainer_for
from .featuring.online.filling import Filling
from .log.labeling import label_rows
from .seen import AnswerCounts, ArmCounts

if TYPE_CHECKING:
    import subprocess

    import polars as pl

POSTED = "POST /labels"
"""Where labels come from that a server was sent, as the catalog keeps it."""
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

    def counts(self, version: int) -> ArmCounts:
        """Return counts of nothing yet."""
        return counts_of(self.package)

    def explainer(self, version: int) -> Explains:
        """Return who explains its answers; raises UsageError where nobody does."""
        return explainer_for(self.package)

    def ordinary(self, version: int) -> tuple[str, pl.DataFrame]:
        """Return what its answers are held against, in words and as rows; raises DataError where its package tells nothing."""
        found = background_of(self.package)
        return found.told, found.rows

    def filler(self, version: int) -> FillsIn | None:
        """Return what fills its rows from the online store of the home; None where its feature sets join nothing."""
        return _filler(home(), self.package)

    def tell(self, sightings: Sequence[Sighting]) -> None:
        """Tell nobody."""

    def keep(self, versions: Collection[int]) -> None:
        """Keep the one there is."""

    def begin(self, beside: Beside) -> subprocess.Popen[bytes]:
        """Raise OSError: there is no version beside the one there is."""
        raise OSError("a package that is served alone has no version beside it")

    def label(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
        """Raise UnknownName: what was true is kept with a model, which `hookline serve MODEL` answers for as a whole."""
        name = str(self.package.manifest["name"])
        told = (
            f"hookline serve {name} answers for the model, and hookline labels add {name} FILE adds labels from a file"
        )
        raise UnknownName("labels of the package", name, (), hint=told)


@dataclass
class DeployedModel:
    """A fleet that goes by the policy in the catalog; each version is verified and loaded when it is first asked for."""

    workspace: Workspace
    model: str
    load: Callable[[Path], LoadedPackage]
    """Verifies and loads a package folder."""
    log_folder: Path | None = None
    spawn: Callable[[Beside], subprocess.Popen[bytes]] | None = None
    """Begins a process for the same model that asks a version off the way of answers; None: none can be begun."""
    loaded: dict[int, LoadedPackage] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _loading: dict[int, Lock] = field(default_factory=dict, repr=False)
    """A lock a version, so that one that never comes to be loaded keeps no other waiting."""

    def policy(self) -> Deployment:
        """Return the newest policy; where nothing was ever deployed, one that sends everything to the newest version."""
        catalog = self.workspace.catalog
        catalog.database.require_same()
        found = catalog.deployments.current(self.model)
        return found or Deployment.single(self.model, catalog.models.get(self.model).version, "")

    def predictor(self, version: int) -> Predictor:
        """Return a version's predictor; raises UnknownName, and what loading a package raises."""
        return self._package(version).predictor

    def facts(self, version: int) -> Mapping[str, Any]:
        """Return what answers say of a version."""
        # A version that came from elsewhere may be called otherwise there.
        return {**facts_of(self._package(version), version), "model": self.model}

    def log(self) -> Path | None:
        """Return the folder where answers are recorded."""
        return self.log_folder

    def counts(self, version: int) -> ArmCounts:
        """Return counts of nothing yet, whose answers are counted as a version's package says its own lay."""
        return counts_of(self._package(version))

    def explainer(self, version: int) -> Explains:
        """Return who explains its answers; raises UsageError where nobody does."""
        return explainer_for(self._package(version))

    def ordinary(self, version: int) -> tuple[str, pl.DataFrame]:
        """Return what its answers are held against, in words and as rows; raises DataError where its package tells nothing."""
        found = background_of(self._package(version))
        return found.told, found.rows

    def filler(self, version: int) -> FillsIn | None:
        """Return what fills a version's rows from the online store; None where its feature sets join nothing."""
        return _filler(self.workspace.home, self._package(version))

    def tell(self, sightings: Sequence[Sighting]) -> None:
        """Tell the catalog what this process saw; raises StoreError where it is away."""
        self.workspace.catalog.database.require_same()
        self.workspace.catalog.sightings.tell(sightings)

    def keep(self, versions: Collection[int]) -> None:
        """Let go of every version but these."""
        with self._lock:
            for version in set(self.loaded) - set(versions):
                del self.loaded[version]

    def begin(self, beside: Beside) -> subprocess.Popen[bytes]:
        """Begin a process that asks a version off the way of answers; raises OSError."""
        if self.spawn is None:
            raise OSError("nobody said how a process beside this one is begun")
        return self.spawn(beside)

    def label(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
        """Add what turned out to be true; raises DataError that names the rows, and StoreError."""
        target = self._package(self.policy().version).target
        made = asdict(label_rows(self.workspace, self.model, target, rows, POSTED))
        del made["model"]
        return made

    def _package(self, version: int) -> LoadedPackage:
        with self._lock:
            loading = self._loading.setdefault(version, Lock())
        with loading:
            found = self.loaded.get(version)
            if found is None:
                found = self.load(Path(self.workspace.catalog.models.get(self.model, version).path))
                with self._lock:
                    self.loaded[version] = found
            return found


def _filler(folder: Path, package: LoadedPackage) -> FillsIn | None:
    return Filling.of(folder, package.path)


def facts_of(package: LoadedPackage, version: int | None) -> dict[str, Any]:
    """Return a package's model, version and format, as answers and records say them."""
    return {"model": package.manifest["name"], "version": version, "format": package.manifest["packager"]}


def counts_of(package: LoadedPackage) -> ArmCounts:
    """Return counts of nothing yet, whose answers are counted as the package says its own lay on held-out rows."""
    path = package.path / ANSWERS
    known = read_as(ColumnProfile, path) if path.is_file() else None
    return ArmCounts(AnswerCounts.of(package.target, known))
