"""The tables of what is watched: windows, alarms, what was done about them, what is to be told to whom, and retrainings."""

from __future__ import annotations

from collections.abc import Mapping

from .spec import TableSpec

WATCHING: Mapping[str, TableSpec] = {
    # What a monitor said of the answers of one version in one span of time.
    "windows": TableSpec(
        "hookline_windows",
        {
            "id": "number",
            "model": "word",
            "version": "integer",
            "monitor": "word",
            "since": "moment",
            "until": "moment",
            "rows": "integer",
            "figures": "text",
            "findings": "text",
            "labels": "integer",
            "error": "text",
            "speaks": "integer",
            "looked": "moment",
        },
        unique=("model", "version", "monitor", "since"),
        indexed=("since",),
    ),
    # `finding` is the last that was found; `told_finding` that of which people heard last.
    "alarms": TableSpec(
        "hookline_alarms",
        {
            "id": "number",
            "model": "word",
            "version": "integer",
            "monitor": "word",
            "subject": "text",
            "status": "word",
            "finding": "text",
            "cost": "text",
            "rows": "integer",
            "since": "moment",
            "seen": "moment",
            "told": "moment",
            "told_finding": "text",
            "acked_by": "word",
            "closed": "moment",
        },
    ),
    # What became of alarms, and what people did about them; one is added, and none is ever changed.
    "alarm_events": TableSpec(
        "hookline_alarm_events",
        {
            "id": "number",
            "model": "word",
            "alarm": "integer",
            "monitor": "word",
            "subject": "text",
            "what": "word",
            "who": "word",
            "why": "text",
            "finding": "text",
            "window": "moment",
            "at": "moment",
        },
    ),
    "mutes": TableSpec(
        "hookline_mutes",
        {
            "id": "number",
            "model": "word",
            "monitor": "text",
            "subject": "text",
            "until": "moment",
            "who": "word",
            "why": "text",
            "at": "moment",
        },
    ),
    # What is to be told over which channel; `due` is when it is tried next.
    "outbox": TableSpec(
        "hookline_outbox",
        {
            "id": "number",
            "model": "word",
            "message": "word",
            "channel": "word",
            "severity": "word",
            "title": "text",
            "body": "text",
            "attempts": "integer",
            "error": "text",
            "made": "moment",
            "due": "moment",
            "sent": "moment",
            "given_up": "moment",
        },
        unique=("message", "channel"),
    ),
    # Who watches a model.
    "watchers": TableSpec(
        "hookline_watchers",
        {"model": "key", "owner": "word", "host": "word", "beat": "float", "heard": "moment"},
    ),
    # What opened a retraining, what it learned, and what became of it.
    "retrainings": TableSpec(
        "hookline_retrainings",
        {
            "id": "number",
            "model": "word",
            "policy": "word",
            "status": "word",
            "champion": "integer",
            "version": "integer",
            "run_id": "word",
            "seen": "integer",
            "opened": "text",
            "lesson": "text",
            "rules": "text",
            "figures": "text",
            "told": "text",
            "began": "moment",
            "changed": "moment",
        },
    ),
    # Who retrains a model.
    "retrainers": TableSpec(
        "hookline_retrainers",
        {"model": "key", "owner": "word", "host": "word", "beat": "float", "heard": "moment"},
    ),
}
"""Every table of watching by its short name."""
