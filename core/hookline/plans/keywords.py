"""What Python callers say by overrides, mappings, keywords, objects and data frames, as a config."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import to_polars
from hookline.errors import ConfigError, DataError, HooklineError, Problem, UsageError
from hookline.kinds.artifacts import Dataset, Roles
from hookline.kinds.component import Component
from hookline.kinds.features.sets import FeatureSet
from hookline.kinds.given.references import hold, settle
from hookline.kinds.kinds import KINDS, MULTIPLE, Source
from hookline.workspace.piped import settled

from .hydra.shorthand import ROLES, is_path, with_roles

if TYPE_CHECKING:
    import polars as pl

    from hookline.quality.profile.diversity.population import Population
    from hookline.quality.profile.profile import DataProfile
    from hookline.registry.registry import Registry

    from .config import RunConfig

DEFAULTS: Mapping[str, Any] = {"featurizer": ["tabular"], "trainer": "auto", "evaluator": ["standard"]}
"""What `hl.run(source=...)` adds where nothing is said."""
PARTS = frozenset({"roles", "split", "decision", "intervals", "sets", "learning_curve", "gates", "settings"})
"""Mappings of a config that are added to, where components take each other's place."""


class FrameSource(Source):
    """Rows of a data frame that is already in memory; made by `hl.run(source=frame)`."""

    name = "frame"
    digest: str
    """Content digest of the frame, so that the same rows are recognized."""

    @classmethod
    def of(cls, frame: pl.DataFrame) -> FrameSource:
        """Wrap a polars frame."""
        content = hashlib.sha256(repr(frame.schema).encode())
        content.update(frame.hash_rows(seed=0).to_numpy().tobytes())
        source = cls(digest=content.hexdigest())
        object.__setattr__(source, "_frame", frame)
        return source

    def load(self) -> Dataset:
        """Return the frame; raises DataError if this object was rebuilt from config, where no frame can be."""
        frame: pl.DataFrame | None = getattr(self, "_frame", None)
        if frame is None:
            raise DataError(
                "source 'frame' exists only in the process that made it", hint="save the rows and use source=file"
            )
        return Dataset(frame.lazy(), name="frame")

    def columns_ahead(self) -> Mapping[str, pl.DataType | None] | None:
        """Return the frame's types; None where there is no frame."""
        frame: pl.DataFrame | None = getattr(self, "_frame", None)
        return None if frame is None else {**frame.schema}

    def fingerprint(self) -> str:
        """Return the content digest."""
        return self.digest


def config_of(registry: Registry, overrides: Sequence[Any], config: Mapping[str, Any]) -> RunConfig:
    """Turn what `run` takes into a resolved config."""
    from .config import FEATURES, resolve
    from .hydra.compose import compose

    texts, mappings = _texts(overrides), [item for item in overrides if isinstance(item, Mapping)]
    if texts and mappings:
        raise UsageError("give either Hydra overrides or a mapping, not both")
    given: dict[str, Any] = {}
    for mapping in (*mappings, config):
        given = _laid_over(given, mapping)
    if given.get(FEATURES) is not None:
        given[FEATURES] = _sets(registry, given[FEATURES])
    if isinstance(experiment := given.get("experiment"), str):
        texts.append(f"experiment={experiment}")
        del given["experiment"]
    # Values that others may refer to, as a component's seed does, are in place before any of them is read.
    tree = compose(registry, texts, said=_scalars(given)) if texts or not (mappings or config) else dict(DEFAULTS)
    return resolve(registry, _normal(registry, _laid_over(tree, given)))


def _texts(overrides: Sequence[Any]) -> list[str]:
    """Return the Hydra overrides among what `run` takes, which may also stand in lists."""
    found: list[str] = []
    for item in overrides:
        listed = isinstance(item, Sequence) and not isinstance(item, str)
        texts = [] if isinstance(item, Mapping) else item if listed else [item]
        for text in texts:
            if not isinstance(text, str):
                raise UsageError(f"{text!r} is no override", hint='write key=value, such as "seed=7", or a mapping')
            found.append(text)
    return found


def _sets(registry: Registry, given: Any) -> dict[str, Any]:
    """Return the feature sets that names, objects, or a mapping of them mean, by name."""
    from .hydra.compose import sets_named

    if isinstance(given, Mapping):
        return dict(given)
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    for one in listed:
        if not isinstance(one, (str, FeatureSet)):
            raise ConfigError("bad config", [Problem("features", f"must be names or feature sets, got {one!r}")])
    named = sets_named(registry, [one for one in listed if isinstance(one, str)])
    return {name: named[name] for name in named} | {one.name: one for one in listed if isinstance(one, FeatureSet)}


