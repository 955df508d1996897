"""`hookline deploy`: which version answers; planned, put in force, looked at, ended and put back."""

from __future__ import annotations

import re
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment
from hookline.kinds.plain import to_json
from hookline.live.deploying.bounds import LIMIT, SINCE
from hookline.live.deploying.policies import words_of
from hookline.live.deploying.promoting import BY_HAND, promote, rollback

from ..options import add_trust, trust_of
from ..output import add_json, parser, print_json, say, tell, write_text

OVERRIDE = re.compile(r"[+~]*deployer[.=]")
FREE = ("--reason", "--output")
"""Options whose value may look like an override."""
LONGEST = 86_400.0
"""Seconds between two looks."""
VERSION = "the version, such as churn:3 or churn@staging"


def main(argv: Sequence[str]) -> int:
    """Plan which version answers, put one in force, see how it does, end a rollout, or put back what was before."""
    words, overrides = _apart(argv)
    given = _options().parse_args(words)
    given.overrides = [*getattr(given, "overrides", ()), *overrides]
    if overrides and given.action not in ("plan", "apply"):
        line = " ".join(["hookline deploy apply", _with_version(given.model), *overrides])
        raise UsageError(f"`deploy {given.action}` takes no {overrides[0]}", hint=f"to change the deployer: {line}")
    acts = {"plan": _plan, "apply": _apply, "status": _status, "promote": _promote, "rollback": _rollback}
    acts |= {"export": _export}
    return acts[given.action](given)


def _options() -> ArgumentParser:
    options = parser(
        "deploy", "Say which version of a model answers: plan it, put it in force, look at it, put it back."
    )
    actions = options.add_subparsers(dest="action", required=True)
    planning = actions.add_parser(
        "plan", help="show what would change, and play the prediction log through the version first"
    )
    planning.add_argument("model", help=VERSION)
    planning.add_argument("--since", metavar="WHEN", default=SINCE, help=f"records from then on (default: {SINCE})")
    planning.add_argument(
        "--limit", type=int, default=LIMIT, help=f"so many records, the newest; 0: none (default: {LIMIT})"
    )
    add_trust(planning)
    applying = actions.add_parser("apply", help="put a version in force as its deployer says")
    applying.add_argument("model", help=VERSION)
    applying.add_argument("--reason", default="", metavar="TEXT", help="why, for the promotion log")
    applying.add_argument("--force", action="store_true", help="also where something speaks against it")
    applying.add_argument("--yes", action="store_true", help="without being asked")
    for made in (planning, applying):
        made.add_argument("overrides", nargs="*", help="such as deployer=canary deployer.steps=[1,5,25]")
    showing = actions.add_parser("status", help="show the policy in force, and how each arm does")
    showing.add_argument("model", help="name")
    showing.add_argument(
        "--limit",
        type=int,
        default=LIMIT,
        help=f"records that shadows are judged by, the newest; 0: none (default: {LIMIT})",
    )
    showing.add_argument(
        "--watch",
        type=float,
        nargs="?",
        const=2.0,
        metavar="SECONDS",
        help="again and again, until Ctrl-C (default: 2)",
    )
    promoting = actions.add_parser("promote", help="end a rollout in favor of the new version, or put one in charge")
    promoting.add_argument("model", help="name, of which the rollout ends; or name:3")
    promoting.add_argument("--reason", default=BY_HAND, metavar="TEXT", help="why, for the promotion log")
    back = actions.add_parser("rollback", help="put back what was in force before the present rollout or promotion")
    back.add_argument("model", help="name")
    back.add_argument("--to", metavar="VERSION", help="this version or alias (default: the one before)")
    back.add_argument("--reason", default="", metavar="TEXT", help="why, for the promotion log")
    exporting = actions.add_parser("export", help="write the policy in force as manifests of a cluster, YAML")
    exporting.add_argument("model", help="name")
    exporting.add_argument("--to", choices=("kserve", "gateway"), required=True, help="InferenceService, or HTTPRoute")
    exporting.add_argument("--output", type=Path, metavar="FILE", help="write here instead of to stdout")
    exporting.add_argument("--image", help="of kserve: the container's image, which has hookline in it")
    exporting.add_argument(
        "--storage", help="of kserve: a URL above the home's folder `models` (default: pvc://hookline)"
    )
    exporting.add_argument("--namespace", help="of the cluster")
    exporting.add_argument("--gateway", help="of gateway: the Gateway that the route belongs to (default: hookline)")
    for made in (planning, applying, showing, promoting, back):
        add_json(made)
    return options


