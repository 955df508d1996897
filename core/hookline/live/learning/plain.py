"""Retrainings as plain data: what `--json` prints and tables show."""

from __future__ import annotations

from typing import Any

from hookline.kinds.plain import plain
from hookline.workspace.catalog.retrainings import Retraining

from .acting import RetrainState
from .retrainer import Look


def plain_retraining(one: Retraining) -> dict[str, Any]:
    """Return a retraining as JSON values."""
    named = ("number", "model", "policy", "status", "champion", "version", "run_id", "seen", "told")
    told = {name: getattr(one, name) for name in named}
    told |= {name: dict(getattr(one, name)) for name in ("opened", "lesson", "rules", "figures")}
    return told | {
        name: moment and moment.isoformat() for name, moment in (("began", one.began), ("changed", one.changed))
    }


def plain_look(look: Look) -> dict[str, Any]:
    """Return what a look came to as JSON values."""
    one = None if look.retraining is None else plain_retraining(look.retraining)
    return {"retraining": one, "held": list(look.held), "warnings": list(look.warnings)}


def plain_state(state: RetrainState) -> dict[str, Any]:
    """Return how a model's retraining stands as JSON values."""
    one = None if state.under_way is None else plain_retraining(state.under_way)
    told = {"model": state.model, "host": state.host, "under_way": one, "opens": state.opens, "held": list(state.held)}
    return {**told, "fresh": state.fresh, "rules": plain(state.rules)}
