"""What `hookline doctor` looks at: each check says what is wrong, and one thing to do about it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from hookline.errors import HooklineError, MissingBackend, UsageError, closest
from hookline.kinds.given.switches import CHOICES, SWITCHES, chosen, switched_on
from hookline.kinds.kinds import KINDS
from hookline.registry.registry import Registry, load_registry
from hookline.version import install_line

from .home import (
    catalog_facts,
    half_shared,
    home_problem,
    key_problem,
    online_facts,
    remote_problems,
    remote_todo,
    space_of,
    store_facts,
)
from .variables import VARIABLES

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "hookline"
SOME = 3
"""Of what is damaged so many are named."""
NOT_FOR_USERS = ("all", "bench", "dev")
"""Extras that no plugin needs."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    check: str
    status: Literal["ok", "warning", "error"]
    """error: something does not work; warning: something to know."""
    detail: str
    todo: str = ""
    """One thing to do about it."""


def look_everywhere() -> list[Check]:
    """Return every check; one that cannot be made is an error of its own."""
    registry: list[Registry] = []
    looks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("python", _python),
        ("environment", _variables),
        ("libraries", _libraries),
        ("plugins", partial(_plugins, registry)),
        ("backends", partial(_backends, registry)),
        ("home", _home),
        ("store", _store),
        ("shared", _shared),
        ("catalog", _catalog),
        ("online store", _online),
    ]
    return [check for name, look in looks for check in _guarded(name, look)]


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except HooklineError as error:
        yield Check(name, "error", " ".join(error.message.split("\n")), error.hint or "")
    except OSError as error:
        yield Check(name, "error", str(error), "see to the rights and the space of its disk")


def _python() -> Iterator[Check]:
    from packaging.specifiers import SpecifierSet

    found = ".".join(map(str, sys.version_info[:3]))
    wanted = _wanted_python()
    if wanted and not SpecifierSet(wanted).contains(found):
        yield Check(
            "python", "error", f"{found} at {sys.executable}; hookline needs {wanted}", "install a newer Python"
        )
    else:
        yield Check("python", "ok", f"{found} at {sys.executable}")


def _wanted_python() -> str | None:
    try:
        return str(metadata(DISTRIBUTION).json.get("requires_python") or "") or None
    except PackageNotFoundError:
        return None


def _variables() -> Iterator[Check]:
    for name in sorted(name for name in os.environ if name.startswith("HOOKLINE_") and name not in VARIABLES):
        match = closest(name, VARIABLES)
        todo = f"did you mean {match}?" if match else f"there is {', '.join(VARIABLES)}"
        yield Check(f"variable {name}", "warning", "hookline reads no such environment variable", todo)
    for name in (*SWITCHES, *CHOICES):
        try:
            chosen(name) if name in CHOICES else switched_on(name)
        except UsageError as error:
            yield Check(f"variable {name}", "error", error.message, error.hint or "")


def _libraries() -> Iterator[Check]:
    """Compare what is installed with what our own metadata asks for, and with what the backends' ask for."""
    groups = _requirements()
    if not groups:
        yield Check("libraries", "warning", "hookline's own metadata cannot be found", "pip install hookline")
        return
    asked = Counter(name for wanted in groups.values() for name in wanted)
    wrong: list[Check] = []
    for extra, wanted in groups.items():
        own = [name for name in wanted if asked[name] == 1] or [*wanted]
        wrong += _of_extra(extra, wanted, own)
    wrong += _conflicts({name for wanted in groups.values() for name in wanted})
    if sys.version_info >= (3, 13) and find_spec("whylogs") is not None:
        told = "whylogs' sketches have no wheels for Python 3.13 and later"
        wrong.append(Check("library whylogs", "warning", told, "use Python 3.12, or monitor=[data_drift]"))
    yield from wrong
    if not wrong:
        count = sum(len(wanted) for wanted in groups.values())
        yield Check("libraries", "ok", f"{count} libraries fit what hookline {version(DISTRIBUTION)} asks for")


def _requirements() -> dict[str, dict[str, Requirement]]:
    """Return extra ("" for what hookline always needs) -> library -> what is asked of it, in this environment."""
    from packaging.requirements import Requirement

    try:
        texts = requires(DISTRIBUTION) or []
        extras = [name for name in metadata(DISTRIBUTION).get_all("Provides-Extra") or () if name not in NOT_FOR_USERS]
    except PackageNotFoundError:
        return {}
    found: dict[str, dict[str, Requirement]] = {}
    for wanted in map(Requirement, texts):
        always = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        for extra in [""] if always else [e for e in extras if wanted.marker and wanted.marker.evaluate({"extra": e})]:
            found.setdefault(extra, {})[wanted.name] = wanted
    return found


def _of_extra(extra: str, wanted: Mapping[str, Requirement], own: Collection[str]) -> Iterator[Check]:
    """Yield what is wrong with an extra. own: what no other asks for, of which something tells that somebody wants this one"""
    install = install_line([(DISTRIBUTION, extra, "")]) if extra else "pip install --upgrade hookline"
    missing = [name for name in wanted if _version(name) is None]
    if missing and (not extra or any(name not in missing for name in own)):
        status: Literal["warning", "error"] = "warning" if extra else "error"
        yield Check(f"extra {extra}" if extra else "libraries", status, f"not installed: {', '.join(missing)}", install)
    for name, requirement in wanted.items():
        found = _version(name)
        if found is not None and not requirement.specifier.contains(found, prereleases=True):
            detail = f"{found} is installed; hookline works with {name}{requirement.specifier}"
            yield Check(f"library {name}", "error", detail, f"pip install '{name}{requirement.specifier}'")


