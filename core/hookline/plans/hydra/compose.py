"""Registered components as Hydra's config groups, and overrides as a plain config."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, Problem, UsageError
from hookline.kinds.component import COMPONENT
from hookline.kinds.features.sets import FeatureSet
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.registry.fields import default_of, has_default
from hookline.registry.nested import kind_in
from hookline.registry.registry import Registry
from hookline.workspace.home import home as home
from hookline.workspace.home import new_run_id

from ..config import FEATURES
from ..placing.components import key_of
from ..placing.sets import declared_plain
from .lines import is_before, registering
from .overrides import check_overrides
from .shorthand import spelled_out, with_roles
from .wording import in_our_words, of_value

CONFIG_NAME = "hookline"
PROVIDER = "hookline-plugins"
CONFIG_PACKAGE = "hookline_conf"


def node_of(cls: type[Any], seed: str | None = "${seed}") -> dict[str, Any]:
    """Return a component's config node: its name and its fields' defaults, `???` where one is required."""
    node: dict[str, Any] = {COMPONENT: cls.name} if hasattr(cls, "kind") else {}
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        default = default_of(cls, field) if has_default(field) else _required(hints[field.name])
        # OmegaConf lets a mapping take the place of null, but not of a list.
        node[field.name] = None if default == [] else default
        if field.name == "seed" and seed is not None:
            node["seed"] = seed
    return node


def _required(hint: Any) -> Any:
    """Return the node of a required field; of a component an open one, so that its fields can be said one by one."""
    is_component = isinstance(hint, type) and kind_in(hint) is not None
    return {COMPONENT: "???"} if is_component else "???"


def compose(
    registry: Registry,
    overrides: Sequence[str],
    config_dir: Path | None = None,
    said: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Compose a run config from Hydra overrides as plain values; raises ConfigError or UnknownName.

    said: values of the root that stand above the overrides, and that other values may refer to
    """
    from hydra import compose as hydra_compose
    from omegaconf import OmegaConf

    from .guarded import guarded

    populate(registry)
    if config_dir and not config_dir.is_dir():
        raise UsageError(f"there is no folder {config_dir}", hint="--config-dir names a folder of configs")
    extra = [f"hydra.searchpath=[file://{config_dir.absolute()}]"] if config_dir else []
    given = spelled_out(without_null(override) for override in overrides)
    check_overrides(registry, given, config_dir)
    with (
        in_our_words(registry, lambda: options(registry), config_dir),
        guarded(given),
        initialized(),
    ):
        config = hydra_compose(CONFIG_NAME, [*extra, *given])
        for name, value in (said or {}).items():
            OmegaConf.update(config, name, value)
        found = plain(config)
    require_sets(given, found)
    return found


def require_sets(overrides: Sequence[str], config: Mapping[str, Any]) -> None:
    """Raise ConfigError where the file of a feature set that overrides name does not hold it: it would be left out in silence."""
    for override in overrides:
        named = re.fullmatch(rf"\+*{FEATURES}=\[(.*)\]", override)
        for name in re.findall(r"[^\s,'\"]+", named[1]) if named else ():
            if name not in (config.get(FEATURES) or {}):
                told = f"the file of features={name} must hold the set below its name: `{name}:`"
                raise ConfigError("bad config", [Problem(f"{FEATURES}.{name}", f"is not there; {told}")])


