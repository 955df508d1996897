"""`hookline monitor watch`, `alarms`, `ack` and the like: a model's log watched, and what is done about its alarms."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hookline.live.watching.acting import ack, alarm_history, alarm_of, alarms, mute, watch_state, windows
from hookline.live.watching.plain import (
    plain_alarm,
    plain_event,
    plain_letter,
    plain_mute,
    plain_state,
    plain_window,
)
from hookline.live.watching.pruning import prune_watch
from hookline.workspace.catalog.watching.alarms import Alarm

from ..options import positive
from ..output import add_json, make_folder, print_json, print_rows, say, tell
from . import watch

MODEL = "a model of the catalog, which servers answer with"


def add_actions(actions: Any) -> None:
    """Add the actions to those of `hookline monitor`."""
    watch.add(actions, MODEL)
    made = {
        "report": "show what monitors said of the newest windows, or of those of one alarm",
        "alarms": "list open alarms, and what could not be told",
        "history": "list what became of alarms, and what people did about them",
        "ack": "say that you know of an alarm: it is told again only when it is worse",
        "mute": "have nobody told of an alarm, a monitor, a column or the model for a while",
        "prune": "take out of the catalog what is over for long; says first what, and asks nothing",
        "export": "write alerting rules for Prometheus and a dashboard for Grafana",
    }
    added = {name: actions.add_parser(name, help=text) for name, text in made.items()}
    for name, one in added.items():
        one.add_argument("model", help=MODEL)
        if name != "export":
            add_json(one)
    added["report"].add_argument("--alarm", type=positive, metavar="N", help="only the windows of this alarm")
    added["report"].add_argument("--monitor", help="only what this one said")
    added["report"].add_argument("--since", metavar="WHEN", help="from then on: 7d, 12h, or a time, UTC")
    for name in ("report", "history"):
        added[name].add_argument("--limit", type=positive, default=20, help="so many, the newest (default: 20)")
    added["alarms"].add_argument("--closed", action="store_true", help="those too that are over")
    added["history"].add_argument("--alarm", type=positive, metavar="N", help="only of this alarm")
    added["ack"].add_argument("alarm", type=positive, help="the alarm's number")
    added["mute"].add_argument(
        "what", nargs="?", help="an alarm's number, MONITOR or MONITOR:COLUMN (default: all of the model)"
    )
    added["mute"].add_argument("--for", dest="span", default="7d", help="how long: 12h, 7d; 0s ends it (default: 7d)")
    for name in ("ack", "mute"):
        added[name].add_argument("--why", help="the reason, for others to read")
        added[name].add_argument("--who", help="who says so (default: you on this machine)")
    added["prune"].add_argument("--older-than", metavar="SPAN", required=True, help="such as 90d or 52w; at least 31d")
    added["prune"].add_argument("--dry-run", action="store_true", help="only say what would be taken out")
    added["export"].add_argument("--output", type=Path, default=Path(), help="the folder to write to (default: here)")


def _report(given: Any) -> int:
    alarm = None if given.alarm is None else alarm_of(given.model, given.alarm)
    monitor = alarm.monitor if alarm else given.monitor
    since = given.since or (alarm.since if alarm else None)
    found = windows(given.model, since, monitor, limit=given.limit)
    if given.json:
        print_json({"alarm": alarm and plain_alarm(alarm), "windows": [plain_window(one) for one in found]})
        return 0
    if alarm is not None:
        _show(alarm)
    rows = [_row(plain_window(one), None if alarm is None else alarm.subject) for one in found]
    columns = ("until", "version", "monitor", "rows", "found", "value")
    print_rows(rows, columns if alarm else columns[:-1], empty=f"no window of '{given.model}' was looked at")
    return 0


def _row(window: Mapping[str, Any], subject: str | None) -> dict[str, Any]:
    strong = [one for one in window["findings"] if one["severity"] != "info"]
    value = next((one["value"] for one in strong if one["subject"] == subject), None)
    found = ", ".join(f"{one['subject']} ({one['severity']})" for one in strong) or window["error"] or ""
    return {**window, "found": found if window["speaks"] else "waits for labels", "value": value}


def _show(alarm: Alarm) -> None:
    told = plain_alarm(alarm)
    tell(alarm.finding.message)
    named = ("alarm", "status", "severity", "monitor", "version", "since", "seen", "size", "told", "acked_by", "closed")
    facts = {name: told[name] for name in named}
    facts["likely cost"] = told["cost"] and told["cost"]["said"]
    print_rows(
        [{"": name, "value": value} for name, value in facts.items() if value is not None], ("", "value"), empty=""
    )


def _alarms(given: Any) -> int:
    found, state = alarms(given.model, closed=given.closed), watch_state(given.model)
    if given.json:
        print_json({"alarms": [plain_alarm(one) for one in found], **plain_state(state)})
        return 0
    columns = ["alarm", "severity", "monitor", "subject", "since", "size", "acked_by", "message"]
    columns += ["status"] * given.closed
    print_rows([plain_alarm(one) for one in found], columns, empty=f"no alarm of '{given.model}' is open")
    for muted in map(plain_mute, state.mutes):
        what = ":".join(filter(None, (muted["monitor"], muted["subject"]))) or "everything"
        say(f"muted until {muted['until']} by {muted['who']}: {what}")
    for letter in map(plain_letter, (*state.waiting, *state.given_up)):
        if letter["error"]:
            when = "given up" if letter["given_up"] else f"tried again at {letter['due']}"
            say(
                f"channel {letter['channel']} does not deliver, {letter['attempts']} attempts, {when}: {letter['error']}"
            )
    if state.host is None:
        say(f"nobody watches '{given.model}'; `hookline monitor watch {given.model}` does")
    return 0


def _history(given: Any) -> int:
    found = [plain_event(one) for one in alarm_history(given.model, given.alarm, limit=given.limit)]
    if given.json:
        print_json(found)
        return 0
    columns = ("at", "alarm", "what", "monitor", "subject", "severity", "who", "why")
    print_rows(found, columns, empty=f"nothing happened to alarms of '{given.model}'")
    return 0


def _ack(given: Any) -> int:
    known = ack(given.model, given.alarm, given.why, who=given.who)
    if given.json:
        print_json(plain_alarm(known))
    else:
        say(f"alarm {known.number} is known to {known.acked_by}; it is told again only when it is worse")
    return 0


def _mute(given: Any) -> int:
    made = mute(given.model, given.what, given.span, given.why, who=given.who)
    if given.json:
        print_json(plain_mute(made))
    else:
        what = ":".join(filter(None, (made.monitor, made.subject))) or f"all of '{given.model}'"
        say(f"{what} is muted until {made.until:%Y-%m-%d %H:%M} UTC")
    return 0


def _prune(given: Any) -> int:
    found = prune_watch(given.model, given.older_than, dry_run=given.dry_run)
    if given.json:
        print_json({"model": found.model, "before": found.before, "dry_run": given.dry_run, "rows": dict(found.rows)})
        return 0
    rows = [{"what": name, "rows": count} for name, count in found.rows.items() if count]
    moment = f"{found.before:%Y-%m-%d %H:%M} UTC"
    print_rows(rows, ("what", "rows"), empty=f"nothing of the watch of '{found.model}' was over before {moment}")
    if rows:
        say(f"{'would be' if given.dry_run else 'were'} taken out, over before {moment}")
    return 0


def _export(given: Any) -> int:
    from hookline.live.watching.export import export

    make_folder(given.output, "--output")
    for path in export(given.model, given.output):
        say(f"written: {path}")
    return 0


ACTS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "watch": watch.main,
    "report": _report,
    "alarms": _alarms,
    "history": _history,
    "ack": _ack,
    "mute": _mute,
    "prune": _prune,
    "export": _export,
}
"""What each action does."""
