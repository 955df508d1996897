"""A command line handed to Hydra, and each of its jobs handed back."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, HooklineError, Problem, StoreError, UsageError
from hookline.registry.registry import Registry
from hookline.telling.secrets import redacted
from hookline.telling.terminal import harmless
from hookline.workspace.home import home as home

from ..config import ROOTS
from .allowed import WRITTEN_DOWN
from .compose import CONFIG_NAME, CONFIG_PACKAGE, options, plain, populate, require_sets, without_null
from .overrides import check_overrides
from .shorthand import ROLES, spelled_out
from .wording import in_our_words

SEARCHED = f"pkg://{CONFIG_PACKAGE}"
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


def run_app(
    registry: Registry, argv: Sequence[str], task: Callable[[dict[str, Any], Path], Any], sweep: Any = None
) -> list[Any]:
    """Act on a Hydra command line (`--cfg job`, `--info`, `--multirun`, overrides): call `task(config, folder)` for each job.

    Returns what each job of this process returned. An exception of a job goes on once Hydra has let go. `sweep` is what our
    launcher is to work on instead of calling `task`; another launcher calls `task`, which it may pickle.
    """
    from hydra._internal.utils import _run_hydra, get_args_parser

    from .guarded import guarded

    populate(registry)
    job = Job(task, sweep)
    parser = get_args_parser()
    setattr(parser, "error", _refuse)  # noqa: B010  argparse would exit, after a page of its own
    # Flags may stand between overrides, as Hydra 1.4 has it.
    args = parser.parse_intermixed_args([without_null(argument) for argument in argv])
    flags = [flag for flag in ("run", "multirun", "cfg", "info", "shell_completion") if getattr(args, flag)]
    if len(flags) > 1:
        raise UsageError(" and ".join(f"--{flag}" for flag in flags) + " do not go together", hint="give one of them")
    if getattr(args, "experimental_rerun", None):
        # Hydra acts on it in `hydra.main` alone, by a config that it has pickled.
        raise UsageError("--experimental-rerun is not read", hint="give the overrides of the run again")
    folder = Path(args.config_dir) if args.config_dir else None
    args.overrides = spelled_out(args.overrides)
    check_overrides(registry, args.overrides, folder)
    if args.multirun:
        _refuse_secrets(args.overrides)
    words = in_our_words(registry, lambda: options(registry), folder)
    try:
        with words, _full_errors(), job.set_aside(), _logging_told(job), guarded(args.overrides):
            if _is_one_run(args):
                _run(job, args.overrides)
            else:
                with _shown_safely(args):
                    _run_hydra(args, parser, job, SEARCHED, CONFIG_NAME)
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
    if job.error is not None:
        raise job.error
    if job.failures:
        raise job.failures[0]
    return job.results


def _refuse_secrets(overrides: Sequence[str]) -> None:
    """Raise ConfigError for a secret in the words of a sweep, which are kept for whoever resumes it."""
    shown = {override: redacted(override) for override in overrides}
    problems = [Problem(text.partition("=")[0], WRITTEN_DOWN) for override, text in shown.items() if text != override]
    if problems:
        raise ConfigError("bad config", problems, hint="export NAME=... before the sweep")


def _is_one_run(args: Any) -> bool:
    """Tell whether a command line asks for one run, and nothing in it could make Hydra sweep."""
    asked = ("multirun", "cfg", "info", "shell_completion", "help", "hydra_help", "resolve", "version")
    elsewhere = ("config_dir", "config_name", "config_path")
    return not any(getattr(args, name, None) for name in (*asked, *elsewhere)) and not any(
        override.lstrip("+~").startswith(("hydra", "experiment")) for override in args.overrides
    )


def _run(job: Job, overrides: Sequence[str]) -> None:
    """Have Hydra run a job; its own `_run_hydra` composes the config twice, to see whether it says to sweep."""
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_automatic_config_search_path
    from hydra.core.global_hydra import GlobalHydra

    hydra = Hydra.create_main_hydra2(CONFIG_NAME, create_automatic_config_search_path(None, None, SEARCHED))
    try:
        hydra.run(CONFIG_NAME, job, list(overrides))
    finally:
        GlobalHydra.instance().clear()


class Job:
    """The task function that Hydra calls, here or, pickled, in a launcher's own process."""

    __name__ = "job"

    def __init__(self, task: Callable[[dict[str, Any], Path], Any], sweep: Any = None) -> None:
        self.task = task
        self.hookline_sweep = sweep
        self.results: list[Any] = []
        self.failures: list[HooklineError] = []
        self.error: Exception | None = None
        """What else a job raised, which is the user's own."""
        self.elsewhere = False
        self.called = False

    def __call__(self, config: Any) -> float | None:
        """Run one job; returns the metric that heads its report, which sweepers of others optimize."""
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        self.called = True
        folder = Path(HydraConfig.get().runtime.output_dir)
        try:
            composed = plain(config)
            require_sets(HydraConfig.get().overrides.task, composed)
            done = self.task(composed, folder)
        except HooklineError as error:
            if self.elsewhere:
                raise
            # Kept rather than raised, so that Hydra does not print it a second time, and a sweep's other jobs go on.
            self.failures.append(error)
            return None
        except Exception as error:  # of the user's own code, which may raise anything
            self.error = self.error or error
            if self.elsewhere or HydraConfig.get().mode != RunMode.RUN:
                raise
            # Hydra would print every override of the command line, secrets too; it is raised once Hydra has let go.
            return None
        self.results.append(done)
        headline: float | None = getattr(done, "headline", None)
        return headline

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Let nobody around see what a job raised, so that it is not taken for a fault of the config."""
        try:
            yield
        except Exception as error:  # whatever the job raised; all else goes on
            if error is not self.error:
                raise

    def __reduce__(self) -> tuple[Any, ...]:
        return _job_elsewhere, (self.task,)


def _job_elsewhere(task: Callable[[dict[str, Any], Path], Any]) -> Job:
    job = Job(task)
    job.elsewhere = True
    return job


@contextmanager
def _logging_told(job: Job) -> Iterator[None]:
    """Say which part of a config is no logging that Python's own `logging` can set up."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        frames = {frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)}
        if job.called or "configure_log" not in frames:
            raise
        place = "hydra.job_logging" if "run_job" in frames else "hydra.hydra_logging"
        why = f": {error.__cause__}" if error.__cause__ else ""
        raise ConfigError(
            "bad config",
            [Problem(place, f"cannot be set up: {error}{why}")],
            hint="write it as logging.config.dictConfig takes it",
        ) from None


def _refuse(message: str) -> None:
    raise UsageError(message, hint=_as_override(message) or "hookline run --help")


def _as_override(message: str) -> str | None:
    """Return the override that was meant by an option such as `--target x` or `--seed=1`; None where it was none."""
    option, _, values = message.partition("unrecognized arguments: --")[2].partition(" ")
    key, equals, own = option.partition("=")
    value = own if equals else values.partition(" ")[0]
    return f"{key}={value or '...'}" if key.partition(".")[0] in {*ROOTS, *ROLES} else None


@contextmanager
def _shown_safely(args: Any) -> Iterator[None]:
    """Take the secrets out of a config that Hydra prints."""
    if not (args.cfg or args.info):
        yield
        return
    with redirect_stdout(io.StringIO()) as printed:
        yield
    sys.stdout.write(harmless(printed.getvalue()))


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