def fields_said(registry: Registry, kind: str, name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a component that overrides such as `source.separator=;`, or `packager.level=3`, set."""
    several, key = kind in MULTIPLE, key_of(name)
    placed = [re.sub(rf"^([+~]*{kind})\.", rf"\1.{key}.", word) for word in overrides] if several else overrides
    made = compose(registry, [f"{kind}=[{name}]" if several else f"{kind}={name}", *placed])[kind]
    node = made[key] if several else made
    said = {override.lstrip("+~").partition("=")[0].split(".")[1] for override in overrides}
    return {field: node[field] for field in sorted(said) if field in node}


def sets_named(registry: Registry, names: Sequence[str], config_dir: Path | None = None) -> dict[str, Any]:
    """Return feature sets by their names as plain values; raises UnknownName, or ConfigError where a file is no YAML."""
    if not names:
        return {}
    found: dict[str, Any] = compose(registry, [f"{FEATURES}=[{','.join(names)}]"], config_dir).get(FEATURES) or {}
    return found


def sets_there(registry: Registry, config_dir: Path | None = None) -> list[str]:
    """Return the names of the feature sets of a project: of its plugins, and of its config files."""
    own = [file.stem for file in sorted((config_dir / FEATURES).glob("*.yaml"))] if config_dir else []
    return sorted({*options(registry).get(FEATURES, ()), *own})


def initialized() -> AbstractContextManager[None]:
    """Have Hydra look for config where ours is."""
    from hydra import __version__, initialize_config_module

    # Hydra 1.3 asks which version's defaults are meant, 1.4 warns of whoever says.
    base = {"version_base": "1.3"} if is_before(__version__, 1, 4) else {}
    return initialize_config_module(CONFIG_PACKAGE, **base)


def store_config(name: str, node: Any, group: str | None = None) -> None:
    """Make a config an option of Hydra, in the place of what had its name."""
    from hydra import __version__
    from hydra.core.config_store import ConfigStore

    # Hydra 1.3 reads the module of a plugin twice, and 1.4 warns of a name that is stored twice.
    replacing: dict[str, Any] = {} if is_before(__version__, 1, 4) else {"replace": True}
    ConfigStore.instance().store(name=name, node=node, group=group, provider="hookline", **replacing)


def without_null(override: str) -> str:
    """Say `kind=null` as Hydra wants it: a group is left out with `~kind`, and a list of choices is emptied."""
    kind, equals, value = override.partition("=")
    if not equals or value not in ("null", "None", "none") or kind not in (*KINDS, FEATURES, "experiment"):
        return override
    return f"{kind}=[]" if kind in (*MULTIPLE, FEATURES) else f"~{kind}"


def options(registry: Registry) -> dict[str, list[str]]:
    """Return Hydra group -> option names, the experiments included."""
    from hydra.core.global_hydra import GlobalHydra

    populate(registry)
    with initialized():
        loader = GlobalHydra.instance().config_loader()
        groups = [*KINDS, FEATURES, "experiment"]
        return {group: loader.get_group_options(group) for group in groups}


def populate(registry: Registry) -> None:
    """Give Hydra a config node for every registered component, and the root."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    from .deferred import store_deferred

    _register_resolvers()
    _add_to_search_path(registry.configs, registry.plugins.folder)
    store = ConfigStore.instance()
    for kind in KINDS:
        # Hydra's store is one for the process; another registry's components must not linger in it.
        store.repo.pop(kind, None)
        for name in registry.names(kind):
            package = f"{kind}.{key_of(name)}" if kind in MULTIPLE else kind
            store_deferred(kind, name, package, partial(_node, registry.entry(kind, name).cls))
    store.repo.pop(FEATURES, None)
    _refuse_shadowed(registry)
    for name, declared in registry.feature_sets.items():
        store_deferred(FEATURES, name, FEATURES, partial(_set_node, declared))
    root: Any = OmegaConf.create((resources.files(CONFIG_PACKAGE) / "config.yaml").read_text("utf-8"))
    root["gates"] = _open({})
    root[FEATURES] = _open({})
    root["decision"]["costs"] = _open({})
    root["settings"] = _open({name: node_of(cls, None) for name, cls in registry.settings().items()})
    store_config(CONFIG_NAME, root)


def _refuse_shadowed(registry: Registry) -> None:
    """Raise ConfigError where a file of the project would silently stand in for the feature set of a plugin."""
    folder = registry.plugins.folder
    files = {name: folder / FEATURES / f"{name}.yaml" for name in registry.feature_sets} if folder else {}
    problems = [
        Problem(f"{FEATURES}.{name}", f"is defined twice: by a plugin, and in {file}")
        for name, file in files.items()
        if file.is_file()
    ]
    if problems:
        raise ConfigError("bad config", problems, hint="give one of them another name")


def _node(cls: type[Any]) -> Any:
    return _open(node_of(cls))


def _set_node(declared: FeatureSet) -> Any:
    return _open({declared.name: declared_plain(declared)})


def _open(values: Mapping[str, Any]) -> Any:
    """Return a node that takes any key, so that our own check sees every unknown field and names them all at once."""
    from omegaconf import OmegaConf

    node = OmegaConf.create(dict(values))
    OmegaConf.set_struct(node, False)
    return node


def _register_resolvers() -> None:
    from omegaconf import OmegaConf

    if OmegaConf.has_resolver("hookline_home"):
        return
    register = registering()
    register("hookline_home", lambda: str(home()))
    register("hookline_run_id", new_run_id, use_cache=True)


def _add_to_search_path(packages: Sequence[str], folder: Path | None) -> None:
    """Have Hydra also look for config in packages and in a project's folder, and no longer in those of the call before."""
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.plugins import Plugins
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    class HooklineSearchPath(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for package in packages:
                search_path.append(provider=PROVIDER, path=f"pkg://{package}")
            if folder is not None:
                search_path.append(provider=PROVIDER, path=f"file://{folder.absolute()}")

    plugins = Plugins.instance()
    # Hydra's plugins are those of the process; another registry's packages must not linger among them.
    known = plugins.plugin_type_to_subclass_list[SearchPathPlugin]
    known[:] = [cls for cls in known if (cls.__module__, cls.__name__) != (__name__, HooklineSearchPath.__name__)]
    plugins.register(HooklineSearchPath)


def plain(config: Any) -> dict[str, Any]:
    """Return a composed config as plain values, without Hydra's own; raises ConfigError where one does not resolve."""
    from omegaconf.errors import OmegaConfBaseException

    from .kept import resolved_tree

    try:
        tree = resolved_tree(config)
    except OmegaConfBaseException as error:
        raise of_value(error) from None
    assert isinstance(tree, dict)
    refuse_misplaced(tree)
    return with_roles({str(key): value for key, value in tree.items() if key not in ("hydra", "experiment")})


def refuse_misplaced(tree: Mapping[Any, Any]) -> None:
    """Raise ConfigError where an experiment's keys came under `experiment`, where nothing reads them."""
    if misplaced := tree.get("experiment"):
        keys = misplaced if isinstance(misplaced, Mapping) else {str(misplaced): None}
        raise ConfigError(
            "bad config",
            [Problem(f"experiment.{key}", "would not be read") for key in keys],
            hint="begin the experiment's file with the line `# @package _global_`",
        )