def _conflicts(wanted: Collection[str]) -> list[Check]:
    """Return what the installed backends ask of other libraries that are installed in another version."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for name in sorted(wanted):
        for text in (requires(name) or []) if _version(name) else []:
            try:
                asked = Requirement(text)
            except InvalidRequirement:
                continue
            there = _version(asked.name)
            applies = asked.marker is None or asked.marker.evaluate({"extra": ""})
            if there and applies and not asked.specifier.contains(there, prereleases=True):
                detail = f"{name} {_version(name)} works with {asked.name}{asked.specifier}, and {there} is installed"
                found.append(
                    Check(f"library {name}", "warning", detail, f"pip install '{asked.name}{asked.specifier}'")
                )
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _plugins(found: list[Registry]) -> Iterator[Check]:
    registry = load_registry()
    found.append(registry)
    for plugin in registry.plugins.plugins:
        if plugin.skipped.startswith("named in"):
            yield Check(f"plugin {plugin.name}", "ok", f"{plugin.label}, switched off: {plugin.skipped}")
        elif plugin.skipped:
            todo = f"mend or uninstall it, or set HOOKLINE_DISABLE={plugin.name}"
            yield Check(f"plugin {plugin.name}", "error", f"{plugin.label} is not in use: {plugin.skipped}", todo)
        else:
            yield Check(f"plugin {plugin.name}", "ok", plugin.label)


def _backends(registries: list[Registry]) -> Iterator[Check]:
    missing: dict[str, tuple[str, list[str]]] = {}
    for registry in registries:
        for kind in KINDS:
            for name in registry.names(kind):
                try:
                    registry.entry(kind, name).cls.check_backend()
                except MissingBackend as error:
                    # What else its components want is told once this one is there.
                    missing.setdefault(error.module, (str(error.hint), []))[1].append(f"{kind} {name}")
    for module, (hint, names) in missing.items():
        yield Check(f"backend {module}", "warning", f"is not installed, so these cannot run: {', '.join(names)}", hint)
    if registries and not missing:
        yield Check("backends", "ok", "every component's library is installed")


def _home() -> Iterator[Check]:
    from hookline.workspace.home import home

    folder = home()
    if problem := home_problem(folder):
        yield Check("home", "error", problem, "set HOOKLINE_HOME to a folder of yours")
        return
    yield Check("home", "ok", str(folder))
    status, detail, todo = space_of(folder)
    yield Check("disk", status, detail, todo)


def _store() -> Iterator[Check]:
    from hookline.workspace.home import home

    if home_problem(home()):
        return
    if problem := key_problem():
        yield Check("store key", "warning", *problem)
    facts = store_facts(home() / "store")
    if facts.damaged:
        detail = f"{len(facts.damaged)} of {facts.checked} entries that were read are damaged: {facts.damaged[0]}"
        yield Check("store", "warning", detail, "nothing: they are computed again; if more come, check the disk")
    else:
        yield Check("store", "ok", f"{facts.entries} entries, {facts.size}; {facts.checked} read, none damaged")


def _shared() -> Iterator[Check]:
    """Look at what machines share: by a file written, read and removed, and whether they share all that they must."""
    from hookline.workspace.home import home

    for name, variable, problem in remote_problems(home()):
        if problem is None:
            yield Check(name, "ok", f"a file was written, read and removed at {os.environ[variable]}")
        else:
            yield Check(
                name, "error", f"{os.environ[variable]} is of no use: {problem}", remote_todo(variable, problem)
            )
    if half := half_shared(home()):
        yield Check("team", "warning", *half)
    if os.environ.get("HOOKLINE_MODELS_REMOTE") and not os.environ.get("HOOKLINE_STORE_KEY"):
        told = "packages at HOOKLINE_MODELS_REMOTE are signed with this user's own key, which no other machine takes"
        yield Check("team key", "warning", told, "set HOOKLINE_STORE_KEY to the same secret on every machine")


def _catalog() -> Iterator[Check]:
    from hookline.workspace.home import home

    if home_problem(home()):
        return
    facts = catalog_facts(home())
    if facts.locked:
        yield Check("catalog", "warning", "another process is writing to it", "wait for it, or end it")
        return
    where = f" at {facts.at}" if facts.at else ""
    yield Check("catalog", "ok", f"{facts.runs} runs, {facts.versions} model versions{where}")
    if facts.damaged:
        told = "; ".join(f"{one.name}: {one.problem}" for one in facts.damaged[:SOME])
        detail = f"{len(facts.damaged)} of {facts.versions} registered versions are lost or damaged: {told}"
        yield Check("models", "warning", detail, "; ".join(one.todo for one in facts.damaged[:SOME]))


def _online() -> Iterator[Check]:
    from hookline.workspace.home import home

    if home_problem(home()):
        return
    held, stale, place = online_facts(home())
    if stale:
        yield Check(
            "online store",
            "warning",
            f"stale values of {', '.join(stale)} at {place}",
            "hookline features materialize SET",
        )
    elif held:
        yield Check("online store", "ok", f"joins of feature sets stored at {place}: {held}")
