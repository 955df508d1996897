"""The only package that knows Hydra and OmegaConf: components as options, composition, and errors in hookline's words."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from ..caching import home as home
from ..components import KINDS
from ..errors import ConfigError, HooklineError, Problem, StoreError, UsageError
from ..registry import Registry, default_of, has_default
from ..runconfig import COMPONENT, MULTIPLE, key_of
from .overrides import check_overrides
from .wording import in_our_words, of_value

CONFIG_NAME = "hookline"
PROVIDER = "hookline-plugins"
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
CONFIG_PACKAGE = "hookline_conf"
_UNWRITABLE = frozenset(
    {
        errno.ENOTDIR,
        errno.EEXIST,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENAMETOOLONG,
    }
)


def new_run_id() -> str:
    """Return an id that sorts by time and that no other process makes: `20261123-190501-3fa2c9`."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def run_id_of(folder: Path) -> str:
    """Return the id of a run from the folder that Hydra gave it; a job of a sweep has the sweep's id and its number."""
    if RUN_ID.fullmatch(folder.name):
        return folder.name
    if RUN_ID.fullmatch(folder.parent.name):
        return f"{folder.parent.name}-{folder.name}"
    return new_run_id()


def node_of(cls: type[Any], seed: str | None = "${seed}") -> dict[str, Any]:
    """Return a component's config node: its name and its fields' defaults, `???` where one is required."""
    node: dict[str, Any] = {COMPONENT: cls.name} if hasattr(cls, "kind") else {}
    for field in dataclasses.fields(cls):
        default = default_of(cls, field) if has_default(field) else "???"
        # OmegaConf lets a mapping take the place of null, but not of a list.
        node[field.name] = None if default == [] else default
        if field.name == "seed" and seed is not None:
            node["seed"] = seed
    return node


def compose(registry: Registry, overrides: Sequence[str], config_dir: Path | None = None) -> dict[str, Any]:
    """Compose a run config from Hydra overrides as plain values; raises ConfigError or UnknownName."""
    from hydra import compose as hydra_compose

    _populate(registry)
    if config_dir and not config_dir.is_dir():
        raise UsageError(f"there is no folder {config_dir}", hint="--config-dir names a folder of configs")
    extra = [f"hydra.searchpath=[file://{config_dir.absolute()}]"] if config_dir else []
    given = [_without_null(override) for override in overrides]
    check_overrides(registry, given, config_dir)
    with (
        in_our_words(registry, lambda: options(registry), config_dir),
        initialized(),
    ):
        return _plain(hydra_compose(CONFIG_NAME, [*extra, *given]))


def initialized() -> AbstractContextManager[None]:
    """Have Hydra look for config where ours is."""
    from hydra import __version__, initialize_config_module

    # Hydra 1.3 asks which version's defaults are meant, 1.4 warns of whoever says.
    base = {"version_base": "1.3"} if is_before(__version__, 1, 4) else {}
    return initialize_config_module(CONFIG_PACKAGE, **base)


def is_before(version: str, *parts: int) -> bool:
    """Tell whether a version such as `1.4.0rc3` is before 1.4 (`parts`), of which it is a candidate."""
    return tuple(map(int, version.split(".")[: len(parts)])) < parts


def store_config(name: str, node: Any, group: str | None = None) -> None:
    """Make a config an option of Hydra, in the place of what had its name."""
    from hydra import __version__
    from hydra.core.config_store import ConfigStore

    # Hydra 1.3 reads the module of a plugin twice, and 1.4 warns of a name that is stored twice.
    replacing: dict[str, Any] = {} if is_before(__version__, 1, 4) else {"replace": True}
    ConfigStore.instance().store(name=name, node=node, group=group, provider="hookline", **replacing)


def run_app(
    registry: Registry, argv: Sequence[str], task: Callable[[dict[str, Any], Path], Any], sweep: Any = None
) -> list[Any]:
    """Act on a Hydra command line (`--cfg job`, `--info`, `--multirun`, overrides): call `task(config, folder)` for each job.

    Returns what each job of this process returned. An exception of a job goes on once Hydra has let go. `sweep` is what our
    launcher is to work on instead of calling `task`; another launcher calls `task`, which it may pickle.
    """
    from hydra._internal.utils import _run_hydra, get_args_parser

    _populate(registry)
    job = Job(task, sweep)
    parser = get_args_parser()
    setattr(parser, "error", _refuse)  # noqa: B010  argparse would exit, after a page of its own
    # Flags may stand between overrides, as Hydra 1.4 has it.
    args = parser.parse_intermixed_args([_without_null(argument) for argument in argv])
    flags = [flag for flag in ("run", "multirun", "cfg", "info", "shell_completion") if getattr(args, flag)]
    if len(flags) > 1:
        raise UsageError(" and ".join(f"--{flag}" for flag in flags) + " do not go together", hint="give one of them")
    folder = Path(args.config_dir) if args.config_dir else None
    check_overrides(registry, args.overrides, folder)
    try:
        with in_our_words(registry, lambda: options(registry), folder), _full_errors():
            _run_hydra(args, parser, job, f"pkg://{CONFIG_PACKAGE}", CONFIG_NAME)
    except OSError as error:
        if job.called or error.errno not in _UNWRITABLE:
            raise
        raise StoreError(
            f"{error.filename} cannot be written: {error.strerror}",
            hint="set HOOKLINE_HOME to a folder of yours, and leave hydra.run.dir alone",
        ) from error
    except RecursionError:
        if job.called:
            raise
        raise UsageError("the config includes itself", hint="look at the `defaults` of your experiments") from None
    if job.failures:
        raise job.failures[0]
    return job.results


