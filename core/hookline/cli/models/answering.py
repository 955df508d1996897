"""`hookline predict MODEL --from SOURCE --to SOURCE`: what comes to a source answered to another place, on record."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from itertools import islice

from hookline.errors import ConfigError, UsageError
from hookline.kinds.kinds import Source
from hookline.live.streams.answering import ANSWERED, BATCH, Answering
from hookline.packages.scoring import Tally
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import open_workspace

from ..options import positive, seconds, trust_of
from ..output import say
from ..reading import source_instead

OF_FILES = ("data", "output", "formulas", "log", "on", "explain", "by")
"""What is said of a table, and not of what comes to a source, which is always on record."""
OF_STREAMS = ("batch", "name", "follow", "every", "times")


def add(options: argparse.ArgumentParser) -> None:
    """Add the options of a source that is answered to another."""
    options.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="with --to: answer what comes to a source that reads on, such as events, each row once and on record; its fields "
        "are said as from.FIELD=VALUE",
    )
    options.add_argument(
        "--to", metavar="SOURCE", help="where the answers go, such as events; its fields are said as to.FIELD=VALUE"
    )
    options.add_argument(
        "--batch", type=positive, metavar="ROWS", help=f"with --from: rows that are answered together ({BATCH})"
    )
    options.add_argument(
        "--as",
        dest="name",
        metavar="NAME",
        help="with --from: a name for this one, of a model that answers several sources",
    )
    options.add_argument(
        "--follow", action="store_true", help="with --from: go on as rows come, until it is interrupted"
    )
    options.add_argument("--every", type=seconds, metavar="SECONDS", help="with --follow: how often to look (1)")
    options.add_argument("--times", type=positive, metavar="N", help="with --follow: end after so many batches")


def without_ends(argv: Sequence[str]) -> list[str]:
    """Return the words of a command line without the fields of the two sources."""
    return [word for word in argv if _end_of(word) is None]


def is_asked(given: argparse.Namespace) -> bool:
    """Tell whether what comes to a source is to be answered; raises UsageError where the words do not go together."""
    if given.source is None and given.to is None:
        for name in OF_STREAMS:
            if getattr(given, name):
                raise UsageError(f"--{_word(name)} goes with --from and --to", hint="leave it out of a table's scoring")
        return False
    if given.source is None or given.to is None:
        lacks = "--from" if given.source is None else "--to"
        raise UsageError(
            f"{lacks} is missing", hint="such as: --from events from.topic=asked --to events to.topic=answers"
        )
    for name in OF_FILES:
        if getattr(given, name):
            told = f"'{given.data}'" if name == "data" else f"--{name}"
            raise UsageError(f"{told} is of a table, and --from names a source", hint="leave one of the two out")
    return True


def act(given: argparse.Namespace, argv: Sequence[str]) -> int:
    """Answer what came to a source, and say how many rows that were."""
    registry = load_registry()
    source, to = (_source(registry, name, end, argv) for name, end in ((given.source, "from"), (given.to, "to")))
    answering = Answering.of(
        registry,
        open_workspace(),
        given.model,
        source,
        to,
        given.batch or BATCH,
        given.name or ANSWERED,
        trust_of(given),
        given.contract,
    )
    total = Tally()
    for tally in islice(answering.follow(given.every or 1.0), given.times) if given.follow else answering.once():
        total.rows, total.strange = total.rows + tally.rows, total.strange + tally.strange
    say(f"{total.rows:,} rows answered, {total.strange:,} of them unlike the training data")
    return 0


def _word(name: str) -> str:
    return "as" if name == "name" else name


def _end_of(word: str) -> str | None:
    """Return which of the two sources an override is of; None of another word."""
    found = re.match(r"(?:--)?(from|to)\.[^=]+=", word)
    return found[1] if found else None


def _source(registry: Registry, name: str, end: str, argv: Sequence[str]) -> Source:
    """Return the source that is meant by a name and the overrides of its fields, which errors tell as they were typed."""
    said = [word.removeprefix("--").partition(".")[2] for word in argv if _end_of(word) == end]
    try:
        source = source_instead(registry, None, [f"source={name}", *(f"source.{word}" for word in said)])
    except ConfigError as error:
        hint = None if error.hint is None else error.hint.replace("source.", f"{end}.")
        raise ConfigError(error.title, error.placed("source", end).problems, hint=hint) from None
    assert source is not None
    return source
