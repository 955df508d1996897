"""Two rules by which answers are made, held side by side in words."""

from __future__ import annotations

from hookline.kinds.answering.rules import DecisionRule


def rechosen(first: DecisionRule | None, second: DecisionRule | None) -> str:
    """Say of two rules where the second's threshold was chosen anew: by the same aim, on rows of its own."""
    if first is None or second is None or first.threshold is None or second.threshold is None:
        return ""
    if not second.rows or (first.threshold, first.rows) == (second.threshold, second.rows):
        return ""
    then = f"chosen on {first.rows:,} rows" if first.rows else "set by config"
    moved = "stays at" if first.threshold == second.threshold else f"moved from {first.threshold:.6g} ({then}) to"
    return f"the threshold was chosen anew, on {second.rows:,} rows, and {moved} {second.threshold:.6g}"


def decisions(first: DecisionRule | None, second: DecisionRule | None) -> tuple[str, str] | None:
    """Return how two decide where that is not alike; on how many rows it was chosen is no part of it."""
    told = [_decision(one) for one in (first, second)]
    return None if told[0] == told[1] else (told[0], told[1])


def _decision(rule: DecisionRule | None) -> str:
    if rule is None:
        return "the most probable class"
    if rule.threshold is None:
        return f"by {rule.by}: {[list(row) for row in rule.costs]}"
    return f"by {rule.by}: from {rule.threshold:.6g} on"
