"""`hookline doctor`: is this environment fit to run, and if not, what mends it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from ..api import load_registry, open_workspace
from ..components import KINDS
from ..errors import HooklineError, MissingBackend
from .output import parser, print_json, print_rows


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    check: str
    status: str
    """ok, warning or error."""
    detail: str


def main(argv: Sequence[str]) -> int:
    """Check Python, plugins, backends, store and catalog; exits with 1 where something is broken."""
    options = parser("doctor", "Check this environment, and say what is wrong with it.", json_too=True)
    given = options.parse_args(argv)
    checks = [check for look in (_python, _plugins, _backends, _workspace) for check in _guarded(look)]
    if given.json:
        print_json([asdict(check) for check in checks])
    else:
        print_rows([asdict(check) for check in checks], ("check", "status", "detail"), empty="")
    return 1 if any(check.status == "error" for check in checks) else 0


def _guarded(look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except HooklineError as error:
        yield Check(look.__name__.strip("_"), "error", str(error).replace("\n", " "))


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "ok", f"{version} at {sys.executable}")


def _plugins() -> Iterator[Check]:
    registry = load_registry()
    for plugin in registry.plugins.plugins:
        status = "warning" if plugin.skipped else "ok"
        yield Check(f"plugin {plugin.name}", status, plugin.skipped or plugin.label)


def _backends() -> Iterator[Check]:
    registry = load_registry()
    missing: dict[str, list[str]] = {}
    for kind in KINDS:
        for name in registry.names(kind):
            try:
                registry.entry(kind, name).cls.check_backend()
            except MissingBackend as error:
                missing.setdefault(str(error.hint), []).append(f"{kind} {name}")
    for hint, names in missing.items():
        yield Check("backend", "warning", f"{', '.join(names)} cannot run; {hint}")
    if not missing:
        yield Check("backends", "ok", "every component's library is installed")


def _workspace() -> Iterator[Check]:
    workspace = open_workspace()
    yield Check("store", "ok", str(workspace.home / "store"))
    yield Check(
        "catalog", "ok", f"{len(workspace.catalog.runs(1_000_000))} runs, {len(workspace.catalog.models())} models"
    )
