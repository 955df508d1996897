"""Why a stage runs: what changed since it last did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .plan import Stage

MOST_NAMED = 3
"""Inputs that are named where they are why a stage must run."""

TOLD_APART = frozenset({"component", "fields", "code", "core", "data", "versions", "contract", "inputs", "hidden"})


def explain(stage: Stage, before: Mapping[str, Any] | None) -> str:
    """Say why a stage must run, given the parts of its last run: `depth changed 3 -> 5`."""
    if before is None:
        return "first run"
    # As the catalog keeps them: tuples have become lists.
    parts: Mapping[str, Any] = json.loads(json.dumps(stage.parts, default=str))
    if parts.get("component") != before.get("component"):
        return differences_of(stage.key, parts, before)[0]
    reasons = differences_of(stage.key, parts, before)
    now, then = parts["inputs"], before.get("inputs", {})
    changed = sorted(key for key in now if now[key] != then.get(key)) + [
        f"{key} (removed)" for key in sorted(set(then) - set(now))
    ]
    if changed and not reasons:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        reasons.append(f"its input changed: {', '.join(changed[:MOST_NAMED])}{more}")
    if not reasons:
        return "not in the store any more" if stage.persisted else "never kept: it runs each time"
    return "; ".join(reasons)


def differences_of(key: str, parts: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return what a stage goes by now and did not before, beside its inputs: `trainer.depth changed 3 -> 5`."""
    if parts.get("component") != before.get("component"):
        return [f"{key} changed {before.get('component')} -> {parts.get('component')}"]
    reasons = [
        *_changes(key, parts.get("fields", {}), before.get("fields", {})),
        *(f"its {name} changed" for name in ("code", "data") if parts.get(name) != before.get(name)),
        *(["a value that is not written changed"] if parts.get("hidden") != before.get("hidden") else []),
        *(["hookline's own code changed"] if parts.get("core") != before.get("core") else []),
        *_changes("versions", parts.get("versions", {}), before.get("versions", {})),
    ]
    for name in (name for name in parts if name not in TOLD_APART):
        reasons += _changes(name, parts[name], before.get(name))
    return reasons + (["contract changed"] if parts.get("contract") != before.get("contract") else [])


def _changes(path: str, now: Any, then: Any) -> list[str]:
    if now == then:
        return []
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then) and isinstance(now[0], Mapping):
        # Of components in a list, it is said which one changed in what.
        now, then = ({str(place): item for place, item in enumerate(items)} for items in (now, then))
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        return [
            text for key in sorted({*now, *then}) for text in _changes(f"{path}.{key}", now.get(key), then.get(key))
        ]
    return [f"{path} changed {_short(then)} -> {_short(now)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
