"""How commands print: tables for people, JSON for programs; data to stdout, all else to stderr."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hookline.errors import DataError, UsageError, closest, suggestion
from hookline.telling.secrets import redacted
from hookline.telling.terminal import harmless, one_line
from hookline.workspace.files import write_whole


class Parser(argparse.ArgumentParser):
    """An argument parser that raises hookline's own errors."""

    def error(self, message: str) -> Any:
        """Raise UsageError instead of exiting."""
        found = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)|unrecognized arguments: (\S+)", message)
        near = None
        if found:
            choices = re.findall(r"[\w-]+", found.group(2) or " ".join(self._option_string_actions))
            near = closest((found.group(1) or found.group(3)).lstrip("-"), [choice.lstrip("-") for choice in choices])
        told = f"did you mean '{'--' if found and found.group(3) else ''}{near}'?" if near else f"{self.prog} --help"
        missing = message.partition("arguments are required: ")[2].split(", ")
        if missing[0] == "model":
            told = _with_model(self.prog, missing[1:])
        elif missing[0] == "data" and any(action.dest == "model" for action in self._actions):
            told = _with_model(self.prog, missing)
        raise UsageError(message, hint=told)


def _with_model(prog: str, rest: Sequence[str]) -> str:
    """Return a command line with a model that there is, or the one that makes a first."""
    from hookline.workspace.workspace import open_workspace

    names = open_workspace().catalog.models.names()
    if not names:
        return str(suggestion("", names, "model"))
    line = " ".join([prog, names[0], *(word if word.startswith("-") else word.upper() for word in rest)])
    return f"{line}; there are {', '.join(names[:5])}" if len(names) > 1 else line


def parser(verb: str, text: str, *, json_too: bool = False) -> Parser:
    """Return a verb's parser, with `--json` where it lists or shows."""
    made = Parser(prog=f"hookline {verb}", description=text, allow_abbrev=False)
    if json_too:
        add_json(made)
    return made


def add_json(made: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    # JSON itself spells out what a terminal would act on.
    sys.stdout.write(json.dumps(_redacted(value), indent=2) + "\n")


def _redacted(value: Any) -> Any:
    """Return JSON values without secrets; each text by itself, since JSON spells a quote, a backslash or an accent otherwise."""
    if isinstance(value, Mapping):
        return {redacted(key) if isinstance(key, str) else key: _redacted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else redacted(str(value))


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> None:
    """Print rows as an aligned table on stdout; says `empty` on stderr where there are none."""
    if not rows:
        say(empty)
        return
    from rich.console import Console
    from rich.table import Table

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            """Let the error go on to whoever asks whether it was the reader that left; rich would exit with 1."""
            raise

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(one_line(text(row.get(column))) for column in columns))
    console = Piped(soft_wrap=not sys.stdout.isatty(), markup=False, emoji=False, highlight=False)
    console.width = console.width if sys.stdout.isatty() else 10_000
    console.print(table)


def write_text(path: Path, text: str | bytes) -> None:
    """Write a file in one step; raises DataError where it cannot be written."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def writing(path: Path, option: str = "--html") -> Iterator[None]:
    """Raise UsageError where the file that an option names cannot be written within this block."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror or error}") from error


def make_folder(path: Path, option: str) -> None:
    """Make the folder that an option names, if it is not there; raises UsageError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        shown = str(path) if len(str(path)) <= 100 else f"{str(path)[:99]}\N{HORIZONTAL ELLIPSIS}"
        why = "a file is called so" if isinstance(error, FileExistsError) else error.strerror
        raise UsageError(f"{option}: the folder '{shown}' cannot be made: {why}", hint="name another folder") from error


def text(value: Any) -> str:
    """Return a cell's text: four digits of a number, words for None and lists."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(text, value))
    return str(value)


def tell(*parts: Any, flush: bool = False) -> None:
    """Print what was asked for, on stdout, as a terminal shows it and does not act on it."""
    sys.stdout.write(harmless(" ".join(map(str, parts))) + "\n")
    if flush:
        sys.stdout.flush()


def say(message: str) -> None:
    """Tell a person something, on stderr."""
    sys.stderr.write(f"{harmless(message)}\n")
