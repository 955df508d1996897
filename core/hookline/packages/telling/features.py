"""What packages say of their features, and how two of them differ in that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import StoreError

from ..manifest import verify

if TYPE_CHECKING:
    import polars as pl

MOVED = 0.01
"""Change of a feature's share of all importance that is worth telling."""


@dataclass(frozen=True)
class FeatureRecord:
    """One feature of one model version.

    importance: as the model has it, times the feature's weight, None where it has none; share: of their sum
    weight: what the feature was multiplied by
    """

    model: str
    model_version: int | None
    name: str
    dtype: str
    inputs: tuple[str, ...]
    definition: str
    version: str
    importance: float | None
    share: float | None
    weight: float = 1.0


@dataclass(frozen=True)
class Change:
    """How a feature differs between two packages.

    status: added, removed, redefined (another version, type or inputs), refitted (the same version with other fitted
    numbers), or same; before, after: what differs, by name
    """

    name: str
    status: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    share_before: float | None = None
    share_after: float | None = None

    @property
    def moved(self) -> bool:
        """Whether its share of all importance changed by as much as is worth telling."""
        if self.share_before is None or self.share_after is None:
            return False
        return abs(self.share_after - self.share_before) >= MOVED


def features_frame(folder: Path, model_version: int | None = None) -> pl.DataFrame:
    """Return a package's features, one a row; raises StoreError where it is damaged."""
    import polars as pl

    return pl.DataFrame([asdict(record) for record in features_in(folder, model_version)], infer_schema_length=None)


def features_in(folder: Path, model_version: int | None = None) -> list[FeatureRecord]:
    """Return a package's features in order; raises StoreError where it is damaged."""
    manifest = verify(folder)
    weights: Mapping[str, float] = manifest.get("importances") or {}
    total = sum(abs(weight) for weight in weights.values())
    try:
        return [
            FeatureRecord(
                manifest["name"],
                model_version,
                feature["name"],
                feature["dtype"],
                tuple(feature["inputs"]),
                feature["definition"],
                feature["version"],
                weights.get(feature["name"]),
                abs(weights[feature["name"]]) / total if total and feature["name"] in weights else None,
                float(feature.get("weight", 1.0)),
            )
            for feature in manifest["features"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"the manifest of {folder} says nothing readable of its features") from error


def importances_by_column(manifest: Mapping[str, Any]) -> dict[str, float]:
    """Return each raw column's share of all importance, a feature's divided evenly among its columns; empty if none is known."""
    weights: Mapping[str, float] = manifest.get("importances") or {}
    total = sum(map(abs, weights.values()))
    shares: dict[str, float] = {}
    for feature in manifest.get("features", ()) if total else ():
        inputs = feature.get("inputs", ())
        for column in inputs:
            part = abs(weights.get(feature["name"], 0.0)) / total / len(inputs)
            shares[column] = shares.get(column, 0.0) + part
    return shares


def changes(before: list[FeatureRecord], after: list[FeatureRecord]) -> list[Change]:
    """Return each feature of either package with what became of it; what is the same comes last."""
    old, new = ({record.name: record for record in records} for records in (before, after))
    found = [*_gone_or_come(old, new), *(_change(old[name], new[name]) for name in old if name in new)]
    order = ("added", "removed", "redefined", "refitted", "same")
    return sorted(found, key=lambda change: order.index(change.status))


def _gone_or_come(old: Mapping[str, FeatureRecord], new: Mapping[str, FeatureRecord]) -> Iterator[Change]:
    for name, record in new.items():
        if name not in old:
            yield Change(name, "added", {}, _said(record), None, record.share)
    for name, record in old.items():
        if name not in new:
            yield Change(name, "removed", _said(record), {}, record.share, None)


def _change(old: FeatureRecord, new: FeatureRecord) -> Change:
    was, now = _said(old), _said(new)
    differ = [key for key in was if was[key] != now[key]]
    status = "same" if not differ else "refitted" if differ == ["definition"] else "redefined"
    shown = ({key: side[key] for key in differ} for side in (was, now))
    return Change(old.name, status, next(shown), next(shown), old.share, new.share)


def _said(record: FeatureRecord) -> dict[str, Any]:
    plain = asdict(record)
    return {key: plain[key] for key in ("dtype", "inputs", "definition", "version")}
