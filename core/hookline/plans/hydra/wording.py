"""Hydra's, OmegaConf's and YAML's errors in hookline's words."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hookline.data.parts import LearningCurveOptions, SplitOptions
from hookline.errors import ConfigError, HooklineError, Problem, UnknownName, UsageError, closest
from hookline.kinds.artifacts import Roles
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions
from hookline.registry.registry import Registry

from ..config import FEATURES, ROOTS
from ..placing.components import key_of
from ..placing.sets import NO_SETS
from .shorthand import ROLES

GRAMMAR = "see https://hydra.cc/docs/advanced/override_grammar/basic"
Known = Callable[[], Mapping[str, list[str]]]
"""Says which options each config group has."""


@contextmanager
def in_our_words(registry: Registry, known: Known, folder: Path | None = None) -> Iterator[None]:
    """Raise HooklineError in place of what Hydra and its libraries raise; folder: where configs of the user's own are."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        yield
    except HydraException as error:
        if isinstance(error.__cause__, HooklineError):
            raise error.__cause__ from None
        raise _translate(registry, known, error) from None
    except OmegaConfBaseException as error:
        raise of_value(error) from None
    except YAMLError as error:
        raise of_yaml(error) from None
    except UnicodeDecodeError as error:
        raise _of_text(error, folder) from error


MEANT = {"model": "trainer", "estimator": "trainer", "data": "source", "label": "target", "metric": "evaluator"}
"""What others call a key -> our word."""


def of_value(error: Exception) -> ConfigError:
    """Return the error for a value that OmegaConf cannot resolve."""
    text = re.sub(r"^\w+ raised while resolving interpolation: ", "", str(error).splitlines()[0]).strip("\"'")
    return ConfigError("bad config", [Problem(str(getattr(error, "full_key", "") or "config"), text)])


def of_yaml(error: Exception) -> ConfigError:
    """Return the error for a file that is not YAML, with its line."""
    mark = getattr(error, "problem_mark", None)
    file = mark.name if mark else getattr(error, "name", "the config")
    text = str(getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0])
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else f"character {getattr(error, 'position', 0)}"
    hint = "indent with spaces, not with tabs" if "'\\t'" in text else None
    return ConfigError(f"{file} is not valid YAML", [Problem(where, text)], hint=hint)


def unknown_key(registry: Registry, key: str) -> str:
    """Say that a config has no such key, and which is close."""
    root, _, rest = key.partition(".")
    if root in MULTIPLE and rest:
        choice = rest.partition(".")[0]
        if any(key_of(name) == choice for name in registry.names(root)):
            return f"'{choice}' is not among the chosen {root}s; add {root}=[...,{choice}]"
        owner = next((name for name in registry.names(root) if choice in _fields_of(registry, root, name)), None)
        if owner:
            return f"unknown key; did you mean '{root}.{key_of(owner)}.{rest}'?"
        known = [key_of(name) for name in registry.names(root)]
        root, key = choice, choice
    elif root == "hydra":
        known, key = _keys_of_hydra(rest), rest.rpartition(".")[2]
    elif key.startswith("decision.costs."):
        return "is said as a whole: 'decision.costs={TRUE: {ANSWERED: COST}}'"
    elif rest:
        known, key = nested_keys(root), rest
    else:
        known = [*ROOTS, *ROLES]
    match = closest(key, known) or (MEANT.get(key) if not rest else None)
    there = f"; there is {', '.join(sorted(known))}" if known else ""
    return "unknown key" + (f"; did you mean '{match}'?" if match else there)


def nested_keys(root: str) -> list[str]:
    """Return the keys of a part of the config that is closed; none where any may stand there."""
    parts = {"roles": Roles, "split": SplitOptions, "decision": DecisionOptions, "intervals": IntervalOptions}
    parts["sets"] = SetOptions
    nested = (parts | {"learning_curve": LearningCurveOptions}).get(root)
    return [f.name for f in dataclasses.fields(nested)] if nested else []


def _fields_of(registry: Registry, kind: str, name: str) -> set[str]:
    return {field.name for field in dataclasses.fields(registry.entry(kind, name).cls)}


def _keys_of_hydra(key: str) -> list[str]:
    """Return what the options of one of Hydra's own groups know, for a key such as `launcher.n_jobs`."""
    from hydra.core.config_store import ConfigStore

    group = ConfigStore.instance().repo.get("hydra", {}).get(key.partition(".")[0], {})
    nodes = [option.node for option in group.values() if hasattr(option, "node")] if isinstance(group, dict) else []
    return sorted({str(name) for node in nodes for name in node if not str(name).startswith("_")})


def _translate(registry: Registry, known: Known, error: Exception) -> HooklineError:
    text = str(error) or str(error.__cause__ or type(error).__name__)
    if found := re.search(r"Could not (?:find|load) '([\w.]+)/([\w./-]*)'", text):
        return _unknown_option(registry, known, *found.groups())
    if found := re.search(r"Could not override '([^']+)'", text):
        key = found.group(1)
        return ConfigError("bad config", [Problem(key, unknown_key(registry, key))])
    if found := re.search(rf"Error merging override {FEATURES}=\[?([\w.-]+).*", text):
        return _unknown_option(registry, known, FEATURES, found.group(1))
    if found := re.search(r"Error merging override (\S+?)=(.*)", text):
        return ConfigError("bad config", [Problem(found.group(1), f"cannot be {found.group(2)}")])
    if found := re.search(r"Ambiguous value for argument '(.*)'", text):
        return UsageError(
            f"'{found.group(1)}' gives several values",
            hint=f"a sweep takes them: hookline -m {found.group(1)}; a text with a comma stands in quotes of its own",
        )
    if "BasicSweeper does not support sweep type" in text:
        told = "a sweep without a search tries values that are listed, and an interval has too many"
        return UsageError(told, hint="hydra/sweeper=optuna searches intervals; else list values, such as key=1,2,4")
    if found := re.search(r"Additional config directory '(.*)' not found", text):
        return UsageError(f"there is no folder {found.group(1)}", hint="--config-dir names a folder of configs")
    return UsageError(" ".join(text.split("\n")[:2]).strip(), hint=GRAMMAR)


def _unknown_option(registry: Registry, known: Known, group: str, name: str) -> HooklineError:
    if group == FEATURES:
        there = known().get(group, [])
        return UnknownName("feature set", name, there, hint=None if there else NO_SETS)
    if group not in KINDS:
        return UnknownName(f"config in '{group}'", name, known().get(group, []))
    try:
        registry.entry(group, name)
    except UnknownName as error:
        return error
    return UsageError(f"{group}={name} cannot be composed")


def _of_text(error: UnicodeDecodeError, folder: Path | None) -> ConfigError:
    for file in sorted(folder.rglob("*.yaml")) if folder else []:
        try:
            file.read_text("utf-8")
        except UnicodeDecodeError as found:
            return ConfigError(f"{file} is not UTF-8", [Problem(f"byte {found.start}", found.reason)])
    return ConfigError("a config file is not UTF-8", [Problem(f"byte {error.start}", error.reason)])
