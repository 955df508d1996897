"""A package held against what it said when it was made: its files, its seal, its environment, and its golden rows asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hookline.kinds.deployments import Trust
from hookline.packages.certificate.certificate import CERTIFICATE, Certificate
from hookline.packages.certificate.golden import Rescored, rescore
from hookline.packages.door.sealing import signed_by
from hookline.packages.loading import load_package
from hookline.packages.manifest import environment, read_as
from hookline.packages.telling.needs import lock_in
from hookline.registry.distributions import normal
from hookline.registry.registry import load_registry
from hookline.runs.names import find


@dataclass(frozen=True)
class Verified:
    """What became of a package since it was made."""

    model: str
    path: Path
    format: str
    files: int
    """So many are what the manifest says; else `verify` raises."""
    signed: bool
    """Whether the seal is this user's, so that nobody else wrote or rewrote it."""
    author: str | None
    """The name of the public key that it is signed by."""
    certified: bool | None
    """Whether its certificate agrees; None where it has none."""
    environment: Mapping[str, tuple[str, str]]
    """Distribution that its answers go by -> its version when it was made, and here, where they differ; empty: not here."""
    golden: Rescored | None
    """Its golden rows asked here; None where none travel with it."""

    @property
    def ok(self) -> bool:
        """Whether it answers as it did, as far as can be told."""
        return self.certified is not False and not (self.golden and self.golden.moved)


def verify_package(what: str | Path, *, trust: Trust | None = None, home: str | Path | None = None) -> Verified:
    """Check a package whole, load it, and ask its golden rows again in the environment at hand.

    what: as for `load`; of a run, its only package
    Raises StoreError for a damaged package, UntrustedPackage where loading it could run code that `trust` does not allow.
    """
    registry, found = load_registry(), find(what, home)
    # What it answers otherwise is told row by row, whatever the reason.
    package = load_package(found.package(), registry, trust, as_made=False)
    manifest, folder = package.manifest, package.path
    certificate = read_as(Certificate, folder / CERTIFICATE) if CERTIFICATE in manifest["files"] else None
    tolerance = certificate.tolerance if certificate else float(manifest["parity"]["tolerance"])
    return Verified(
        found.model or str(manifest["name"]),
        folder,
        str(manifest["packager"]),
        len(manifest["files"]),
        package.signed,
        signed_by(manifest),
        None if certificate is None else certificate.ok,
        _moved(lock_in(folder, manifest)),
        rescore(folder, package.predictor, tolerance),
    )


def _moved(locked: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the distributions of which another version is here, or none."""
    here = {normal(name): version for name, version in environment()["packages"].items()}
    return {name: (version, here.get(name, "")) for name, version in locked.items() if here.get(name) != version}
