"""Finds and loads plugins; a broken one is reported, never fatal to the rest."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from types import FunctionType
from typing import Literal

import pluggy

from hookline.errors import PluginError, closest
from hookline.kinds import hooks as hookspecs
from hookline.kinds.component import Component
from hookline.kinds.given.switches import switched_on
from hookline.telling.secrets import logger

from .own import note_sources

GROUP = "hookline"
BUILT_IN = "hookline"
PROJECT_OPTIONS = ("plugins", "configs")
"""What `[tool.hookline]` in a pyproject.toml may say."""
log = logger("hookline.registry.loading")


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found, and what became of it."""

    name: str
    module: str
    distribution: str
    """The pip name that brings it; empty for a module of the user's own project."""
    version: str
    origin: Literal["built-in", "installed", "project"]
    seconds: float = 0.0
    hooks: tuple[str, ...] = ()
    skipped: str = ""
    """Why it is not in use; empty if it is."""

    @property
    def label(self) -> str:
        """How messages name where something comes from, such as `hookline-acme 0.1`."""
        return f"{self.distribution} {self.version}" if self.distribution else f"project module {self.module}"


@dataclass(frozen=True)
class PluginSet:
    """The plugins of one process: the pluggy manager and a record of each."""

    manager: pluggy.PluginManager
    plugins: tuple[Plugin, ...]
    strict: bool = False
    """Whether a broken plugin is an error, as HOOKLINE_STRICT=1 says."""
    folder: Path | None = None
    """Where the project keeps its config files, such as `features/`: `[tool.hookline] configs` in its pyproject.toml."""

    def __getitem__(self, name: str) -> Plugin:
        return next(plugin for plugin in self.plugins if plugin.name == name)

    def signature(self) -> tuple[tuple[str, str, str], ...]:
        """Return what a worker process must have too: name, module and version (or code digest) of each."""
        return tuple((p.name, p.module, p.version) for p in self.plugins if not p.skipped)

    def require(self, signature: tuple[tuple[str, str, str], ...]) -> None:
        """Raise PluginError unless this process has exactly the plugins of `signature`."""
        mine, theirs = set(self.signature()), set(signature)
        if mine != theirs:
            differing = sorted({name for name, *_ in mine ^ theirs})
            raise PluginError(
                ", ".join(differing),
                "differs between this process and the one that started it",
                hint="give both the same environment, HOOKLINE_PLUGINS and HOOKLINE_DISABLE",
            )


def load_plugins(project: Path | None = None, environ: Mapping[str, str] | None = None) -> PluginSet:
    """Import every plugin that is installed or named by the project, and register its hooks.

    project: the folder where the search for a pyproject.toml with `[tool.hookline] plugins` begins (default: here).
    Raises PluginError for a misspelt hook, for two plugins with one name, and, under HOOKLINE_STRICT=1, for any broken plugin;
    UsageError where that variable is neither on nor off.
    """
    environ = os.environ if environ is None else environ
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    disabled = _names(environ.get("HOOKLINE_DISABLE", ""))
    strict = switched_on("HOOKLINE_STRICT", environ)
    plugins: list[Plugin] = []
    for found in _find(project or Path.cwd(), environ):
        if {found.name, found.distribution} & disabled:
            plugins.append(replace(found, skipped="named in HOOKLINE_DISABLE"))
            continue
        _refuse_clash(found, plugins)
        plugins.append(_load(manager, found, strict=strict))
    return PluginSet(manager, tuple(plugins), strict, config_folder(project or Path.cwd()))


def project_root(start: Path) -> Path | None:
    """Return the nearest folder at or above `start` with a pyproject.toml, or None."""
    return next((folder for folder in (start, *start.parents) if (folder / "pyproject.toml").is_file()), None)


def project_options(start: Path) -> tuple[Path | None, Mapping[str, object]]:
    """Return the project's folder and its `[tool.hookline]` table."""
    root = project_root(start)
    if root is None:
        return None, {}
    try:
        table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginError("project", f"{root / 'pyproject.toml'} is not valid TOML: {error}") from error
    except OSError as error:
        raise PluginError("project", f"{root / 'pyproject.toml'} cannot be read: {error.strerror}") from error
    tools = table.get("tool", {})
    options = tools.get("hookline", {}) if isinstance(tools, Mapping) else {}
    if not isinstance(options, Mapping):
        raise PluginError("project", f"[tool.hookline] in {root / 'pyproject.toml'} must be a table, got {options!r}")
    for name in options:
        if name not in PROJECT_OPTIONS:
            match = closest(name, PROJECT_OPTIONS)
            told = f"did you mean '{match}'?" if match else f"there is {', '.join(PROJECT_OPTIONS)}"
            raise PluginError(
                "project", f"[tool.hookline] in {root / 'pyproject.toml'} has no option '{name}'", hint=told
            )
    return root, options


def config_folder(start: Path) -> Path | None:
    """Return the folder of config files that a project names; None where it names none. Raises PluginError."""
    root, options = project_options(start)
    named = options.get("configs")
    if root is None or named is None:
        return None
    if not isinstance(named, str) or not (root / named).is_dir():
        raise PluginError(
            "project",
            f"[tool.hookline] configs in {root / 'pyproject.toml'} must name a folder in the project, got {named!r}",
        )
    return root / named


