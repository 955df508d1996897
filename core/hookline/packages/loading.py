"""A package folder, read back into something that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.data.contract.file import Contract, read_contract
from hookline.data.frames import to_polars
from hookline.errors import ConfigError, DataError, HooklineError, StoreError, UnknownName
from hookline.kinds.artifacts import Roles, Schema, Target
from hookline.kinds.capabilities import TakesContract
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Prediction, Predictor
from hookline.kinds.given.switches import switched_on
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import from_json
from hookline.registry.registry import Registry
from hookline.registry.remedies import TRAIN, add_remedies

from .certificate.own_code import require_own_code
from .door.faults import any_fault, first_of
from .door.names import is_distribution
from .door.probing import require_answer
from .door.sealing import is_signed, require_signed
from .manifest import verify
from .owncode.carried import carried_by
from .state import StoredPackage


@dataclass(frozen=True)
class LoadedPackage:
    """A package read back: what answers, and what it says of itself."""

    path: Path
    manifest: Mapping[str, Any]
    predictor: Predictor
    registry: Registry = field(repr=False)
    """What mends a row that cannot be answered is asked of it."""

    def predict(self, frame: Any) -> Prediction:
        """Predict raw rows (polars or pandas frame, or a list of mappings), in order.

        Raises DataError naming every column that breaks the contract.
        """
        try:
            return self.predictor.predict(to_polars(frame))
        except HooklineError as error:
            add_remedies(error, self.registry.remedies, lead=TRAIN)
            raise

    @property
    def signed(self) -> bool:
        """Whether its manifest, and with it every file, is signed with this user's key."""
        return is_signed(self.manifest)

    @property
    def schema(self) -> Schema:
        """The raw columns that it takes."""
        return self.predictor.schema

    @property
    def roles(self) -> Roles:
        """Which raw columns are no features; the id's values name the predictions."""
        return self.predictor.roles

    @property
    def target(self) -> Target:
        """What it predicts."""
        return self.predictor.target


def load_package(
    folder: Path,
    registry: Registry,
    trust: Trust | None = None,
    contract: Path | None = None,
    *,
    few: bool = False,
    as_made: bool = True,
) -> LoadedPackage:
    """Verify a package and load it with the packager that wrote it; runs none of its code unless `trust` says so.

    contract: a file whose word stands above the package's own contract, in this process; few: whether it is to answer a few
    rows at a time; as_made: whether one that goes by people's own code, which is another by now, is refused.
    Code that travels in it is run where it is signed with this user's key, or `trust` allows pickles, and is not here already.
    Raises StoreError for a damaged package, or one whose parts do not fit each other, and UntrustedPackage.
    """
    said = None if contract is None else read_contract(contract, "--contract")
    trust = trust or trust_of_environment()
    manifest = verify(folder)
    stored = stored_of(folder, manifest, registry, trust)
    predictor = _read(stored, manifest, trust)
    _require_same_target(folder, manifest, predictor.target)
    require_answer(predictor, folder, few)
    if as_made:
        require_own_code(predictor, stored, manifest)
    answers = predictor if said is None else under_contract(predictor, said)
    return LoadedPackage(folder, manifest, answers, stored.registry)


def stored_of(
    folder: Path, manifest: Mapping[str, Any], registry: Registry, trust: Trust | None = None
) -> StoredPackage:
    """Return a package that was verified with the components and the code that it is read with; raises as `load_package`."""
    allowed = trust or trust_of_environment()
    if allowed.signed:
        require_signed(manifest, str(folder))
    # As an entry of the store, which may hold a pickle: what this user's key signed, this user's processes wrote.
    trusted = allowed.pickle or allowed.everything or is_signed(manifest)
    return StoredPackage.opened(folder, registry, carried_by(folder, manifest), trusted=trusted)


def _read(stored: StoredPackage, manifest: Mapping[str, Any], trust: Trust) -> Predictor:
    """Have the packager that wrote a package read it back."""
    folder, registry = stored.path, stored.registry
    try:
        given = manifest.get("packager_config") or {}
        packager = registry.build("packager", str(manifest["packager"]), given, "packager")
        assert isinstance(packager, Packager)
        type(packager).check_backend()
        return packager.load(stored, trust)
    except UnknownName as error:
        raise _missing_plugin(folder, manifest, error, registry) from error
    except ConfigError as error:
        # Its hint is for whoever types a config.
        raise StoreError(
            f"package {folder} does not fit its packager '{manifest['packager']}': {error.problems[0]}",
            hint="build the package again",
        ) from error
    except ImportError as error:
        raise StoreError(
            f"package {folder} needs the module '{error.name}', which cannot be imported",
            hint="install what it was made with: see `environment` in its manifest.json",
        ) from error
    except HooklineError:
        raise
    # Whatever a library raises of a file that it did not write, or of parts that do not fit each other.
    except any_fault() as error:
        raise StoreError(f"package {folder} cannot be read: {first_of(error)}") from error


def _require_same_target(folder: Path, manifest: Mapping[str, Any], target: Target) -> None:
    said = manifest.get("target")
    if said is not None and from_json(Target, said) != target:
        raise StoreError(f"package {folder} says two targets, one in its manifest", hint="build the package again")


def under_contract(predictor: Predictor, contract: Contract) -> Predictor:
    """Return a predictor under a person's contract; raises DataError where it does not fit the model's columns."""
    if not isinstance(predictor, TakesContract):
        raise DataError(f"{type(predictor).__name__} keeps the contract that it came with", hint="leave --contract out")
    return predictor.with_schema(contract.over(predictor.schema, "the model takes"))


def _missing_plugin(folder: Path, manifest: Mapping[str, Any], error: UnknownName, registry: Registry) -> HooklineError:
    """Say which plugin a package needs, and how to get it: the name before the dot is the plugin's."""
    plugin, dot, _ = error.name.partition(".")
    skipped = [one for one in registry.plugins.plugins if one.skipped]
    if skipped and not dot:
        told = "; ".join(f"plugin '{one.name}' is skipped: {one.skipped}" for one in skipped)
        return StoreError(
            f"package {folder} needs {error.what} '{error.name}', and {told}",
            hint=f"let {' or '.join(one.name for one in skipped)} load; `hookline plugins` tells what is skipped",
        )
    installed = (manifest.get("environment") or {}).get("packages") or {}
    named = {name: version for name, version in installed.items() if is_distribution(name, version)}
    made_by = [name for name in named if name.lower().replace("_", "-").removeprefix("hookline-") == plugin]
    if not dot:
        return StoreError(
            f"package {folder} needs {error.what} '{error.name}', which no plugin here brings",
            hint="name the module that has it in HOOKLINE_PLUGINS, or in [tool.hookline] plugins of pyproject.toml",
        )
    told = f"{made_by[0]}=={named[made_by[0]]}" if made_by else f"hookline-{plugin}"
    return StoreError(
        f"package {folder} needs {error.what} '{error.name}' of the plugin '{plugin}', which is not installed",
        hint=f"pip install '{told}'",
    )


def trust_of_environment() -> Trust:
    """Return what the environment allows: HOOKLINE_ALLOW_PICKLE=1 lets packages unpickle; raises UsageError for other words."""
    return Trust(pickle=switched_on("HOOKLINE_ALLOW_PICKLE"))
