"""The section `retrain` of the home's `settings.yaml`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.plans.config import SETTINGS_FILE
from hookline.registry.values import validate
from hookline.workspace.yaml_size import read_tree

from .rules import RetrainRules

SECTION = "retrain"
MODELS = "models"
"""Under which rules of single models stand, by name, over those for all."""
SUCH = "retrain: {policy: batch}"


def rules_for(model: str, home: Path, said: Mapping[str, Any] | None = None) -> RetrainRules:
    """Return the rules of a model, as the file says them, with others over them; raises ConfigError with every problem."""
    path = home / SETTINGS_FILE
    tree = (read_tree(path, SUCH) if path.exists() else {}).get(SECTION) or {}
    where = f"settings.{SECTION}"
    if not isinstance(tree, Mapping):
        raise ConfigError("bad settings", [Problem(where, f"must be a mapping, got {tree!r}")])
    alone = tree.get(MODELS) or {}
    if not isinstance(alone, Mapping) or not all(isinstance(one, Mapping) for one in alone.values()):
        raise ConfigError("bad settings", [Problem(f"{where}.{MODELS}", "must be a mapping of models to their rules")])
    common = {name: value for name, value in tree.items() if name != MODELS}
    whole = _over(_over(common, alone.get(model) or {}), said or {})
    return validate(RetrainRules, whole, where, "bad settings")


def rules_in(kept: Mapping[str, Any]) -> RetrainRules:
    """Return the rules that a retraining keeps; raises ConfigError for those of another hookline."""
    return validate(RetrainRules, kept, "rules", "bad rules of a retraining")


def _over(below: Any, above: Any) -> Any:
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{name: _over(below.get(name), value) for name, value in above.items()}}
