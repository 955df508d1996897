"""What a composed config may tell Hydra: a registered launcher and sweeper, logging of the standard library, and plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.telling.secrets import hidden_in, learn

from .kept import names_of, parts_of
from .settled import Place, settle

LOGGING = ("hydra_logging", "job_logging")
"""What of `hydra` is handed to `logging.config.dictConfig`."""
MADE = ("callbacks", "launcher", "sweeper", *LOGGING)
"""What of `hydra` objects are made of."""
FORMATTERS = frozenset({"logging.Formatter"})
HANDLERS = FORMATTERS | {
    "logging.FileHandler",
    "logging.NullHandler",
    "logging.StreamHandler",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "logging.handlers.WatchedFileHandler",
}
STREAMS = frozenset({"ext://sys.stdout", "ext://sys.stderr"})
POWERS = (("hydra", "job", "env_copy"), ("hydra", "job", "env_set"))
"""Variables of processes that are started; a person may type them, and no file says them."""
_LAUNCHERS = """
    account array_parallelism backend batch_size comment constraint cores cpus_per_gpu cpus_per_task exclude fresh
    gpus_per_node gpus_per_task gres max_nbytes max_num_timeout mem_gb mem_per_cpu mem_per_gpu memory mmap_mode n_jobs
    name nodes num_gpus partition prefer qos require retries signal_delay_s stderr_to_stdout submitit_folder
    tasks_per_node temp_folder timeout timeout_min verbose
"""
_SWEEPERS = (
    "direction max_batch_size metric n_jobs n_trials params pruner pruner_options sampler seed spaces study warm_start"
)
PLAIN = {"launcher": frozenset(_LAUNCHERS.split()), "sweeper": frozenset(_SWEEPERS.split())}
"""Fields of launchers and sweepers that a file may say: those of hookline, and those of others that start and import nothing."""
NARROW = {"address": re.compile("auto"), "pre_dispatch": re.compile(r"all|\d+|(\d+ ?\* ?)?n_jobs")}
"""Further fields of launchers, and what of them a file may say; joblib reads a sum, and Ray sends code to an address."""
DEEPEST = 32
NOT_ALLOWED = "is not allowed: config names registered components, never dotted paths"
WRITTEN_DOWN = "holds a secret, which a sweep would have to write down; give it as ${oc.env:NAME}"
SEARCHED = "hydra.searchpath"


def check_composed(config: Any, typed: Sequence[str]) -> None:
    """Raise ConfigError where Hydra would run code that a config names, or start processes as a file says.

    What Hydra makes objects of holds no references afterwards, so that what is judged is what is made.
    typed: the overrides of the command line
    """
    from omegaconf import OmegaConf

    if config.get("hydra") is None:
        return
    said: Any = OmegaConf.to_container(config.hydra, resolve=False)
    referring = [part for part in MADE if "${" in str(said.get(part))]
    problems = list(settle(config, referring))
    judged = OmegaConf.to_container(config.hydra, resolve=False) if referring else said
    if found := list(_problems(judged, ("hydra",), typed)):
        unsaid = _as_registered(said)
        problems += [problem for problem in found if problem.path not in unsaid]
    if problems:
        raise ConfigError("bad config", problems, hint="take it out; a plugin is where code comes from")


def check_secrets(ours: Any, *, sweeps: bool) -> None:
    """Remember the secrets that a config holds as they are; raises ConfigError for them in a sweep, which is written down."""
    problems = []
    for place, fields in parts_of(ours):
        problems += [Problem(found, WRITTEN_DOWN) for found in hidden_in(fields, place)]
        learn(fields)
    problems += [Problem(found, WRITTEN_DOWN) for found in hidden_in(names_of(ours))]
    if problems and sweeps:
        raise ConfigError("bad config", problems, hint="export NAME=... before the sweep")


def check_search_path(primary: Any, overrides: Sequence[Any]) -> None:
    """Raise ConfigError where configs are to be looked for anywhere but in folders: Hydra would import a package."""
    from omegaconf import OmegaConf

    given = [OmegaConf.select(primary, SEARCHED)] if OmegaConf.is_dict(primary) else []
    given += [override.value() for override in overrides if "searchpath" in override.key_or_group]
    listed = [
        item for value in given for item in (value if isinstance(value, list) or OmegaConf.is_list(value) else [value])
    ]
    packages = [str(item) for item in listed if "://" in str(item) and not str(item).startswith("file://")]
    if packages:
        told = f"names folders, as file://FOLDER, and not {packages[0]!r}"
        raise ConfigError("bad config", [Problem(SEARCHED, told)], hint="--config-dir names a folder of configs")


def _problems(value: Any, place: Place, typed: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong at a place and below it."""
    if len(place) > DEEPEST:
        yield Problem(".".join(place), "is nested too deep")
    elif isinstance(value, (Mapping, list)):
        for key, item in (value if isinstance(value, Mapping) else dict(enumerate(value))).items():
            yield from _problems(item, (*place, str(key)), typed)
    elif value is not None:
        yield from _of_value(value, place, typed)


