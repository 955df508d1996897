"""Packages: a pipeline on disk with its manifest, verified before anything of it is used."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from . import codec
from .artifacts import Prediction, Roles, Schema, Target
from .capabilities import TakesContract
from .components import Component, Model, Packager, Predictor, Trust
from .contract_file import Contract, read_contract
from .errors import DataError, ExportError, HooklineError, StoreError, UnknownName
from .frames import to_polars
from .pipeline import FittedStage, Pipeline
from .plugins import load_plugins
from .registry import Registry, plain, ports
from .version import __version__

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

FORMAT = 1
"""Version of the package layout; a package of a later one is refused."""
MANIFEST = "manifest.json"
PIPELINE = "pipeline.json"
PARITY_ROWS = 10_000

M = TypeVar("M", bound=Model)
T = TypeVar("T")
_at_hand: ContextVar[Mapping[tuple[str, str], type[Component]] | None] = ContextVar("hookline_components", default=None)


@dataclass(frozen=True)
class Parity:
    """How a package's predictions differ from the native pipeline's, on the same raw rows.

    max_difference: of probabilities absolute; of numbers relative to the native one, or to their standard deviation on the
        held-out rows where that is larger: next to 0 every rounding would be a large share of a number
    changed_decisions: rows whose label differs, or whose number differs by more than the tolerance
    """

    rows: int
    max_difference: float
    changed_decisions: int
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the package predicts the same, within its format's tolerance."""
        return self.max_difference <= self.tolerance


@dataclass(frozen=True)
class LoadedPackage:
    """A package read back: what answers, and what it says of itself."""

    path: Path
    manifest: Mapping[str, Any]
    predictor: Predictor

    def predict(self, frame: Any) -> Prediction:
        """Predict raw rows (polars or pandas frame, or a list of mappings), in order.

        Raises DataError naming every column that breaks the contract.
        """
        return self.predictor.predict(to_polars(frame))

    @property
    def schema(self) -> Schema:
        """The raw columns that it takes."""
        return self.predictor.schema

    @property
    def target(self) -> Target:
        """What it predicts."""
        return self.predictor.target


@contextmanager
def components_at_hand(classes: Mapping[tuple[str, str], type[Component]]) -> Iterator[None]:
    """Let `read_pipeline` find components of this process that no plugin registers, such as a notebook's own."""
    token = _at_hand.set(classes)
    try:
        yield
    finally:
        _at_hand.reset(token)


def write_pipeline(pipeline: Pipeline[Any], folder: Path) -> None:
    """Write everything of a pipeline but its model as plain JSON."""
    state = {
        "schema": codec.to_json(pipeline.schema),
        "roles": codec.to_json(pipeline.roles),
        "target": codec.to_json(pipeline.target),
        "transforms": [_state(stage) for stage in pipeline.transforms],
        "featurizer": _state(pipeline.featurizer),
    }
    (folder / PIPELINE).write_text(json.dumps(state, indent=1), "utf-8")


def read_pipeline(folder: Path, model: M) -> Pipeline[M]:
    """Read a pipeline back around its model; every fitted part is built from data by a registered component's own class."""
    state = _read_json(folder / PIPELINE)
    registry = Registry(load_plugins())
    return Pipeline(
        codec.from_json(Schema, state["schema"]),
        codec.from_json(Roles, state["roles"]),
        codec.from_json(Target, state["target"]),
        tuple(_fitted(registry, "transform", item) for item in state["transforms"]),
        _fitted(registry, "featurizer", state["featurizer"]),
        model,
    )


def package_schema(folder: Path) -> Schema:
    """Return the input contract of a package; raises StoreError where it is damaged."""
    return _from_pipeline(folder, "schema", Schema)


def package_roles(folder: Path) -> Roles:
    """Return which columns of the training data played which part; raises StoreError where the package is damaged."""
    return _from_pipeline(folder, "roles", Roles)


def _from_pipeline(folder: Path, key: str, cls: type[T]) -> T:
    try:
        return codec.from_json(cls, _read_json(folder / PIPELINE)[key])
    except (KeyError, ValueError) as error:
        raise StoreError(f"{folder / PIPELINE} is damaged: {type(error).__name__}") from error


