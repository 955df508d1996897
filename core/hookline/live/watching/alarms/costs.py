"""What an alarm likely costs, as far as the package tells: how much the model goes by the column that moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.kinds.reports import Finding
from hookline.packages.telling.features import features_in


def shares_of(folder: Path) -> dict[str, float]:
    """Return each raw column's part in the importance of all features, 0 to 1; empty where the model has none."""
    found: dict[str, float] = {}
    for feature in features_in(folder):
        for column in feature.inputs if feature.share else ():
            found[column] = found.get(column, 0.0) + float(feature.share or 0) / len(feature.inputs)
    return found


def cost_of(finding: Finding, shares: Mapping[str, float]) -> dict[str, Any] | None:
    """Return `importance`, `effect` and their product `cost`, each from 0 to 1; None where the model's part is not known."""
    share = shares.get(finding.subject)
    if share is None or not 0 <= finding.value <= 1:
        return None
    return {"importance": share, "effect": finding.value, "cost": share * finding.value}
