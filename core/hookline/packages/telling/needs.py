"""What a package's answers go by: the distributions to install where it is to answer, in the versions that it was made with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.kinds.capabilities import AnswersWith
from hookline.kinds.kinds import Packager
from hookline.kinds.sklearn_model import SklearnModel
from hookline.registry.distributions import distribution_of, normal, with_needs
from hookline.registry.nested import nested_components
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.home import keep, kept

from ..manifest import environment
from ..pipeline import Pipeline

LOCK = "requirements.lock"


def write_lock(registry: Registry, packager: Packager, pipeline: Pipeline[Any], folder: Path) -> None:
    """Write what to install, as `pip install -r` reads it."""
    here = environment()
    head = f"# What the answers of this package go by; made with Python {here['python']} on {here['platform']}"
    (folder / LOCK).write_text("\n".join([head, *locked_lines(packager, pipeline, registry), ""]), "utf-8")


def locked_lines(packager: Packager, pipeline: Pipeline[Any], registry: Registry | None = None) -> list[str]:
    """Return what to install where a pipeline of this format is to answer: `NAME==VERSION`, in order."""
    registry, here = registry or load_registry(), environment()
    # Asking the system which distribution a plugin comes of takes long, and the registry knows.
    plugins = {plugin.module.partition(".")[0]: plugin.distribution for plugin in registry.plugins.plugins}
    modules = {*_modules(packager, pipeline)}
    names = {plugins[name] if name in plugins else distribution_of(name) for name in modules if name != "hookline"}
    return [f"{name}=={version}" for name, version in _locked(["hookline", *filter(None, names)], here).items()]


def _locked(names: Sequence[str], here: Mapping[str, Any]) -> dict[str, str]:
    """Return distributions with all that they need; from the cache where it has been asked in this environment before."""
    told = json.dumps([sorted(names), here["packages"]], sort_keys=True)
    place = f"needs-{hashlib.sha256(told.encode()).hexdigest()[:24]}.json"
    held = kept(place)
    if held is not None:
        found: dict[str, str] = json.loads(held)
        return found
    made = with_needs(names)
    keep(place, json.dumps(made).encode())
    return made


def lock_in(folder: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return distribution -> version of a package that was verified; of one without a lock all that was installed then."""
    if LOCK not in manifest["files"]:
        installed = (manifest.get("environment") or {}).get("packages") or {}
        return {normal(name): version for name, version in installed.items()}
    found: dict[str, str] = {}
    for line in (folder / LOCK).read_text("utf-8").splitlines():
        name, equals, version = line.partition("==")
        if line and not line.startswith("#"):
            if not equals:
                raise StoreError(f"{folder / LOCK} is damaged: it is no list of NAME==VERSION")
            found[name] = version
    return found


def _modules(packager: Packager, pipeline: Pipeline[Any]) -> Iterator[str]:
    """Yield the top modules that answering imports: of the packager, of what is fitted, and of the model where it is held."""
    every = (packager, *(one for one in nested_components(packager) if isinstance(one, Packager)))
    parts: list[Any] = [*every, *(stage.fitted for stage in (*pipeline.transforms, *pipeline.featurizers))]
    for one in every:
        wanted = one.answers_with() if isinstance(one, AnswersWith) else one.requires()
        yield from (name.partition(".")[0] for name in wanted)
    if any(one.native for one in every):
        model = pipeline.model
        parts += [model, *([model.estimator, model.learner] if isinstance(model, SklearnModel) else [])]
    for part in parts:
        yield type(part).__module__.partition(".")[0]
