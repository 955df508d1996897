"""The command line: finds the verb, runs it, and turns errors into messages and exit codes."""

from __future__ import annotations

import atexit
import errno
import importlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from gc import freeze
from pathlib import Path
from typing import Any

from hookline.errors import HooklineError, UnknownName, UsageError, closest, interruption
from hookline.telling.terminal import harmless

VERBS = {
    "run": "run a pipeline from data to deployment (`hookline train.csv target=churned` is short for this)",
    "plan": "show the stages of a run, what is cached, and why the rest must run",
    "runs": "list runs, or show one",
    "sweeps": "list sweeps, or show a leaderboard",
    "compare": "compare runs on the same held-out rows",
    "resume": "run what is missing of a sweep",
    "bench": "run pipelines on many data sets, and say which is better",
    "components": "list components, show one with its fields, or write reference pages",
    "plugins": "list plugins, show one, check one, or begin a new one",
    "models": "list models and versions, promote, check, compare, carry, tag or delete one",
    "features": "list feature sets and features, show, compare and test them, say who uses which, and store their values",
    "predict": "score a file with a model or package",
    "explain": "say what moved a model's answer, for a row or the rows of a file",
    "package": "write a model's pipeline in another format, proven to answer alike",
    "serve": "answer predictions over HTTP",
    "deploy": "say which version answers: plan it on the log, put it in force, see how it does, put it back",
    "predictions": "list what a model answered, show one answer, print them as they come, or keep their files small",
    "labels": "add what turned out to be true of a model's answers, and say how much is known",
    "data": "look at tables, at their versions, and at what was done to them",
    "monitor": "compare current data with what a model was trained on, watch a model, and act on its alarms",
    "retrain": "train a model again on rows whose truth came since, and release it if it is better",
    "ui": "look at models, runs and data in a browser, and act on what needs attention",
    "report": "write a run's report.html again, and say where it is",
    "gc": "say what the home could do without, and free it with --yes",
    "migrate": "lift the catalog of an earlier hookline to the format of this one",
    "doctor": "check this environment, and say what is wrong with it",
    "schema": "write a JSON schema of config files, for editors",
    "completion": "print the script for tab completion in bash, zsh or fish",
}
FOLDERS = {
    "runs": ("run", "plan", "runs", "sweeps", "compare", "resume", "report", "bench"),
    "models": ("models", "predict", "explain", "package"),
    "live": ("serve", "deploy", "predictions", "labels", "monitor", "retrain"),
}
"""Folder of verbs -> those in it; every other verb is a module or folder of its own name."""
INTERRUPTED = 130
SIGNALED = 128
"""A command that a signal ended exits with its number above this."""
TERMINATED = (signal.SIGTERM, signal.SIGHUP)
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Terminated(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a terminal that was closed; it ends a command as Ctrl-C does: recorded as interrupted."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.number = number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code: 0 ok, 1 failed, 2 usage, 3 gate, 4 plugin, 128 + the signal that ended it."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        sys.excepthook = _traceback
        # After whatever else there is to do at the end: the system takes back memory faster than a collector of garbage.
        atexit.register(freeze)
    try:
        _require_folder()
        with _terminable():
            ended = _dispatch(arguments)
            sys.stdout.flush()  # Here a reader that has left is still taken for one.
            return ended
    except (Exception, KeyboardInterrupt) as error:
        with _deaf(for_good=argv is None):
            code = _told(error)
        if code is None:
            raise
        return code


def _traceback(cls: type[BaseException], error: BaseException, trace: Any) -> None:
    """Write the traceback of a fault in code as Python does, but for secrets and what a terminal would act on."""
    from traceback import format_exception

    sys.stderr.write(harmless("".join(format_exception(cls, error, trace))))


def _told(error: BaseException) -> int | None:
    """Tell in a line why a command ended and return its exit code; None where only a traceback would do."""
    if stopped := interruption(error):
        terminated = isinstance(stopped, Terminated)
        told = ["terminated" if terminated else "interrupted", *getattr(stopped, "__notes__", ())]
        with suppress(OSError):  # Of a terminal that was closed there is nothing left to write to.
            sys.stderr.write(harmless("; ".join(told)) + "\n")
        return SIGNALED + stopped.number if isinstance(stopped, Terminated) else INTERRUPTED
    if isinstance(error, HooklineError):
        _advise(error)
        sys.stderr.write(f"error: {harmless(str(error))}\n")
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        return 0 if _reader_left() else None
    if isinstance(error, OSError) and error.errno in FULL:
        where = f" of {error.filename}" if error.filename else ""
        sys.stderr.write(
            harmless(f"error: the disk{where} is full\nhint: free space; what was computed before is kept\n")
        )
        return 1
    return None


def _advise(error: HooklineError) -> None:
    """Ask the plugins what mends an error, where nobody has."""
    if error.ailment is None:
        return
    from hookline.registry.registry import load_registry
    from hookline.registry.remedies import add_remedies

    with suppress(HooklineError):  # One that cannot be asked hides no error.
        add_remedies(error, load_registry().remedies)


@contextmanager
def _terminable() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread may say what a signal does.
        return
    # What `nohup` lets a command ignore, it goes on ignoring.
    heard = [number for number in TERMINATED if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _terminate) for number in heard}
    hook, sys.unraisablehook = sys.unraisablehook, _send_again
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def _deaf(*, for_good: bool) -> Iterator[None]:
    """Hear no further signal while it is told why a command ended: Ctrl-C is often pressed more than once.

    for_good: the process ends then, and hears none while Python tidies up, where it would end in a traceback
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *TERMINATED)}
    try:
        yield
    finally:
        if for_good:
            del before[signal.SIGINT]
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _terminate(number: int, frame: object) -> None:
    raise Terminated(number)


def _send_again(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal once more whose exception a library let fall, as one does that was called back from C."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    number = lost.exc_value.number if isinstance(lost.exc_value, Terminated) else signal.SIGINT
    # Later and from elsewhere, since here it would be let fall again.
    later = threading.Timer(0.05, os.kill, (os.getpid(), number))
    later.daemon = True
    later.start()


def _require_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError("the current folder is gone", hint="cd to one that is there") from None


def _reader_left() -> bool:
    """Tell whether it was stdout's reader that went away (`hookline runs list | head`), and keep its flush at exit quiet."""
    # Asked of the pipe itself: what was buffered may have been let fall with the first error, and flushes well then.
    try:
        stdout, watch = sys.stdout.fileno(), select.poll()
    except OSError:  # It is no file, as in a notebook.
        return False
    watch.register(stdout, select.POLLOUT)
    left = any(event & select.POLLERR for _, event in watch.poll(0))
    if left:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
    return left


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else "--help"
    if first in ("--help", "-h", "help"):
        sys.stdout.write(usage())
        return 0
    if first == "--version":
        from hookline.version import __version__

        sys.stdout.write(f"hookline {__version__}\n")
        return 0
    if first in VERBS:
        verb, rest = first, arguments[1:]
    elif "=" in first or first.startswith(("-", "+", "~")) or _is_path(first):
        verb, rest = "run", arguments
    else:
        near = closest(first, [verb for verb in VERBS if first not in verb])
        raise UnknownName("command", first, VERBS, hint=f"did you mean '{near}'?" if near else _meant(first, arguments))
    code: int = module_of(verb).main(rest)
    return code