def _of_value(value: Any, place: Place, typed: Sequence[str]) -> Iterator[Problem]:
    path, key = ".".join(place), place[-1]
    if key == "_target_":
        if value not in _registered(place[:-1]):
            yield Problem(path, NOT_ALLOWED)
    elif place[1] in LOGGING:
        yield from _of_logging(value, place, typed)
    elif (place[:3] in POWERS or not _is_plain(value, place)) and not _is_typed(path, key, typed):
        yield Problem(path, "may only be said on the command line, not in a file")


def _is_plain(value: Any, place: Place) -> bool:
    """Tell whether a file may say a field of a launcher or a sweeper; all else of Hydra is plain."""
    part, field = place[1], place[2] if len(place) > 2 else ""
    if part not in PLAIN:
        return True
    # A line of a batch system's script ends where a text's line does, quoted or not.
    if part == "launcher" and not str(value).isprintable():
        return False
    narrow = NARROW.get(field) if part == "launcher" else None
    return field in PLAIN[part] or (narrow is not None and narrow.fullmatch(str(value)) is not None)


def _options(part: str) -> list[Any]:
    """Return what installed plugins of Hydra have registered as launchers or sweepers."""
    from hydra.core.config_store import ConfigStore

    group: Any = ConfigStore.instance().repo.get("hydra", {}).get(part)
    return [option.node for option in group.values() if hasattr(option, "node")] if isinstance(group, Mapping) else []


def _registered(place: Place) -> set[str]:
    """Return the classes that are registered at a place, such as every launcher's."""
    from omegaconf import OmegaConf

    if len(place) != 2 or place[1] not in PLAIN:
        return set()
    return {str(OmegaConf.select(node, "_target_")) for node in _options(place[1])}


def _as_registered(hydra: Mapping[Any, Any]) -> set[str]:
    """Return the paths of what a launcher and a sweeper say that is as their plugin has registered it.

    A reference of a field that a file may say is not among them: what it means may be a file's own.
    """
    from omegaconf import OmegaConf

    found: set[str] = set()
    for part in PLAIN:
        said = dict(_leaves(hydra.get(part), f"hydra.{part}"))
        for node in _options(part):
            own = dict(_leaves(OmegaConf.to_container(node, resolve=False), f"hydra.{part}"))
            if own.get(target := f"hydra.{part}._target_") == said.get(target):
                found |= {
                    path
                    for path in said.keys() & own
                    if said[path] == own[path] and not _is_open(part, path, own[path])
                }
    return found


def _is_open(part: str, path: str, value: Any) -> bool:
    return "${" in str(value) and path.removeprefix(f"hydra.{part}.") in PLAIN[part]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (Mapping, list)):
        for key, item in (value if isinstance(value, Mapping) else dict(enumerate(value))).items():
            yield from _leaves(item, f"{path}.{key}")
    else:
        yield path, value


def _of_logging(value: Any, place: Place, typed: Sequence[str]) -> Iterator[Problem]:
    path, key = ".".join(place), place[-1]
    classes = FORMATTERS if place[2] == "formatters" else HANDLERS
    if key == "()" or (key in ("class", "listener") and value not in classes):
        yield Problem(path, f"must be one of {', '.join(sorted(classes))}, got {value!r}")
    elif "." in place:
        yield Problem(path, "is not allowed: a handler is told what its class takes")
    # Whoever chooses a file's name and what is written to it writes a program.
    elif key == "filename" and not str(value).endswith(".log") and not _is_typed(path, key, typed):
        yield Problem(path, f"must end in .log where a file says it, got {value!r}")
    elif str(value).startswith(("ext://", "cfg://")) and value not in STREAMS:
        yield Problem(path, f"must be one of {', '.join(sorted(STREAMS))}, got {value!r}")


def _is_typed(path: str, key: str, typed: Sequence[str]) -> bool:
    """Tell whether a person has typed a value: an override of its place, or of one around it that names its key."""
    for override in typed:
        said, _, value = override.lstrip("+~").partition("=")
        if path == said or (path.startswith(f"{said}.") and (key.isdecimal() or key in value)):
            return True
    return False