def seal(folder: Path, packager: Packager, facts: Mapping[str, Any]) -> None:
    """Write the manifest: the facts, and the size and digest of every file; the last thing written, in one step."""
    manifest = {
        "format": FORMAT,
        "hookline": __version__,
        "packager": packager.name,
        "packager_config": plain(packager),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
        "files": {name: _facts_of(folder / name) for name in _files(folder)},
    }
    temporary = folder / f".{MANIFEST}.{os.getpid()}"
    temporary.write_text(json.dumps(manifest, indent=1, default=str), "utf-8")
    temporary.replace(folder / MANIFEST)


def add_files(folder: Path, files: Mapping[str, Path]) -> None:
    """Add files to a sealed package, and seal it again."""
    import shutil

    manifest = read_manifest(folder)
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        manifest["files"][name] = _facts_of(folder / name)
    temporary = folder / f".{MANIFEST}.{os.getpid()}"
    temporary.write_text(json.dumps(manifest, indent=1), "utf-8")
    temporary.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a package's manifest; raises DataError where there is none, StoreError where it is of a later version."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", hint="`hookline models list` tells which versions there are")
    if not (folder / MANIFEST).is_file():
        raise DataError(f"{folder} is not a package: it has no {MANIFEST}")
    manifest = _read_json(folder / MANIFEST)
    version = manifest.get("format")
    if version != FORMAT:
        raise StoreError(
            f"{folder} has package format {version!r}, and this hookline ({__version__}) reads {FORMAT}",
            hint=f"it was written by hookline {manifest.get('hookline', '?')}; install that version or a later one",
        )
    return manifest


def verify(folder: Path) -> dict[str, Any]:
    """Return the manifest after checking every file against it; raises StoreError naming what is damaged, missing or foreign."""
    manifest = read_manifest(folder)
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not isinstance(manifest.get("packager"), str):
        raise StoreError(f"{folder / MANIFEST} is not the manifest of a package")
    links = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink())
    if links:
        raise StoreError(f"package {folder} holds links, which may lead out of it: {', '.join(links[:5])}")
    for name, facts in listed.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise StoreError(f"{folder / MANIFEST} names '{name}', which is outside the package")
        path = folder / name
        if not path.is_file():
            raise StoreError(f"package {folder} is incomplete: {name} is missing")
        if _facts_of(path) != facts:
            raise StoreError(
                f"package {folder} is damaged: {name} is not what the manifest says",
                hint="copy or build the package again",
            )
    # Evidence is added once a run has ended, and listed last; nothing of it is ever run.
    foreign = sorted(name for name in set(_files(folder)) - set(listed) if not name.startswith("evidence/"))
    if foreign:
        raise StoreError(f"package {folder} holds files that its manifest does not list: {', '.join(foreign[:5])}")
    return manifest


def load_package(
    folder: Path, registry: Registry, trust: Trust | None = None, contract: Path | None = None
) -> LoadedPackage:
    """Verify a package and load it with the packager that wrote it; runs none of its code unless `trust` says so.

    contract: a file whose word stands above the package's own contract, in this process.
    """
    said = None if contract is None else read_contract(contract, "--contract")
    manifest = verify(folder)
    try:
        given = manifest.get("packager_config") or {}
        packager = registry.build("packager", str(manifest["packager"]), given, "packager")
        assert isinstance(packager, Packager)
        type(packager).check_backend()
        predictor = packager.load(folder, trust or trust_of_environment())
    except UnknownName as error:
        raise _missing_plugin(folder, manifest, error) from error
    except ImportError as error:
        raise StoreError(
            f"package {folder} needs the module '{error.name}', which cannot be imported",
            hint="install what it was made with: see `environment` in its manifest.json",
        ) from error
    except (KeyError, ValueError, TypeError) as error:
        raise StoreError(f"package {folder} cannot be read: {type(error).__name__}: {error}".splitlines()[0]) from error
    return LoadedPackage(folder, manifest, predictor if said is None else under_contract(predictor, said))


def under_contract(predictor: Predictor, contract: Contract) -> Predictor:
    """Return a predictor under a person's contract; raises DataError where it does not fit the model's columns."""
    if not isinstance(predictor, TakesContract):
        raise DataError(f"{type(predictor).__name__} keeps the contract that it came with", hint="leave --contract out")
    return predictor.with_schema(contract.over(predictor.schema, "the model takes"))


