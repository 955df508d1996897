"""`hookline models sync`: a model's versions and aliases brought in step with a tracker's registry, such as MLflow's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookline.kinds.plain import to_json
from hookline.live.mirroring.agreeing import Difference
from hookline.live.versions.syncing import Synced, sync_model

from ..output import add_json, print_json, print_rows, say


def add_to(actions: Any) -> dict[str, Callable[[Any], int]]:
    """Add the action to those of `hookline models`, and return what carries it out."""
    syncing = actions.add_parser(
        "sync",
        help="bring a model's versions and aliases in step with a tracker's registry, such as MLflow's, both ways",
    )
    syncing.add_argument("model", help="name")
    syncing.add_argument("--look", action="store_true", help="only say what differs, and which way it would go")
    syncing.add_argument(
        "--prefer", choices=["here", "there"], help="whose word counts for an alias that both sides have moved"
    )
    syncing.add_argument(
        "--with", dest="tracker", metavar="NAME", help="the tracker, where settings.yaml names several"
    )
    syncing.add_argument("--reason", default="", help="why, for the log")
    add_json(syncing)
    return {"sync": _sync}


def _sync(given: Any) -> int:
    found = sync_model(given.model, tracker=given.tracker, prefer=given.prefer, look=given.look, reason=given.reason)
    if given.json:
        print_json({**to_json(found), "is_in_step": found.is_in_step})
    else:
        _print(found)
    return 0 if found.is_in_step else 1


def _print(found: Synced) -> None:
    if found.registered:
        told = ", ".join(f"v{version}" for version in found.registered)
        say(f"{told} {'registered' if found.done else 'to be registered'} in {found.place}")
    if found.deleted:
        told = ", ".join(f"v{version}" for version in found.deleted)
        say(f"{told} {'deleted' if found.done else 'to be deleted'} in {found.place}")
    rows = [
        {
            "alias": one.alias,
            "here": _version(one.here),
            "there": _version(one.there),
            "way": _way(one, done=found.done),
            "why": one.why,
        }
        for one in found.found
    ]
    print_rows(rows, ("alias", "here", "there", "way", "why"), empty="")
    if found.is_in_step:
        say(f"{found.model} is in step with {found.place}")
    elif any(one.way == "stuck" for one in found.found):
        say(f"not in step: say whose word counts: hookline models sync {found.model} --prefer here, or --prefer there")
    else:
        say(f"not in step yet: hookline models sync {found.model}")


def _version(number: int | None) -> str:
    return "-" if number is None else f"v{number}"


def _way(one: Difference, *, done: bool) -> str:
    if one.way == "stuck":
        return "nowhere"
    return ("" if done else "to be ") + ("set there" if one.way == "out" else "set here")