def _find(start: Path, environ: Mapping[str, str]) -> Iterator[Plugin]:
    # Sorted, so that a name clash reads the same on every machine; ours first, so that a clash is the newcomer's.
    found = sorted(entry_points(group=GROUP), key=lambda e: (_distribution(e)[0] != BUILT_IN, e.name, _distribution(e)))
    for entry in found:
        distribution, version = _distribution(entry)
        origin: Literal["built-in", "installed"] = "built-in" if distribution == BUILT_IN else "installed"
        yield Plugin(entry.name, entry.value.partition(":")[0], distribution, version, origin)
    root, options = project_options(start)
    modules = options.get("plugins", [])
    if not isinstance(modules, list) or not all(isinstance(module, str) for module in modules):
        raise PluginError("project", "[tool.hookline] plugins in pyproject.toml must be a list of module names")
    local = dict.fromkeys([*modules, *sorted(_names(environ.get("HOOKLINE_PLUGINS", "")))])
    if local:
        _make_importable(root or start)
    for module in local:
        yield Plugin(module.rpartition(".")[2], module, "", _digest(module), "project")


def _load(manager: pluggy.PluginManager, found: Plugin, *, strict: bool) -> Plugin:
    started = time.perf_counter()
    try:
        # What a plugin prints is no data.
        with redirect_stdout(sys.stderr):
            module = importlib.import_module(found.module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin's import may raise anything, and must not stop the others
        return skip(found, f"{type(error).__name__}: {error}", strict=strict, cause=error)
    if found.origin == "project":
        note_sources(found.module.partition(".")[0])
    try:
        manager.register(module, found.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(found.name, _hook_problem(manager, module, found, error), hint=_disable(found)) from error
    except ValueError:
        other = manager.get_name(module)
        return skip(found, f"its module is that of plugin '{other}' already", strict=strict)
    hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(module) or ()))
    if not hooks and not any(of_functions(module)):
        told = "it implements no hook; mark its functions with @hookline.hookimpl, or with @hookline.as_transform"
        return skip(found, told, strict=strict)
    _refuse_wrappers(manager, module, found)
    return replace(found, seconds=time.perf_counter() - started, hooks=hooks)


def made_of_functions(plugins: PluginSet) -> Iterator[tuple[Plugin, type[Component]]]:
    """Yield the components that were made of functions of plugins' modules, by the functions' names there, each once."""
    seen: set[type[Component]] = set()
    for plugin in plugins.plugins:
        # Those of this distribution are classes, and looking through it takes its part of each command.
        module = None if plugin.origin == "built-in" else plugins.manager.get_plugin(plugin.name)
        for cls in of_functions(module):
            if cls not in seen:
                yield plugin, cls
            seen.add(cls)


def of_functions(module: object) -> Iterator[type[Component]]:
    """Yield the components that were made of functions that a module has by their names."""
    for _, value in sorted(getattr(module, "__dict__", {}).items()):
        cls = getattr(value, "component", None) if isinstance(value, FunctionType) else None
        if isinstance(cls, type) and issubclass(cls, Component):
            yield cls


def skip(plugin: Plugin, why: str, *, strict: bool, cause: BaseException | None = None) -> Plugin:
    """Return the plugin marked as skipped and say so; raises PluginError instead where `strict`."""
    if strict:
        raise PluginError(plugin.name, f"cannot be loaded ({plugin.label}): {why}", hint=_disable(plugin)) from cause
    log.warning("plugin '%s' (%s) is skipped: %s", plugin.name, plugin.label, why)
    return replace(plugin, skipped=why)


def _hook_problem(
    manager: pluggy.PluginManager, module: object, found: Plugin, error: pluggy.PluginValidationError
) -> str:
    known = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), f"{hookspecs.PROJECT}_spec")]
    named = [name for name in dir(module) if hasattr(getattr(module, name), f"{hookspecs.PROJECT}_impl")]
    unknown = sorted(set(named) - set(known))
    if not unknown:
        return f"({found.label}) {error}"
    match = closest(unknown[0], known)
    return f"({found.label}) there is no hook '{unknown[0]}'" + (f"; did you mean '{match}'?" if match else "")


def _refuse_wrappers(manager: pluggy.PluginManager, module: object, found: Plugin) -> None:
    for caller in manager.get_hookcallers(module) or ():
        own = [impl for impl in caller.get_hookimpls() if impl.plugin is module]
        if any(impl.wrapper or impl.hookwrapper for impl in own):
            raise PluginError(
                found.name,
                f"({found.label}) {caller.name} is a wrapper, which is never called",
                hint="mark it with @hookline.hookimpl alone",
            )


def _refuse_clash(found: Plugin, plugins: list[Plugin]) -> None:
    for other in plugins:
        if other.name == found.name and not other.skipped.startswith("named in"):
            raise PluginError(
                found.name,
                f"two plugins have this name, from {other.label} and from {found.label}",
                hint=f"uninstall one, or set HOOKLINE_DISABLE={found.distribution or found.module}",
            )


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    return _named(entry.dist) if entry.dist else ("unknown", "0")


@cache
def _named(distribution: Distribution) -> tuple[str, str]:
    """Return the name and version of a distribution, each of which would read its metadata anew."""
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}


def _disable(plugin: Plugin) -> str:
    return f"mend or uninstall it, or set HOOKLINE_DISABLE={plugin.name}"


def _make_importable(folder: Path) -> None:
    # A console script does not have the project's folder on sys.path, as `python -m` would.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _digest(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except Exception:  # noqa: BLE001  looking for a module imports the packages around it, which may raise anything
        return "missing"
    if spec is None or spec.origin is None or not spec.has_location:
        return "missing"
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()[:12]
