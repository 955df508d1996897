"""`hookline models update`: a version learns labeled rows, of a file or of what came to a source since it last did."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import islice
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.plain import to_json
from hookline.live.streams.learning import BATCH, CHECKPOINT, Learner
from hookline.live.updating import Update, update
from hookline.packages.manifest import read_manifest
from hookline.packages.reading import reading_in
from hookline.registry.registry import load_registry
from hookline.runs.names import find
from hookline.workspace.workspace import open_workspace

from ..options import add_trust, positive, require_follow, seconds, trust_of
from ..output import add_json, print_json, print_rows, say
from ..reading import add_reading, fields_of_reading, source_instead

EVERY = 5.0
"""Seconds between two looks at a source."""


def add(actions: Any) -> None:
    """Add the action."""
    made = actions.add_parser(
        "update", help="let a version learn labeled rows, as a new version that nothing points to"
    )
    made.add_argument("model", help="name, name:3 or name@alias")
    made.add_argument(
        "data",
        nargs="?",
        help="rows with the target's column: a file, a glob or a folder; or nothing and source=NAME, such as source=events: "
        "what came to it since the model last learned from it",
    )
    made.add_argument("--batch", type=positive, metavar="ROWS", help=f"of a source: rows of a micro-batch ({BATCH})")
    made.add_argument(
        "--checkpoint",
        type=positive,
        metavar="BATCHES",
        help=f"of a source: micro-batches between two checkpoints ({CHECKPOINT})",
    )
    made.add_argument(
        "--from-start",
        action="store_true",
        help="of a source: begin with its first row where nothing says what is known of it",
    )
    made.add_argument("--follow", action="store_true", help="of a source: go on as rows come, until it is interrupted")
    made.add_argument("--every", type=seconds, metavar="SECONDS", help=f"with --follow: how often to look ({EVERY:g})")
    made.add_argument("--times", type=positive, metavar="N", help="with --follow: end after so many new versions")
    add_trust(made)
    add_json(made)
    add_reading(made)


def act(given: Any, overrides: Sequence[str]) -> int:
    """Let a version learn, and say how it did before."""
    registry = load_registry()
    source = source_instead(registry, given.data, overrides)
    if source is None:
        _require_file_alone(given)
        said = {}
        if overrides:
            reading = reading_in(read_manifest(find(given.model).package()))
            said = fields_of_reading(registry, reading, overrides)
        _tell(given, update(given.model, given.data, trust=trust_of(given), source=said))
        return 0
    require_follow(given)
    sizes = (given.batch or BATCH, given.checkpoint or CHECKPOINT)
    learner = Learner(registry, open_workspace(), source, *sizes, trust_of(given))
    if given.follow:
        for made in islice(learner.follow(given.model, given.every or EVERY, from_start=given.from_start), given.times):
            _tell(given, made)
        return 0
    once = learner.learn(given.model, from_start=given.from_start)
    if once is not None:
        _tell(given, once)
    elif given.json:
        print_json(None)
    else:
        say(f"nothing new for {given.model}")
    return 0


def _require_file_alone(given: Any) -> None:
    for name in ("batch", "checkpoint", "from_start", "follow", "every", "times"):
        if getattr(given, name):
            raise UsageError(
                f"--{name.replace('_', '-')} is of a source that rows keep coming to, and here is a file",
                hint="leave it out, or name a source in the file's place, such as source=events",
            )


def _tell(given: Any, made: Update) -> None:
    name = f"{made.model}:{made.version}"
    if given.json:
        told = {"model": made.model, "version": made.version, "path": made.path, "rows": made.rows}
        print_json(told | {"before": [to_json(metric) for metric in made.before.values()]})
        return
    rows = [dataclasses.asdict(metric) for metric in made.before.values()]
    say(f"{given.model} on these {made.rows:,} rows, before it learned them:")
    print_rows(rows, ("name", "value", "low", "high"), empty="no metrics")
    say(f"{name} has learned them, and nothing points to it yet: hookline models promote {name}")
