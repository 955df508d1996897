"""`hookline predictions compact`, `prune` and `settings`: the files of a log made smaller and fewer, and how they are written."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hookline.live.log.compacting import compact_predictions
from hookline.live.log.predictions import whole_log
from hookline.live.log.pruning import Pruned, prune_predictions
from hookline.live.log.rules import settings_of
from hookline.live.records import SETTINGS
from hookline.workspace.workspace import open_workspace

from ..output import print_json, print_rows, say

MODEL = "a model with a prediction log"


def add_actions(actions: Any) -> Sequence[argparse.ArgumentParser]:
    """Add the actions to those of `hookline predictions`."""
    compacting = actions.add_parser(
        "compact", help="turn closed files of the log into Parquet; none is touched that is written"
    )
    compacting.add_argument("model", help=MODEL)
    pruning = actions.add_parser("prune", help="remove old predictions; says first what, and asks nothing")
    pruning.add_argument("model", help=MODEL)
    pruning.add_argument("--older-than", metavar="SPAN", required=True, help="such as 90d, 12w or 36h")
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    settings = actions.add_parser("settings", help="show how the log is written, and where that is said")
    settings.add_argument("model", help=MODEL)
    return compacting, pruning, settings


def _settings(given: Any) -> int:
    folder = whole_log(open_workspace(), given.model).folder
    path, found = folder / SETTINGS, settings_of(folder)
    facts = {**asdict(found), "said_in": str(path) if path.exists() else None}
    if given.json:
        print_json(facts)
        return 0
    columns = facts.pop("columns")
    facts |= {f"columns.{name}": rule for name, rule in columns.items()}
    facts["said_in"] = facts["said_in"] or f"nowhere: these are the defaults; {path} may say otherwise"
    print_rows([{"setting": name, "value": value} for name, value in facts.items()], ("setting", "value"), empty="")
    return 0


def _compact(given: Any) -> int:
    done = compact_predictions(given.model)
    if given.json:
        print_json(asdict(done))
        return 0
    if done.files:
        sizes = f"{_size(done.before)} became {_size(done.after)}"
        say(
            f"{_counted(done.records, 'record')} of {_counted(done.files, 'file')} of {done.model} are Parquet now: {sizes}"
        )
    else:
        say(f"no closed file of {done.model} is left to turn into Parquet")
    if done.merged:
        say(f"{done.merged} small Parquet files of days that are over are part of larger ones now")
    if done.open:
        say(f"left, since a server writes to them: {done.open}")
    for name, reason in done.unread.items():
        say(f"left as it is: {name}: {reason}")
    return 0


def _prune(given: Any) -> int:
    plan = prune_predictions(given.model, given.older_than, dry_run=True)
    if not given.json:
        _tell(plan)
    done = plan if given.dry_run else prune_predictions(given.model, plan.before)
    if given.json:
        print_json(
            {
                "model": done.model,
                "before": done.before,
                "dry_run": given.dry_run,
                "records": done.records,
                "files": [{"file": one.path.name, "old": one.old, "records": one.records} for one in done.files],
                "held": done.held,
            }
        )
    elif done.records and not given.dry_run:
        say(f"removed: {_counted(done.records, 'record')}")
    return 0


def _tell(plan: Pruned) -> None:
    """Say what is removed."""
    if plan.records:
        whole = sum(one.whole for one in plan.files)
        rewritten = len(plan.files) - whole
        parts = [f"{_counted(whole, 'file')} removed"] * bool(whole)
        parts += [f"{_counted(rewritten, 'file')} written again without them"] * bool(rewritten)
        size = _size(sum(one.size for one in plan.files if one.whole))
        told = f"{_counted(plan.records, 'record')}, {size}; {', '.join(parts)}"
        say(f"{plan.model} before {plan.before:%Y-%m-%d %H:%M} UTC: {told}")
        say("labels of them stay, and count as kept aside")
    else:
        say(f"no record of {plan.model} is from before {plan.before:%Y-%m-%d %H:%M} UTC")
    if plan.held:
        say(f"left, since a server writes to them or they hold what is no record: {plan.held}")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"


ACTS: Mapping[str, Callable[[Any], int]] = {"compact": _compact, "prune": _prune, "settings": _settings}