def _meant(first: str, arguments: list[str]) -> str:
    """Return the line by which the table is run that somebody may have meant who named no command."""
    import shlex

    table = next((path.name for path in sorted(Path().glob("*.*")) if path.stem == first and _is_path(path.name)), None)
    rest = arguments[1:] if table is None else [table, *arguments[1:]]
    if not any(map(_is_path, rest)):
        return "`hookline --help` lists the commands, and a table is run by hookline train.csv target=COLUMN"
    said = any(word.startswith(("target=", "roles.target=")) for word in rest)
    return f"hookline {shlex.join(rest)}" + ("" if said else " target=COLUMN")


def _is_path(word: str) -> bool:
    from hookline.plans.hydra.shorthand import is_path

    return is_path(word)


def module_of(verb: str) -> Any:
    """Return the module of a verb, whose `main` takes the words after it."""
    folder = next((folder for folder, verbs in FOLDERS.items() if verb in verbs), None)
    return importlib.import_module(f".{folder}.{verb}" if folder else f".{verb}", __name__)


def usage() -> str:
    """Return the text of `hookline --help`."""
    verbs = "\n".join(f"  {verb:<12}{text}" for verb, text in VERBS.items())
    return (
        "hookline: from raw data to a watched model, through one typed plugin contract.\n\n"
        "usage: hookline [VERB] [OVERRIDES or OPTIONS]\n\n"
        f"{verbs}\n\n"
        "examples:\n"
        "  hookline train.csv target=churned                        a table of yours, end to end\n"
        "  hookline run                                             the same on data that comes along\n"
        "  hookline trainer=random_forest trainer.n_estimators=50   other choices\n"
        "  hookline -m trainer=ridge,random_forest source=diabetes  a sweep\n"
        "  hookline --cfg job                                       the config, composed\n\n"
        "`hookline VERB --help` tells more. Exit codes: 0 ok, 1 failed, 2 usage or config, 3 a gate said no,\n"
        "4 a plugin failed to load, 130 interrupted, 143 terminated.\n"
    )