class Job:
    """The task function that Hydra calls, here or, pickled, in a launcher's own process."""

    __name__ = "job"

    def __init__(self, task: Callable[[dict[str, Any], Path], Any], sweep: Any = None) -> None:
        self.task = task
        self.hookline_sweep = sweep
        self.results: list[Any] = []
        self.failures: list[HooklineError] = []
        self.elsewhere = False
        self.called = False

    def __call__(self, config: Any) -> float | None:
        """Run one job; returns the metric that heads its report, which sweepers of others optimize."""
        from hydra.core.hydra_config import HydraConfig

        self.called = True
        folder = Path(HydraConfig.get().runtime.output_dir)
        try:
            done = self.task(_plain(config), folder)
        except HooklineError as error:
            if self.elsewhere:
                raise
            # Kept rather than raised, so that Hydra does not print it a second time, and a sweep's other jobs go on.
            self.failures.append(error)
            return None
        self.results.append(done)
        headline: float | None = getattr(done, "headline", None)
        return headline

    def __reduce__(self) -> tuple[Any, ...]:
        return _job_elsewhere, (self.task,)


def _job_elsewhere(task: Callable[[dict[str, Any], Path], Any]) -> Job:
    job = Job(task)
    job.elsewhere = True
    return job


def _without_null(override: str) -> str:
    """Say `kind=null` as Hydra wants it: a group is left out with `~kind`, and a list of choices is emptied."""
    kind, equals, value = override.partition("=")
    if not equals or value not in ("null", "None", "none") or kind not in (*KINDS, "experiment"):
        return override
    return f"{kind}=[]" if kind in MULTIPLE else f"~{kind}"


def options(registry: Registry) -> dict[str, list[str]]:
    """Return Hydra group -> option names, the experiments included."""
    from hydra.core.global_hydra import GlobalHydra

    _populate(registry)
    with initialized():
        loader = GlobalHydra.instance().config_loader()
        groups = [*KINDS, "experiment"]
        return {group: loader.get_group_options(group) for group in groups}


def _populate(registry: Registry) -> None:
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins
    from omegaconf import OmegaConf

    _register_resolvers()
    Plugins.instance().register(_search_path_plugin(registry))
    store = ConfigStore.instance()
    for kind in KINDS:
        # Hydra's store is one for the process; another registry's components must not linger in it.
        store.repo.pop(kind, None)
        for name in registry.names(kind):
            package = f"{kind}.{key_of(name)}" if kind in MULTIPLE else kind
            store.store(group=kind, name=name, package=package, node=_open(node_of(registry.entry(kind, name).cls)))
    root: Any = OmegaConf.create((resources.files(CONFIG_PACKAGE) / "config.yaml").read_text("utf-8"))
    root["gates"] = _open({})
    root["settings"] = _open({name: node_of(cls, None) for name, cls in registry.settings().items()})
    store_config(CONFIG_NAME, root)


def _open(values: Mapping[str, Any]) -> Any:
    """Return a node that takes any key, so that our own check sees every unknown field and names them all at once."""
    from omegaconf import OmegaConf

    node = OmegaConf.create(dict(values))
    OmegaConf.set_struct(node, False)
    return node


def _register_resolvers() -> None:
    from omegaconf import OmegaConf, __version__

    if OmegaConf.has_resolver("hookline_home"):
        return
    # OmegaConf 2.4 takes back the name that 2.3 keeps for resolvers of another sort.
    register = getattr(OmegaConf, "register_new_resolver" if is_before(__version__, 2, 4) else "register_resolver")
    register("hookline_home", lambda: str(home()))
    register("hookline_run_id", new_run_id, use_cache=True)


def _search_path_plugin(registry: Registry) -> type[Any]:
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    packages = [p for found in registry.plugins.manager.hook.register_configs() for p in found]

    class HooklineSearchPath(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for package in packages:
                search_path.append(provider=PROVIDER, path=f"pkg://{package}")

    return HooklineSearchPath


def _refuse(message: str) -> None:
    raise UsageError(message, hint="hookline run --help")


def _plain(config: Any) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        tree = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise of_value(error) from None
    assert isinstance(tree, dict)
    refuse_misplaced(tree)
    return {str(key): value for key, value in tree.items() if key not in ("hydra", "experiment")}


def refuse_misplaced(tree: Mapping[Any, Any]) -> None:
    """Raise ConfigError where an experiment's keys came under `experiment`, where nothing reads them."""
    if misplaced := tree.get("experiment"):
        keys = misplaced if isinstance(misplaced, Mapping) else {str(misplaced): None}
        raise ConfigError(
            "bad config",
            [Problem(f"experiment.{key}", "would not be read") for key in keys],
            hint="begin the experiment's file with the line `# @package _global_`",
        )


@contextmanager
def _full_errors() -> Iterator[None]:
    # Hydra prints errors itself and exits, unless this is set; ours read better, and a traceback is for bugs only.
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("HYDRA_FULL_ERROR", None)
        else:
            os.environ["HYDRA_FULL_ERROR"] = before
