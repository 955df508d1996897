"""`hookline features materialize`, `status` and `lookup`: the online store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.live.featuring.online.looking_up import look_up, stored_features
from hookline.live.featuring.online.materializing import materialize
from hookline.live.featuring.online.store import WHOLE, Stored
from hookline.plans.keywords import source_of
from hookline.registry.registry import load_registry

from ..output import add_json, print_json, print_rows, say
from .known import add_config_dir, versions_known

COLUMNS = ("set", "join", "version", "key", "keys", "columns", "moment", "age", "fresh", "state")


def add(actions: Any) -> None:
    """Add the actions."""
    storing = actions.add_parser(
        "materialize", help="store what a set's joins know of every key now, for rows that come alone"
    )
    storing.add_argument("set", help="a feature set that the project defines")
    storing.add_argument(
        "source", nargs="?", help="the rows beside, in the place of those that the set names: a file, a glob"
    )
    storing.add_argument("--join", help="only this join of the set")
    storing.add_argument(
        "--at", metavar="MOMENT", help="what was known then, such as 2026-01-31T12:00; now where it is not said"
    )
    storing.add_argument(
        "--key", action="append", metavar="COLUMN", help="see that this is the key; again for a second one"
    )
    storing.add_argument("--time", metavar="COLUMN", help="see that this column of the rows beside has the moments")
    add_config_dir(storing)
    asking = actions.add_parser("status", help="say what is stored, as of when, and what is stale")
    asking.add_argument("set", nargs="?", help="only this feature set")
    add_config_dir(asking)
    looking = actions.add_parser("lookup", help="print the rows of a file, or one key, with what is stored of it")
    looking.add_argument("set", help="a feature set that is stored")
    looking.add_argument("rows", nargs="+", metavar="ROWS", help="a file, or COLUMN=VALUE of the key")
    for made, act in ((storing, _materialize), (asking, _status), (looking, _lookup)):
        add_json(made)
        made.set_defaults(act=act)


def _materialize(given: Any) -> int:
    stored = materialize(
        given.set,
        given.source,
        join=given.join,
        at=_moment(given.at),
        key=given.key,
        time=given.time,
        config_dir=given.config_dir,
    )
    return _print(stored, as_json=given.json)


def _status(given: Any) -> int:
    stored = stored_features(given.set)
    now = {one.name: one.version for one in versions_known(given) if one.current} if stored else {}
    for one in stored:
        if now.get(one.set, one.version) != one.version:
            say(
                f"warning: {one.set}.{one.join} was stored by {one.set}@{one.version}, and the project defines {now[one.set]}"
            )
        if one.stale:
            say(f"warning: {one.set}.{one.join} is stale: its values are of {one.moment}, {_span(one.age)} ago")
    return _print(stored, as_json=given.json)


def _print(stored: list[Stored], *, as_json: bool) -> int:
    rows = [
        {
            "set": one.set,
            "join": one.join,
            "version": one.version,
            "key": list(one.on),
            "keys": one.keys,
            "columns": list(one.columns),
            "moment": one.moment,
            "age": one.age if as_json else _span(one.age),
            "fresh": one.fresh if as_json or one.fresh is None else _span(one.fresh),
            "state": "stale" if one.stale else "fresh",
        }
        for one in stored
    ]
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, COLUMNS, empty="nothing is stored; `hookline features materialize SET` stores a set")
    return 0


def _lookup(given: Any) -> int:
    found = look_up(given.set, _rows(given.rows))
    if found.stale:
        say(
            f"warning: stale values of {', '.join(found.stale)}; `hookline features materialize {given.set}` renews them"
        )
    if found.unknown:
        say(f"{len(found.unknown):,} of {len(found.rows):,} rows have a key that nothing is stored of")
    if given.json:
        print_json([dict(row) for row in found.rows])
    else:
        print_rows(found.rows, list(found.rows[0]) if found.rows else (), empty="no rows")
    return 0


def _rows(words: list[str]) -> list[dict[str, Any]]:
    """Return the rows of a file, or the one row that `COLUMN=VALUE` says."""
    if all("=" in word for word in words):
        pairs = [word.partition("=") for word in words]
        return [{name: _value(text) for name, _, text in pairs}]
    if len(words) > 1:
        raise UsageError("give one file, or COLUMN=VALUE of the key", hint="such as customer=c17")
    frame = source_of(load_registry(), Path(words[0])).load().frame
    return frame.collect().to_dicts()


def _value(text: str) -> Any:
    return int(text) if WHOLE.fullmatch(text) else text


def _moment(text: str | None) -> datetime | int | None:
    if text is None:
        return None
    if WHOLE.fullmatch(text) and len(text) != 8:
        return int(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text} is no moment", hint="such as 2026-01-31T12:00") from None


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.1f}{unit}"
    return f"{seconds:.0f}s"
