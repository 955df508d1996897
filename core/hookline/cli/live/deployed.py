"""How a deployment's plan, the replay of its log, and its status are printed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from hookline.live.deploying.planning import DeploymentPlan
from hookline.live.deploying.policies import percent
from hookline.live.deploying.status import DeploymentStatus
from hookline.live.replaying.changes import Changes
from hookline.live.replaying.replay import Quality, Replay, Speed

from ..output import print_rows, say, tell, text

MOST_REASONS = 5
MOST_SLICES = 5


def print_plan(plan: DeploymentPlan) -> None:
    """Print what would change and why, then the replay."""
    tell(plan.words())
    if plan.is_change:
        print_rows(plan.rows, ("version", "arm", "now", "then"), empty="")
    if plan.merit:
        tell(f"for it: {plan.merit}")
    for objection in plan.objections:
        tell(f"against it: {objection}")
    for note in plan.notes:
        tell(f"note: {note}")
    if plan.replay is not None:
        tell()
        print_replay(plan.replay)


def print_status(status: DeploymentStatus) -> None:
    """Print what is in force and how each arm does."""
    tell(status.words())
    policy = status.policy
    if policy is not None:
        fields = " ".join(f"{name}={text(value)}" for name, value in policy.fields.items())
        tell(f"since {policy.since:%Y-%m-%d %H:%M:%S} UTC, by {policy.who or 'nobody known'}: {policy.reason}")
        tell(f"deployer {policy.deployer}, step {policy.step}{f' ({fields})' if fields else ''}")
    rows = [
        {
            **dataclasses.asdict(arm),
            "errors": _part(arm.errors, arm.error_share),
            "p50": _milliseconds(arm.p50),
            "p99": _milliseconds(arm.p99),
        }
        for arm in status.arms
    ]
    tell()
    print_rows(rows, ("version", "arm", "share", "requests", "errors", "p50", "p99", "answers"), empty="")
    if status.refused_words:
        tell(status.refused_words)
    tell(f"\nservers: {_servers(status)}; controller: {status.controller or 'none'}")
    tell(f"if asked now: {status.following}")
    for note in status.notes:
        tell(f"note: {note}")
    for one in status.agreements:
        if one.share is None:
            tell(f"\nno answer of the shadow v{one.version} is on record beside one that was given")
            continue
        tell(f"\nthe shadow v{one.version} agrees in {percent(one.share)} with {one.changes.rows:,} answers given")
        print_changes(one.changes, "are others", ("given", "shadow"))


def print_replay(replay: Replay) -> None:
    """Print what a version would have answered otherwise."""
    if not replay.records:
        own = f"; {replay.own:,} of its own are left out" if replay.own else ""
        say(f"no answer of another version is on record{own}: there is nothing to play through v{replay.version}")
        return
    assert replay.begin is not None
    assert replay.end is not None
    span = f"{replay.begin:%Y-%m-%d %H:%M} to {replay.end:%Y-%m-%d %H:%M} UTC"
    tell(f"{replay.records:,} answers on record, {span}, played through v{replay.version}")
    for note in replay.notes:
        tell(f"note: {note}")
    _print_refused(replay)
    if replay.changes is not None:
        print_changes(replay.changes, "would be others", ("then", "now"))
    if replay.quality is not None:
        _print_quality(replay.quality, replay.version)
    then, now = replay.unlike
    if then or now:
        tell(f"\nrows unlike the training data: {then:,} of who answered, {now:,} of v{replay.version}")
    if replay.speed is not None:
        tell(f"\n{_speed(replay.speed)}")


def print_changes(changes: Changes, are: str, sides: tuple[str, str]) -> None:
    """Print how many answers differ, by how much, where, and examples."""
    what = "decisions" if changes.threshold is None else f"answers, by more than {changes.threshold:.4g},"
    moved = "" if changes.shift is None else f"; {_moved(changes)}"
    tell(f"{changes.changed:,} of {changes.rows:,} {what} {are} ({percent(changes.share)}){moved}")
    if changes.answers:
        tell()
        name = "answer" if changes.threshold is None else "figure"
        rows = [dict(zip((name, *sides), row, strict=True)) for row in changes.answers]
        print_rows(rows, (name, *sides), empty="")
    if changes.slices:
        tell("\nwhere most changes are")
        rows = [{**dataclasses.asdict(one), "share": percent(one.share)} for one in changes.slices[:MOST_SLICES]]
        told = [{**row, "beyond chance": "yes" if row["surely"] else "no"} for row in rows]
        print_rows(told, ("column", "value", "rows", "changed", "share", "beyond chance"), empty="")
    if changes.examples:
        tell("\nexamples")
        told = [
            {
                "id": one.id,
                "time": f"{one.time:%Y-%m-%d %H:%M}",
                "row": one.row,
                sides[0]: _answer(one.then, one.then_probability),
                sides[1]: _answer(one.now, one.now_probability),
            }
            for one in changes.examples
        ]
        print_rows(told, ("id", "time", "row", *sides), empty="")


def _print_refused(replay: Replay) -> None:
    if not replay.refused:
        return
    tell(f"{replay.refused:,} of {replay.records:,} rows are refused")
    if not replay.whole:
        tell("note: so many are refused that no further records were played")
    rows = [{"rows": one.rows, "column": one.column, "why": one.why} for one in replay.refusals[:MOST_REASONS]]
    print_rows(rows, ("rows", "column", "why"), empty="")


def _print_quality(quality: Quality, version: int) -> None:
    tell(f"\nof {quality.rows:,} records the truth is known")
    rows: Sequence[Any] = [dict(zip(("metric", "then", "now"), row, strict=True)) for row in quality.metrics]
    print_rows(rows, ("metric", "then", "now"), empty="")
    if quality.mended is not None and quality.spoiled is not None:
        tell(f"v{version} gets {quality.mended:,} right that were wrong, and {quality.spoiled:,} wrong that were right")


def _servers(status: DeploymentStatus) -> str:
    if status.heard is None:
        return "none told anything under this policy"
    silent = f", and {status.silent} silent for half a minute" if status.silent else ""
    return f"{status.workers} at work{silent}, the last heard {status.heard:.1f} s ago"


def _part(count: int, share: float | None) -> str:
    return f"{count:,} ({percent(share)})" if count and share is not None else f"{count:,}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.3g} ms"


def _speed(speed: Speed) -> str:
    alone = f"{speed.alone_p50 * 1000:.3g} ms alone (99 % within {speed.alone_p99 * 1000:.3g} ms)"
    return f"a row takes {alone}, {speed.together * 1000:.3g} ms among many; without HTTP"


def _moved(changes: Changes) -> str:
    if changes.threshold is None:
        return f"probabilities move by {changes.shift:.3g} on average"
    return f"answers move by {changes.shift:.4g} on average"


def _answer(value: Any, probability: float | None) -> str:
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return shown if probability is None else f"{shown} ({probability:.2f})"