def _missing_plugin(folder: Path, manifest: Mapping[str, Any], error: UnknownName) -> HooklineError:
    """Say which plugin a package needs, and how to get it: the name before the dot is the plugin's."""
    plugin, dot, _ = error.name.partition(".")
    installed = (manifest.get("environment") or {}).get("packages") or {}
    made_by = [name for name in installed if name.lower().replace("_", "-").removeprefix("hookline-") == plugin]
    if not dot:
        return StoreError(
            f"package {folder} needs {error.what} '{error.name}', which no plugin here brings",
            hint="name the module that has it in HOOKLINE_PLUGINS, or in [tool.hookline] plugins of pyproject.toml",
        )
    told = f"{made_by[0]}=={installed[made_by[0]]}" if made_by else f"hookline-{plugin}"
    return StoreError(
        f"package {folder} needs {error.what} '{error.name}' of the plugin '{plugin}', which is not installed",
        hint=f"pip install '{told}'",
    )


def trust_of_environment() -> Trust:
    """Return what the environment allows: HOOKLINE_ALLOW_PICKLE=1 lets packages unpickle."""
    return Trust(pickle=os.environ.get("HOOKLINE_ALLOW_PICKLE", "") not in ("", "0"))


def measure_parity(native: Predictor, packaged: Predictor, frame: pl.DataFrame, tolerance: float) -> Parity:
    """Compare two predictors on the same raw rows."""
    import numpy as np

    expected = native.predict(frame)
    difference, changed = differences(
        native.target, expected, packaged.predict(frame), tolerance, spread_of(native.target, expected)
    )
    return Parity(frame.height, float(difference.max(initial=0.0)), int(np.sum(changed)), tolerance)


def spread_of(target: Target, prediction: Prediction) -> float:
    """Return the standard deviation of predicted numbers; 1 where there is none, and for labels."""
    import numpy as np

    spread = float(np.std(prediction.values)) if target.task == "regression" and len(prediction.values) else 0.0
    return spread if np.isfinite(spread) and spread > 0 else 1.0


def differences(
    target: Target, expected: Prediction, actual: Prediction, tolerance: float, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far two predictions of the same rows are apart, as in `Parity`: float64 (n,), and changed: bool (n,)."""
    import numpy as np

    if expected.probabilities is not None and actual.probabilities is not None:
        difference = np.abs(expected.probabilities - actual.probabilities).max(axis=1, initial=0.0)
        changed = expected.values != actual.values
    elif target.task == "regression":
        difference = np.abs(expected.values - actual.values) / np.maximum(spread, np.abs(expected.values))
        changed = difference > tolerance
    else:
        changed = expected.values != actual.values
        difference = changed.astype(float)
    return np.where(np.isfinite(difference), difference, np.inf), np.asarray(changed, dtype=bool)


def require_parity(packager: Packager, parity: Parity) -> None:
    """Raise ExportError where a package does not predict what the pipeline does."""
    if not parity.ok:
        raise ExportError(
            f"packager '{packager.name}' changes predictions: the largest difference on {parity.rows} held-out rows is "
            f"{parity.max_difference:.3g} (tolerance {parity.tolerance:g}), and {parity.changed_decisions} decisions changed",
            hint="choose another packager, such as skops",
        )


def check_takes(packager: Packager, model: Model) -> None:
    """Raise ExportError where a packager does not take this kind of model (known late if a trainer only says `Model`)."""
    import typing

    from .planning import assignable

    wanted = typing.get_args(next(iter(ports(type(packager)).takes.values()), Any))
    if wanted and not assignable(type(model), wanted[0]):
        raise ExportError(f"packager '{packager.name}' does not take {type(model).__name__}")


def _state(stage: FittedStage) -> dict[str, Any]:
    return {"key": stage.key, "component": stage.component, "state": codec.to_json(stage.fitted)}


def _fitted(registry: Registry, kind: str, item: Mapping[str, Any]) -> FittedStage:
    name = item["component"]
    cls = (_at_hand.get() or {}).get((kind, name)) or registry.entry(kind, name).cls
    try:
        return FittedStage(item["key"], name, codec.from_json(ports(cls).makes, item["state"]))
    except HooklineError:
        raise
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"the state of {kind} '{name}' in the package does not fit this version of it: {error}"
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(f"package {path.parent} is incomplete: {path.name} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from None
    if not isinstance(data, dict):
        raise StoreError(f"{path} is damaged: it is not an object")
    return data


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name != MANIFEST and not name.startswith(f".{MANIFEST}"))


def _facts_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "blake2b": hashlib.file_digest(file, "blake2b").hexdigest()}
