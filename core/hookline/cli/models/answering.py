"""`hookline predict MODEL --from SOURCE --to SOURCE`: what comes to a source answered to another place, on record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from hookline.errors import UsageError
from hookline.kinds.kinds import Source
from hookline.live.streams.answering import ANSWERED, BATCH, Answering
from hookline.packages.scoring import Tally
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import open_workspace

from ..options import add_contract, add_trust, trust_of
from ..output import parser, say
from ..reading import source_instead

ENDS = ("from", "to")


def is_asked(argv: Sequence[str]) -> bool:
    """Tell whether a command line asks for answers to what comes to a source."""
    return any(re.match(r"--(from|to)(=|$)", word) for word in argv)


def main(argv: Sequence[str]) -> int:
    """Answer what came to a source, and say how many rows that were."""
    options = parser(
        "predict", "Answer what comes to a source, each row once and on record, and send the answers to another."
    )
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument(
        "--from", dest="source", metavar="SOURCE", required=True, help="a source that reads on, such as events"
    )
    options.add_argument(
        "--to", metavar="SOURCE", required=True, help="a source whose place takes answers, such as events"
    )
    options.add_argument(
        "--batch", type=int, default=BATCH, metavar="ROWS", help=f"rows that are answered together ({BATCH})"
    )
    options.add_argument(
        "--as",
        dest="name",
        default=ANSWERED,
        metavar="NAME",
        help="of a model that answers several sources: a name for this one",
    )
    options.add_argument("--follow", action="store_true", help="go on as rows come, until it is interrupted")
    options.add_argument(
        "--every", type=float, default=1.0, metavar="SECONDS", help="with --follow: how often to look (1)"
    )
    options.add_argument("--times", type=int, metavar="N", help="with --follow: end after so many batches")
    options.epilog = "The fields of both are said as from.FIELD=VALUE and to.FIELD=VALUE, such as from.topic=rides"
    add_contract(options)
    add_trust(options)
    words = [word for word in argv if not _end_of(word)]
    given = options.parse_args(words)
    registry = load_registry()
    source, to = (_source(registry, name, end, argv) for name, end in ((given.source, "from"), (given.to, "to")))
    answering = Answering.of(
        registry,
        open_workspace(),
        given.model,
        source,
        to,
        given.batch,
        given.name,
        trust_of(given),
        given.contract,
    )
    total = Tally()
    for tally in islice(answering.follow(given.every), given.times) if given.follow else answering.once():
        total.rows, total.strange = total.rows + tally.rows, total.strange + tally.strange
    say(f"{total.rows:,} rows answered, {total.strange:,} of them unlike the training data")
    return 0


def _end_of(word: str) -> str | None:
    """Return which of the two an override is of; None of another word."""
    found = re.match(r"(?:--)?(from|to)\.[^=]+=", word)
    return found[1] if found else None


def _source(registry: Registry, name: str, end: str, argv: Sequence[str]) -> Source:
    """Return the source that is meant by a name and the overrides of its fields."""
    said = [word.removeprefix("--").partition(".")[2] for word in argv if _end_of(word) == end]
    source = source_instead(registry, None, [f"source={name}", *(f"source.{word}" for word in said)])
    if source is None:
        raise UsageError(f"--{end} names no source", hint=f"--{end} events {end}.topic=...")
    return source
