"""What is wrong with the overrides of a command line: all of it at once, before anything is composed."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, HooklineError, Problem, UnknownName, UsageError
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.registry.registry import Registry
from hookline.workspace.yaml_size import read_bounded

from ..config import ROOTS
from .shorthand import is_path
from .wording import nested_keys, of_value, of_yaml, unknown_key

SHAPE = "write key=value, such as seed=7; quote what the shell would eat"


def check_overrides(registry: Registry, overrides: Sequence[str], folder: Path | None = None) -> None:
    """Raise ConfigError with every override that is wrong in itself; UnknownName where it is one name.

    folder: where configs of the user's own are; a chosen experiment must hold keys and values.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    problems: list[tuple[Problem, HooklineError | None]] = []
    for text in overrides:
        try:
            override = parser.parse_override(text)
        except (HydraException, ValueError, RecursionError):
            shown = _short(text)
            refusal = UsageError(f"'{shown}' is no override", hint=SHAPE)
            problems.append((Problem(shown, f"is no override; {SHAPE}"), refusal))
            continue
        problems += _problems(registry, override, folder)
    if len(problems) == 1 and (only := problems[0][1]) is not None:
        raise only
    if problems:
        raise ConfigError("bad config", [problem for problem, _ in problems])


def _problems(registry: Registry, override: Any, folder: Path | None) -> Iterator[tuple[Problem, HooklineError | None]]:
    key = override.key_or_group
    root, _, rest = key.partition(".")
    # What may be said to Hydra it judges itself, and a `_target_` has a refusal of its own.
    if root.partition("/")[0] == "hydra" or override.package is not None or "_target_" in key:
        return
    if root not in ROOTS or (rest and nested_keys(root) and rest not in nested_keys(root)):
        yield Problem(_short(key or str(override.input_line)), unknown_key(registry, key)), None
    elif not rest:
        for choice in _choices(override):
            yield from _of_choice(registry, key, choice, folder)
    if override.is_range_sweep() and not list(override.sweep_iterator()):
        yield Problem(key, f"the range is empty: {override.input_line}"), None


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."


def _choices(override: Any) -> list[Any]:
    """Return the values that an override gives: one, or each of a sweep."""
    if override.is_delete() or override.is_range_sweep() or override.is_interval_sweep():
        return []
    value = override.value()
    return [_plain(item) for item in (value.list if override.is_sweep_override() else [value])]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return getattr(value, "text", value)  # A text in quotes is an object of Hydra's own.


def _of_choice(
    registry: Registry, key: str, choice: Any, folder: Path | None
) -> Iterator[tuple[Problem, HooklineError | None]]:
    if key == "experiment" and ".." in str(choice).split("/"):
        yield Problem(key, f"names a file below experiment/, got {choice}"), None
        return
    if key == "experiment" and isinstance(choice, str) and folder:
        _check_file(folder / "experiment" / f"{choice}.yaml")
    if key not in KINDS or choice is None:
        return
    names = choice if isinstance(choice, list) else [choice]
    if key not in MULTIPLE and len(names) != 1:
        yield Problem(key, f"takes one component, got {len(names)}: {', '.join(map(str, names))}"), None
    for name, count in Counter(map(str, names)).items():
        if count > 1:
            told = f"'{name}' is named {count} times; give each a key of its own in an experiment file"
            yield Problem(key, told), None
        if "${" not in name:
            try:
                registry.entry(key, name)
            except UnknownName as error:
                if key == "source" and is_path(name):
                    error.hint = f"a table stands alone: hookline {shlex.quote(name)} target=COLUMN"
                yield Problem(key, f"{error.message}{f'; {error.hint}' if error.hint else ''}"), error


def _check_file(path: Path) -> None:
    """Raise ConfigError where a config file holds anything but keys and values: Hydra would pass over it in silence."""
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if not path.is_file():
        return
    try:
        read_bounded(path)
        found = OmegaConf.load(path)
    except YAMLError as error:
        raise of_yaml(error) from None
    except OmegaConfBaseException as error:
        raise of_value(error) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8", [Problem(f"byte {error.start}", error.reason)]) from None
    except OSError:  # What OmegaConf says of a single value.
        found = None
    if not isinstance(found, DictConfig) or not found:
        raise UsageError(f"{path} holds no settings", hint="write keys and values into it, such as `seed: 1`")
