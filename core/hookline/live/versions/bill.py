"""What a package is made of, as a bill of materials (CycloneDX 1.6), and which of it is known to be bad."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import DataError, MissingBackend
from hookline.kinds.plain import adapter
from hookline.packages.door.faults import first_of
from hookline.packages.door.files import MANIFEST
from hookline.packages.door.names import shown
from hookline.packages.manifest import verify
from hookline.packages.telling.needs import lock_in
from hookline.registry.distributions import normal
from hookline.runs.names import find
from hookline.workspace.bounded import Unreadable, parse_json, read_ordinary


@dataclass(frozen=True)
class Advice:
    """A distribution of a package that an advisory warns of. fixed: the first version that is mended, where one is named"""

    distribution: str
    version: str
    advisory: str
    summary: str
    fixed: str | None


def bill_of_materials(what: str | Path, *, home: str | Path | None = None) -> dict[str, Any]:
    """Return a package's bill of materials as CycloneDX JSON: the model, its files by digest, and what its answers go by.

    what: as for `load`; of a run, its only package
    Raises StoreError for a damaged package, MissingBackend where cyclonedx-python-lib is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.output.json import JsonV1Dot6
    except ModuleNotFoundError:
        raise MissingBackend("a bill of materials", "cyclonedx", "sbom") from None
    found = find(what, home)
    folder = found.package()
    manifest = verify(folder)
    # Its decorators hide from type checkers what its classes are.
    bom: Any = _any(Bom)(components=_libraries(lock_in(folder, manifest)))
    bom.metadata.component = _model(manifest, found.version)
    bom.register_dependency(bom.metadata.component, bom.components)
    told: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    return told


def _model(manifest: Mapping[str, Any], version: int | None) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    files = [
        _any(Component)(
            name=name,
            type=ComponentType.FILE,
            hashes=[_any(HashType)(alg=HashAlgorithm.BLAKE2B_512, content=facts["blake2b"])],
        )
        for name, facts in manifest["files"].items()
        if name != MANIFEST
    ]
    told = f"{manifest['model']} for {manifest['target']['name']}, packaged by {manifest['packager']}"
    number = None if version is None else str(version)
    sort = ComponentType.MACHINE_LEARNING_MODEL
    return _any(Component)(name=str(manifest["name"]), version=number, type=sort, description=told, components=files)


def _any(cls: Any) -> Any:
    return cls


def _libraries(locked: Mapping[str, str]) -> Iterator[Any]:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    for name, version in locked.items():
        url = PackageURL("pypi", None, name, version)
        yield _any(Component)(name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=url.to_string())


def audit_package(what: str | Path, advisories: str | Path, *, home: str | Path | None = None) -> list[Advice]:
    """Return which distributions that a package's answers go by are known to be bad, in the versions that it was made with.

    what: as for `load`; advisories: a file, or a folder of `.json` files, in the OSV schema (ossf.github.io/osv-schema),
        one advisory, or a list of them, a file
    Raises DataError for what is no advisory.
    """
    folder = find(what, home).package()
    locked = lock_in(folder, verify(folder))
    return [advice for one in _advisories(Path(advisories)) for advice in _warned(one, locked)]


@dataclass(frozen=True)
class _Package:
    ecosystem: str = ""
    name: str = ""


@dataclass(frozen=True)
class _Range:
    type: str = ""
    events: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class _Affected:
    package: _Package | None = None
    versions: tuple[str, ...] | None = None
    ranges: tuple[_Range, ...] | None = None


@dataclass(frozen=True)
class _Advisory:
    """What is read of an advisory in the OSV schema; it may say more."""

    id: str
    summary: str | None = None
    withdrawn: str | None = None
    affected: tuple[_Affected, ...] | None = None


def _advisories(path: Path) -> Iterator[_Advisory]:
    from pydantic import ValidationError

    if not path.exists():
        raise DataError(f"there is no file {path}", hint="advisories in the OSV schema, such as those of osv.dev")
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise DataError(
            f"the folder {path} holds no .json file", hint="advisories in the OSV schema, one or more a file"
        )
    for file in files:
        try:
            found = parse_json(read_ordinary(file))
        except (OSError, Unreadable) as error:
            raise DataError(f"{file} cannot be read: {error}") from None
        for place, one in enumerate(found if isinstance(found, list) else [found]):
            try:
                yield adapter(_Advisory).validate_python(one)
            except (ValidationError, RecursionError) as error:
                named = one.get("id") if isinstance(one, dict) else None
                which = f"'{shown(named)}'" if named else f"number {place + 1}"
                raise DataError(
                    f"{file} holds what is no advisory, {which}: {first_of(error)}",
                    hint="see ossf.github.io/osv-schema",
                ) from None


def _warned(advisory: _Advisory, locked: Mapping[str, str]) -> Iterator[Advice]:
    """Yield the distributions that an advisory warns of; one that was withdrawn warns of none."""
    if advisory.withdrawn:
        return
    for affected in advisory.affected or ():
        package = affected.package or _Package()
        name = normal(package.name)
        version = locked.get(name)
        if package.ecosystem.lower() != "pypi" or version is None:
            continue
        hit, fixed = _is_hit(affected, version, advisory.id)
        if hit:
            yield Advice(name, version, advisory.id, (advisory.summary or "")[:200], fixed)


def _is_hit(affected: _Affected, version: str, advisory: str) -> tuple[bool, str | None]:
    """Tell whether a version is one of those, and the first that is mended after it."""
    from packaging.version import InvalidVersion, Version

    try:
        here, fixed = Version(version), None
        hit = version in (affected.versions or ())
        for part in affected.ranges or ():
            if part.type != "ECOSYSTEM":
                continue
            inside, mended = _inside([event for event in part.events if event], here)
            hit, fixed = hit or inside, fixed or mended
    except InvalidVersion as error:
        raise DataError(f"advisory {advisory} cannot be read: {error}", hint="see ossf.github.io/osv-schema") from None
    return hit, fixed


def _inside(events: Sequence[Mapping[str, str]], here: Any) -> tuple[bool, str | None]:
    """Go through a range's events in order, as the schema's own algorithm does."""
    from packaging.version import Version

    def place(event: Mapping[str, str]) -> Any:
        return Version("0" if (said := next(iter(event.values()))) == "0" else said)

    inside, fixed = False, None
    for event in sorted(events, key=place):
        at = place(event)
        if "introduced" in event and (here >= at or event["introduced"] == "0"):
            inside, fixed = True, None
        elif ("fixed" in event and here >= at) or ("last_affected" in event and here > at):
            inside = False
        elif "fixed" in event and inside and fixed is None:
            fixed = event["fixed"]
    return inside, fixed
