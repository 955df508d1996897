"""What a composed config may tell Hydra: a registered launcher and sweeper, logging of the standard library, and plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.telling.secrets import hidden_in, learn

from .kept import names_of, parts_of

LOGGING = ("hydra.hydra_logging", "hydra.job_logging")
"""What Hydra hands to `logging.config.dictConfig`."""
MADE = ("hydra.callbacks", "hydra.launcher", "hydra.sweeper", *LOGGING)
"""What Hydra makes objects of."""
HANDLERS = frozenset(
    {
        "logging.FileHandler",
        "logging.Formatter",
        "logging.NullHandler",
        "logging.StreamHandler",
        "logging.handlers.RotatingFileHandler",
        "logging.handlers.TimedRotatingFileHandler",
        "logging.handlers.WatchedFileHandler",
    }
)
STREAMS = frozenset({"ext://sys.stdout", "ext://sys.stderr"})
POWERS = (
    "hydra.job.env_copy",
    "hydra.job.env_set",
    "hydra.launcher.additional_parameters",
    "hydra.launcher.python",
    "hydra.launcher.runtime_env",
    "hydra.launcher.setup",
    "hydra.launcher.srun_args",
)
"""Variables and commands of processes that are started; a person may type them, and no file says them."""
FOLLOWED = (*MADE, *POWERS)
"""Where a reference counts; elsewhere Hydra makes nothing of what it means."""
FOLDER = "${hydra.runtime.output_dir}"
"""Known once a job begins, and always an absolute path."""
DEEPEST = 32
NOT_ALLOWED = "is not allowed: config names registered components, never dotted paths"
WRITTEN_DOWN = "holds a secret, which a sweep would have to write down; give it as ${oc.env:NAME}"
SEARCHED = "hydra.searchpath"


def check_composed(config: Any, typed: Sequence[str]) -> None:
    """Raise ConfigError where Hydra would run code that a config names, or start processes as a file says.

    typed: the overrides of the command line
    """
    problems = list(_problems(config, config.get("hydra"), "hydra", typed, 0))
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


def _problems(config: Any, node: Any, path: str, typed: Sequence[str], depth: int) -> Iterator[Problem]:
    """Yield what is wrong at a place and below it, with references followed."""
    from omegaconf import Container, OmegaConf

    if depth > DEEPEST:
        yield Problem(path, "refers to itself, or is nested too deep")
    elif isinstance(node, Container):
        yield from _problems(config, OmegaConf.to_container(node, resolve=False), path, typed, depth)
    elif isinstance(node, (Mapping, list)):
        keyed = node if isinstance(node, Mapping) else dict(enumerate(node))
        for key, value in keyed.items():
            yield from _problems(config, value, f"{path}.{key}", typed, depth + 1)
    elif (
        isinstance(node, str) and node.startswith("${") and path.startswith(FOLLOWED) and not path.endswith("._target_")
    ):
        yield from _of_reference(config, node, path, typed, depth)
    elif node is not None:
        yield from _of_value(node, path, typed)


def _of_reference(config: Any, text: str, path: str, typed: Sequence[str], depth: int) -> Iterator[Problem]:
    """Yield what is wrong with what a reference means, which may be a whole part of the config."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if text.startswith(f"{FOLDER}/"):
        return
    try:
        meant = OmegaConf.select(config, path, throw_on_resolution_failure=True)
    except (OmegaConfBaseException, ValueError, AssertionError):
        yield Problem(path, f"cannot be resolved here: {text}")
        return
    if isinstance(meant, str) and meant.startswith("${"):
        yield Problem(path, f"refers to what refers on: {text}")
    else:
        yield from _problems(config, meant, path, typed, depth + 1)


def _of_value(value: Any, path: str, typed: Sequence[str]) -> Iterator[Problem]:
    place, _, key = path.rpartition(".")
    if key == "_target_":
        if value not in _registered(place):
            yield Problem(path, NOT_ALLOWED)
    elif path.startswith(tuple(f"{root}." for root in LOGGING)):
        yield from _of_logging(value, path, key)
    elif path.startswith(POWERS) and not _is_typed(path, key, typed):
        yield Problem(path, "may only be said on the command line, not in a file")


def _registered(place: str) -> set[str]:
    """Return what installed plugins of Hydra have registered at a place, such as every launcher's class."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    if not place.startswith(("hydra.launcher", "hydra.sweeper")):
        return set()
    group: Any = ConfigStore.instance().repo
    for part in place.split("."):
        group = group.get(part) if isinstance(group, Mapping) else None
    nodes = [option.node for option in group.values() if hasattr(option, "node")] if isinstance(group, Mapping) else []
    return {str(OmegaConf.select(node, "_target_")) for node in nodes}


def _of_logging(value: Any, path: str, key: str) -> Iterator[Problem]:
    if key == "()" or (key in ("class", "listener") and value not in HANDLERS):
        yield Problem(path, f"must be one of {', '.join(sorted(HANDLERS))}, got {value!r}")
    elif "://" in str(value).partition(" ")[0] and str(value).startswith(("ext:", "cfg:")) and value not in STREAMS:
        yield Problem(path, f"must be one of {', '.join(sorted(STREAMS))}, got {value!r}")


def _is_typed(path: str, key: str, typed: Sequence[str]) -> bool:
    """Tell whether a person has typed a value: an override of its place, or of one around it that names its key."""
    for override in typed:
        said, _, value = override.lstrip("+~").partition("=")
        if path == said or (path.startswith(f"{said}.") and (key.isdecimal() or key in value)):
            return True
    return False