def _scalars(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's options that are one plain value."""
    from .config import Options

    names = [field.name for field in dataclasses.fields(Options)]
    return {name: given[name] for name in names if isinstance(given.get(name), (str, int, float, Path))}


def _laid_over(tree: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with more said over it; of what is a part of the config, and no component, key by key."""
    parts = {name: _added(_set(tree[name]), _set(given[name])) for name in PARTS.intersection(tree, given)}
    return {**tree, **given, **parts}


def _added(below: Any, over: Any) -> Any:
    if not (isinstance(below, Mapping) and isinstance(over, Mapping)):
        return over
    return {**below, **{key: _added(below.get(key), value) for key, value in over.items()}}


def _set(part: Any) -> Any:
    """Return what an object such as Roles sets; other values as they are."""
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return part
    values = {field.name: (getattr(part, field.name), field.default) for field in dataclasses.fields(part)}
    return {name: value for name, (value, default) in values.items() if value != default}


def source_of(registry: Registry, what: str | Path | Mapping[str, Any] | Component) -> Source:
    """Return the source that a path, a name, or a mapping with `component` and its fields means."""
    from .placing.components import name_in

    node = _source(registry, what)
    if isinstance(node, Mapping):
        fields = {name: value for name, value in node.items() if name != "component"}
        whole, kept = settle(fields, "source")
        node = hold(registry.build("source", name_in(node, "source", "source"), whole, "source"), kept)
    elif isinstance(node, str):
        node = registry.build("source", node, {}, "source")
    if not isinstance(node, Source):
        raise UsageError(f"{node!r} is no source")
    return node


def set_roles(roles: Roles | Mapping[str, Any] | None) -> Any:
    """Return the roles that somebody set, as config says them."""
    return _set(roles) or {}


def profile_of(
    registry: Registry, what: Any, roles: Roles | Mapping[str, Any] | None, over: Roles, population: Any = None
) -> DataProfile:
    """Return the profile of the table that somebody names or holds; over: roles that stand above the others.

    population: whom the rows should stand for, a table as `what` is, or shares as column -> value -> share
    """
    from hookline.quality.profile.profile import profile_frame, profile_source
    from hookline.registry.remedies import add_remedies
    from hookline.registry.values import validate

    from .config import Options

    given = validate(Options, {"roles": set_roles(roles)}, "", "bad config")
    named = given.roles.merged(over)
    try:
        if isinstance(what, (str, Path, Mapping, Component)):
            return profile_source(
                source_of(registry, what), named, registry.remedies, _population(registry, population)
            )
        return profile_frame(what, named, registry.remedies, _population(registry, population))
    except HooklineError as error:
        add_remedies(error, registry.remedies)
        raise


def _population(registry: Registry, what: Any) -> Population | None:
    from hookline.data.frames import to_polars
    from hookline.quality.profile.diversity.population import Population
    from hookline.quality.profile.diversity.said import shares_in, shares_of

    if what is None:
        return None
    if isinstance(what, Mapping) and "component" not in what:
        return shares_of(what)
    if isinstance(what, (str, Path)) and (said := shares_in([str(what)])) is not None:
        return said
    if isinstance(what, (str, Path, Mapping, Component)):
        return Population({}, source_of(registry, what).load().frame)
    return Population({}, to_polars(what).lazy())


def _normal(registry: Registry, tree: dict[str, Any]) -> dict[str, Any]:
    tree = dict(tree)
    roles = tree.get("roles") or {}
    if not isinstance(given := _set(roles), Mapping):
        raise ConfigError("bad config", [Problem("roles", f"must be a mapping of roles to columns, got {roles!r}")])
    if given or any(name in tree for name in ROLES):
        tree = with_roles({**tree, "roles": given})
    if "source" in tree:
        tree["source"] = _source(registry, tree["source"])
    seed = tree.get("seed", 0)
    for kind in KINDS:
        if kind in MULTIPLE and kind in tree:
            tree[kind] = {key: _seeded(registry, kind, node, seed) for key, node in _several(kind, tree[kind]).items()}
        elif tree.get(kind) is not None:
            tree[kind] = _seeded(registry, kind, tree[kind], seed)
    return tree


def _source(registry: Registry, source: Any) -> Any:
    if isinstance(source, (Component, Mapping)) or source is None:
        return source
    if isinstance(source, Path) or (isinstance(source, str) and ("source", source) not in registry and is_path(source)):
        return {"component": "file", "path": settled(str(source))}
    if isinstance(source, str):
        return source
    frame = to_polars(source)
    return FrameSource.of(frame.lazy().collect())


def _several(kind: str, nodes: Any) -> dict[str, Any]:
    """Return the components of a multiple-choice kind by key; the same one twice gets a number."""
    from .placing.components import key_of

    if nodes is None:
        return {}
    if isinstance(nodes, Mapping) and "component" not in nodes:
        return dict(nodes)
    listed = isinstance(nodes, Sequence) and not isinstance(nodes, str)
    keyed: dict[str, Any] = {}
    for place, node in enumerate(nodes if listed else [nodes]):
        key = key_of(_name_of(kind, node, f"{kind}.{place}" if listed else kind))
        number = sum(1 for other in keyed if other == key or other.startswith(f"{key}_"))
        keyed[f"{key}_{number + 1}" if key in keyed else key] = node
    return keyed


def _name_of(kind: str, node: Any, path: str) -> str:
    from .placing.components import name_in

    if isinstance(node, (str, Component)):
        return node if isinstance(node, str) else node.name
    if isinstance(node, Mapping):
        return name_in(node, kind, path)
    told = f"must be a {kind}: a name, an object, or a mapping with `component`, got {node!r}"
    raise ConfigError("bad config", [Problem(path, told)])


def _seeded(registry: Registry, kind: str, node: Any, seed: int) -> Any:
    """Give a component named without a seed the run's, as the command line does."""
    if isinstance(node, Component):
        return node
    values = dict(node) if isinstance(node, Mapping) else {"component": node}
    name = str(values.get("component"))
    if (kind, name) in registry:
        fields = {field.name for field in dataclasses.fields(registry.entry(kind, name).cls)}
        if "seed" in fields:
            values.setdefault("seed", seed)
    return values
