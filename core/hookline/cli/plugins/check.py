"""`hookline plugins check`: runs the conformance kit on each component of a plugin."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from hookline.errors import ConfigError, HooklineError
from hookline.kinds.component import Component
from hookline.registry.fields import has_default
from hookline.registry.loading import load_plugins
from hookline.registry.registry import Registry, load_registry

from ..options import fields_of
from ..output import print_json, say, tell
from .found import components_of, find_plugin


def check(name: str, settings: Sequence[str], *, as_json: bool) -> int:
    """Check a plugin by name, or a module; returns 1 where a component breaks a promise or the plugin cannot be loaded."""
    registry = _registry_with(name)
    plugin = find_plugin(registry, name)
    if plugin.skipped:
        print_json([]) if as_json else None
        say(f"plugin '{plugin.name}' ({plugin.label}) cannot be checked: {plugin.skipped}")
        return 1
    known = components_of(registry, plugin)
    values = fields_of(settings, [component for _, component in known])
    rows = []
    for kind, component in known:
        row = _check_one(registry, kind, component, values.get(component, {}))
        rows.append(row)
        if not as_json:
            _print(row)
    if as_json:
        print_json(rows)
    elif not rows:
        say(f"plugin '{plugin.name}' brings no component; its hooks are {', '.join(plugin.hooks)}")
    return 1 if any(row["status"] == "failed" for row in rows) else 0


def _registry_with(name: str) -> Registry:
    """Return the registry, with a module that no plugin is yet as a project's plugin."""
    registry = load_registry()
    known = {part for plugin in registry.plugins.plugins for part in (plugin.name, plugin.module, plugin.distribution)}
    if name in known or not all(part.isidentifier() for part in name.split(".")):
        return registry
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  a text is wanted
    try:
        if importlib.util.find_spec(name) is None:
            return registry
    except ImportError:
        return registry
    more = ",".join(filter(None, (os.environ.get("HOOKLINE_PLUGINS", ""), name)))
    return Registry(load_plugins(environ={**os.environ, "HOOKLINE_PLUGINS": more}))


def _check_one(registry: Registry, kind: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind, "name": name, "status": "ok", "passed": 0, "failed": []}
    cls = registry.entry(kind, name).cls
    missing = [field.name for field in dataclasses.fields(cls) if not has_default(field) and field.name not in values]
    if missing:
        hint = (
            f"give {', '.join(f'--set {name}.{field}=...' for field in missing)}, or check it in the plugin's own tests"
        )
        return row | {"status": "skipped", "why": f"it has required fields: {hint}"}
    try:
        cls.check_backend()
        component = registry.build(kind, name, values, f"{kind}.{name}")
    except HooklineError as error:
        return row | {"status": "failed", "failed": [{"check": "builds", "message": str(error)}]}
    return row | _run_checks(component)


def _run_checks(component: Component) -> dict[str, Any]:
    from hookline.testing import checks_for

    failed, passed = [], 0
    lacking: list[ConfigError] = []
    for one in checks_for(component):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one.run()
            passed += 1
        except Exception as error:  # noqa: BLE001  a plugin may raise anything, and the other checks go on
            failed.append({"check": one.name, "message": _told(error), "promise": one.doc})
            lacking += [error] if isinstance(error, ConfigError) else []
    if failed and len(lacking) == len(failed):
        # It breaks no promise, but says that it can do nothing with these fields.
        hint = f"give --set {component.name}.FIELD=..., or check it in the plugin's own tests"
        return {"status": "skipped", "failed": [], "why": f"{lacking[0].problems[0].message}: {hint}"}
    return {"status": "failed" if failed else "ok", "passed": passed, "failed": failed}


def _told(error: Exception) -> str:
    from hookline.testing import CheckFailed

    return str(error) if isinstance(error, CheckFailed) else f"raises {type(error).__name__}: {error}"


def _print(row: Mapping[str, Any]) -> None:
    told = {
        "ok": f"ok, {row['passed']} checks",
        "failed": f"{len(row['failed'])} of {row['passed'] + len(row['failed'])} checks failed",
        "skipped": f"skipped: {row.get('why')}",
    }[row["status"]]
    tell(f"{row['kind']} {row['name']}: {told}", flush=True)
    for failure in row["failed"]:
        tell(f"  {failure['check']}: {failure['message']}")
