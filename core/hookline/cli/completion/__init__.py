"""`hookline completion`: prints the script that a shell sources, and answers what the script asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline.telling.terminal import harmless

from .answers import answer
from .facts import known
from .lines import OPEN_ENDS, Current, bash_line, split
from .scripts import SCRIPTS

if TYPE_CHECKING:
    from argparse import ArgumentParser


ASK = "--complete"


def main(argv: Sequence[str]) -> int:
    """Print a shell's script; with `--complete SHELL CWORD WORDS...`, print what may stand at the cursor."""
    if argv and argv[0] == ASK:
        try:
            _complete(*argv[1:])
        except Exception:  # noqa: BLE001  a person who presses TAB wants no traceback, whatever is broken
            return 0
        return 0
    given = _parser().parse_args(argv)
    sys.stdout.write(SCRIPTS[given.shell])
    return 0


def _parser() -> ArgumentParser:
    from ..output import parser

    options = parser("completion", "Print the script for tab completion, to be sourced by a shell.")
    options.add_argument("shell", choices=tuple(SCRIPTS), help='such as: eval "$(hookline completion bash)"')
    return options


def _complete(shell: str, cword: str, *words: str) -> None:
    """Print the words that may stand at the cursor, one a line; bash also gets a first line, `plain` or `nospace`."""
    if shell == "bash":
        line, breaks = bash_line(int(cword), words), os.environ.get("COMP_WORDBREAKS", "=:")
        before, current = split(line, breaks)
        found = answer(known(), before[1:], current.text)
        texts = [current.kept(item.text, escape=found.mode == "files") for item in found.items]
        spaced = "nospace" if len(texts) == 1 and texts[0].endswith(OPEN_ENDS) else "plain"
        told = [spaced, *texts]
    else:
        last = words[int(cword)] if int(cword) < len(words) else ""
        current = split(last, "")[1] if shell == "fish" else Current(last)
        found = answer(known(), words[1 : int(cword)], current.text)
        told = [f"{item.text}\t{item.help}" if item.help else item.text for item in found.items]
        # Fish would put a space behind a bracket.
        told = [text.replace("=[\t", "=\t") for text in told] if shell == "fish" else told
    # What a terminal would act on is nothing that anybody means to type.
    shown = [text for text in (" ".join(text.splitlines()) for text in told) if text == harmless(text)]
    sys.stdout.write("".join(f"{text}\n" for text in shown))