def _with_version(model: str) -> str:
    return model if ":" in model or "@" in model else f"{model}:N"


def _apart(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words without what is said of the deployer, and the latter, wherever it stands."""
    is_override = [
        bool(OVERRIDE.match(word)) and (not place or argv[place - 1] not in FREE) for place, word in enumerate(argv)
    ]
    parts = [[word for word, is_one in zip(argv, is_override, strict=True) if is_one is side] for side in (False, True)]
    return parts[0], parts[1]


def _plan(given: Any) -> int:
    # Here, since a roll-back is not to wait for all that plans need.
    from hookline.live.deploying.planning import plan_deployment

    from .deployed import print_plan

    plan = plan_deployment(given.model, given.overrides, since=given.since, limit=given.limit, trust=trust_of(given))
    if given.json:
        print_json(plan.plain())
        return 0
    print_plan(plan)
    line = " ".join(["hookline deploy apply", f"{plan.model}:{plan.version}", *given.overrides])
    if plan.is_change:
        say(f"to put it in force: {line}")
    elif plan.after is None:
        say(f"to put it in force all the same: {line} --force")
    return 0


def _apply(given: Any) -> int:
    from hookline.live.deploying.applying import deploy
    from hookline.live.deploying.planning import plan_deployment

    plan = plan_deployment(given.model, given.overrides, limit=0)
    if plan.after is not None and not plan.is_change:
        return _told(given, plan.after, "nothing changes")
    if not given.yes:
        _require_yes(plan.words(), " ".join(["hookline deploy apply", given.model, *given.overrides, "--yes"]))
    made = deploy(given.model, given.overrides, reason=given.reason, force=given.force)
    return _told(given, made)


def _require_yes(words: str, line: str) -> None:
    """Ask whether to go on; raises UsageError where nobody can be asked, or says no."""
    say(words)
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to put this in force", hint=line)
    sys.stderr.write("put this in force? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was changed", hint=f"to be asked no more: {line}")


def _status(given: Any) -> int:
    from hookline.live.deploying.status import deployment

    from .deployed import print_status

    if given.watch is not None and not 0 < given.watch <= LONGEST:
        raise UsageError(
            f"--watch takes more than 0 and at most {LONGEST:g} seconds, got {given.watch:g}", hint="--watch 2"
        )
    while True:
        found = deployment(given.model, limit=given.limit)
        if given.json:
            print_json(found.plain())
        else:
            print_status(found)
        if given.watch is None:
            return 0
        sys.stdout.flush()
        time.sleep(given.watch)
        tell()


def _promote(given: Any) -> int:
    made = promote(given.model, reason=given.reason)
    assert made is not None
    return _told(given, made)


def _rollback(given: Any) -> int:
    return _told(given, rollback(given.model, given.to, reason=given.reason))


def _export(given: Any) -> int:
    from hookline.live.deploying.export.manifests import manifests

    said = {name: getattr(given, name) for name in ("image", "storage", "namespace", "gateway")}
    text = manifests(given.model, given.to, **{name: value for name, value in said.items() if value is not None})
    if given.output is None:
        tell(text.rstrip("\n"))
        return 0
    write_text(given.output, text)
    say(f"written to {given.output}")
    return 0


def _told(given: Any, made: Deployment, why: str = "") -> int:
    if given.json:
        print_json(to_json(made))
    else:
        say(f"{made.model}: {words_of(made)} ({why or made.reason})")
    return 0
