"""Commands of a page and what it shows of their output, carried out and compared; or written anew where they went stale."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from textwrap import dedent, indent

from kit.processes import run_command

BLOCK = re.compile(r"^( *)```console\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
LEFT_OUT = "..."
"""A line that stands for any number of lines."""
FOLDER = "/home/you/shop"
"""What pages call the folder where their commands run."""
VARYING = (
    (ID, "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?(\+00:00)?"), "WHEN"),
    # What a job of a leaderboard, or a run of a list, took.
    (re.compile(r"\d+\.\d+ +\d+\.\d+ +(?=finished)"), "COST "),
    (re.compile(r"(?<=finished) +\d+(\.\d+)?"), " TIME"),
    (re.compile(r"\b\d+\.\d+s\b"), "TIME"),
    (re.compile(r"\b[\d.]+ [KMG]iB\b"), "SIZE"),
    (re.compile(r" +"), " "),
)
NUMBER = re.compile(r"\d+\.\d+(?:e-?\d+)?")
CLOSE = 0.02
"""Numbers with a fraction may differ by so much, as they do from one machine to the next."""


@dataclass
class Step:
    """One command, and the lines that a page shows of what it prints."""

    command: str
    shown: list[str]


def steps_of(block: str) -> list[Step]:
    """Return the commands of a block; each begins with `$ `."""
    steps: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:], []))
        else:
            steps[-1].shown.append(line)
    return steps


def ids_between(step: Step, lines: Sequence[str]) -> dict[str, str]:
    """Return the ids that a page shows -> those that were printed instead, where there are as many."""
    shown, found = (list(dict.fromkeys(ID.findall("\n".join(text)))) for text in (step.shown, lines))
    return dict(zip(shown, found, strict=True)) if len(shown) == len(found) else {}


def with_ids(command: str, ids: Mapping[str, str]) -> str:
    """Return a command that names what was printed here, not what a page shows."""
    return ID.sub(lambda found: ids.get(found.group(), found.group()), command)


def printed(command: str, folder: Path) -> list[str]:
    """Run a command with bash in a folder that is its home too; returns what it prints, both streams in one."""
    hidden = ("HOOKLINE_HOME", "CI")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])
    done = run_command(["bash", "-c", f"exec 2>&1; {command}"], cwd=folder, env=env, timeout=300)
    return [line.replace(str(folder), FOLDER).rstrip() for line in done.stdout.splitlines()]


def same(shown: str, line: str) -> bool:
    """Tell whether a line that was printed says what a page shows, but for ids, times, sizes and the last digits."""
    left, right = _settled(shown), _settled(line)
    figures = [list(map(float, NUMBER.findall(text))) for text in (left, right)]
    alike = NUMBER.sub("#", left) == NUMBER.sub("#", right)
    return alike and all(math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-3) for a, b in zip(*figures, strict=True))


def missing(step: Step, lines: Sequence[str]) -> list[str]:
    """Return the first lines of a page that do not stand, in order, in what was printed; none where all do."""
    at = 0
    parts = list(_parts(step.shown))
    for place, part in enumerate(parts):
        starts = range(at, len(lines) - len(part) + 1)
        fits = (s for s in starts if all(map(same, part, lines[s : s + len(part)])))
        # What is not after a gap must begin where the last part ended.
        found = next(fits, None) if place else (0 if 0 in fits else None)
        if found is None:
            return part
        at = found + len(part)
    return [] if len(parts) > 1 or at == len(lines) else list(lines[at:])


def written_anew(step: Step, lines: Sequence[str]) -> list[str]:
    """Return what a page should show: of each part as many lines as before, those that are most like it."""
    parts = list(_parts(step.shown))
    if len(parts) == 1:
        return list(lines)
    made: list[str] = []
    at = 0
    for place, part in enumerate(parts):
        best = max(range(at, max(at, len(lines) - len(part)) + 1), key=lambda s, p=part: _likeness(p, lines, s))  # type: ignore[misc]
        made += ([LEFT_OUT] if place else []) + list(lines[best : best + len(part)])
        at = best + len(part)
    return made


def rewritten(text: str, folder: Path) -> str:
    """Return a page with each block as its commands print it now."""

    ids: dict[str, str] = {}

    def anew(block: re.Match[str]) -> str:
        lines = []
        for step in steps_of(dedent(block.group(2))):
            command = with_ids(step.command, ids)
            told = printed(command, folder)
            ids.update(ids_between(step, told))
            lines += [f"$ {command}", *written_anew(step, told)]
        return indent("\n".join(["```console", *lines, "```"]), block.group(1))

    return BLOCK.sub(anew, text)


def _parts(shown: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines between gaps, the first part from the beginning on."""
    part: list[str] = []
    for line in shown:
        if line == LEFT_OUT:
            yield part
            part = []
        else:
            part.append(line)
    yield part


def _likeness(part: Sequence[str], lines: Sequence[str], start: int) -> float:
    there = lines[start : start + len(part)]
    return SequenceMatcher(None, _settled("\n".join(part)), _settled("\n".join(there)), autojunk=False).ratio()


def _settled(text: str) -> str:
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.rstrip()
