"""A feature through the versions of models: how much each goes by it, how it had moved, and what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName
from hookline.packages.settling import EVIDENCE
from hookline.packages.telling.features import FeatureRecord, features_in
from hookline.workspace.workspace import Workspace

from .evidence import evidence_in
from .seen import sets_of_model

MOVED = "effect"
"""The column of a monitor's table that says how far a column has moved."""


@dataclass(frozen=True)
class Standing:
    """A feature, or all features that a column of a set became, in one version of a model.

    importance: as the model has it, of several features their sum; share: of all importance, 0 to 1
    drift: how far its columns had moved between training and held-out rows, the most of them, 0 to 1
    weight: what it was multiplied by, so that it counts for more or less; None where its features were given several
    """

    model: str
    version: int
    features: tuple[str, ...]
    definition: str
    importance: float | None
    share: float | None
    drift: float | None
    weight: float | None
    set: str | None
    """The feature set that made it, with its version."""
    feature_version: str


def feature_history(workspace: Workspace, name: str, model: str | None = None) -> list[Standing]:
    """Return a feature in every version of every model, or of one, that has it, the oldest first.

    name: of a feature, such as `plan=gold`, or of a column, such as `plan`, whose features are then taken together
    Raises UnknownName where no version has such a feature.
    """
    models = workspace.catalog.models
    records = models.every_version() if model is None else models.versions(model)
    found: list[Standing] = []
    names: set[str] = set()
    for record in records:
        folder = Path(models.get(record.name, record.version).path)
        features = features_in(folder, record.version)
        sets = {one["name"]: one for told in sets_of_model(record) for one in _labeled(told)}
        names |= {feature.name for feature in features} | set(sets)
        some = [one for one in features if one.name == name or _is_of(one, name)]
        if some:
            found.append(
                _standing(record.name, record.version, name, some, sets.get(name), evidence_in(folder / EVIDENCE))
            )
    if not found:
        raise UnknownName("feature", name, names)
    return sorted(found, key=lambda one: (one.model, one.version))


def _labeled(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**one, "set": f"{told['name']}@{told['version']}"} for one in told["features"]]


def _is_of(feature: FeatureRecord, column: str) -> bool:
    """Tell whether a feature was made of a column, by its name: `plan=gold` and `plan?missing` are of `plan`."""
    return feature.name.startswith((f"{column}=", f"{column}?", f"{column}#"))


def _standing(
    model: str,
    version: int,
    name: str,
    features: list[FeatureRecord],
    of_set: Mapping[str, Any] | None,
    evidence: Mapping[str, Any],
) -> Standing:
    importances = [abs(one.importance) for one in features if one.importance is not None]
    shares = [one.share for one in features if one.share is not None]
    columns = {column for one in features for column in one.inputs} | {name}
    weights = {one.weight for one in features}
    return Standing(
        model,
        version,
        tuple(one.name for one in features),
        features[0].definition if of_set is None else str(of_set["definition"]),
        (features[0].importance if len(features) == 1 else sum(importances)) if importances else None,
        sum(shares) if shares else None,
        max((moved for column, moved in _moved(evidence).items() if column in columns), default=None),
        next(iter(weights)) if len(weights) == 1 else None,
        None if of_set is None else str(of_set["set"]),
        features[0].version if of_set is None else str(of_set["version"]),
    )


def _moved(evidence: Mapping[str, Any]) -> dict[str, float]:
    """Return column -> how far it moved, as the monitors of a run tell it."""
    found: dict[str, float] = {}
    for table in _tables(evidence):
        names = [str(name) for name in _listed(table, "columns")]
        if "column" in names and MOVED in names:
            at = names.index("column"), names.index(MOVED)
            rows = [row for row in _listed(table, "rows") if isinstance(row, list) and len(row) == len(names)]
            found |= {str(row[at[0]]): float(row[at[1]]) for row in rows if isinstance(row[at[1]], (int, float))}
    return found


def _tables(evidence: Mapping[str, Any]) -> list[Any]:
    reports = [one for one in _listed(evidence, "reports") if isinstance(one, dict) and one.get("kind") == "monitor"]
    return [table for report in reports for table in _listed(report, "tables")]


def _listed(told: Any, name: str) -> list[Any]:
    found = told.get(name) if isinstance(told, dict) else None
    return found if isinstance(found, list) else []
