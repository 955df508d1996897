"""Which rows on record a version has learned, which it may learn, and which are kept aside to test on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.packages.manifest import read_manifest
from hookline.packages.state import StoredPackage
from hookline.registry.registry import Registry
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.catalog.retrainings import Retraining
from hookline.workspace.workspace import Workspace

from ...log.answered import FACTS, FIRST, TIME, kept_aside, told_rows
from ...log.predictions import Predictions, Unrecorded, predictions_in

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Bound:
    """Up to where rows on record are known: those whose first label is numbered so, and that were answered before a time."""

    upto: int = 0
    until: datetime | None = None
    """UTC; None for any time."""

    @property
    def plain(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {"upto": self.upto, "until": None if self.until is None else self.until.isoformat()}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Bound:
        """Return a bound from JSON values."""
        until = plain.get("until")
        return cls(int(plain.get("upto", 0)), None if until is None else datetime.fromisoformat(until))

    def has(self) -> pl.Expr:
        """Return the condition that a row of `told_rows` lies within."""
        import polars as pl

        within = pl.col(FIRST) <= self.upto
        return within if self.until is None else within & (pl.col(TIME) < self.until)


@dataclass(frozen=True)
class Told:
    """The rows on record of a model whose truth is known, as the version in charge reads them."""

    package: StoredPackage
    frame: pl.DataFrame
    """As `told_rows` gives them; empty where the truth of none is known."""

    def fresh(self, learned: Bound, upto: Bound) -> pl.DataFrame:
        """Return the rows within one bound and not another: nobody has learned them yet."""
        return self.frame.filter(upto.has() & ~learned.has())

    def to_learn(self, rows: pl.DataFrame, keep: float) -> pl.DataFrame:
        """Return those that may be learned, in the order of their labels: all but the ones that are kept aside."""
        return rows.filter(~kept_aside(rows, self.package, keep)).sort(FIRST, maintain_order=True) if keep else rows

    def kept(self, rows: pl.DataFrame, keep: float) -> pl.DataFrame:
        """Return those that are kept aside."""
        return rows.filter(kept_aside(rows, self.package, keep)) if keep else rows.clear()

    def later(self, seen: int, until: datetime | None) -> pl.DataFrame:
        """Return rows whose first label came after another, in the order of their labels, one of each group."""
        import polars as pl

        found = self.frame.filter(pl.col(FIRST) > seen).sort(FIRST, maintain_order=True)
        found = found if until is None else found.filter(pl.col(TIME) < until)
        group = self.package.roles.group
        if group is None or group not in found.columns:
            return found
        # A row without a group is related to no other.
        alone = found.filter(pl.col(group).is_null())
        return pl.concat([alone, found.drop_nulls(group).unique(group, keep="first", maintain_order=True)]).sort(FIRST)


def told(registry: Registry, workspace: Workspace, model: str, champion: ModelRecord) -> Told:
    """Return what is known of a model's rows on record."""
    import polars as pl

    package = StoredPackage(Path(champion.path), registry)
    try:
        frame = told_rows(log_of(workspace, model), workspace, package, None)
    except Unrecorded:
        schema = {FACTS[0]: pl.String(), TIME: pl.Datetime("us", "UTC"), FIRST: pl.Int64()}
        frame = pl.DataFrame(schema=schema)
    return Told(package, frame)


def log_of(workspace: Workspace, model: str) -> Predictions:
    """Return a model's log: what servers answered and somebody was given."""
    return replace(predictions_in(workspace, model), given=True, served=True)


def learned_by(workspace: Workspace, record: ModelRecord) -> Bound:
    """Return which rows on record a version has learned, or may have.

    Of one that a retraining made, that one's; of one that was let learn by hand, those of the version that it came of; of a
    run that read the log itself, all whose labels were there when it was made.
    """
    for one in workspace.catalog.retrainings.of(record.name):
        if one.version == record.version:
            return Bound.read(one.lesson)
    manifest = read_manifest(Path(record.path))
    parent = parent_of(workspace, record)
    if parent is not None:
        return learned_by(workspace, parent)
    reads_log = (manifest.get("reading") or {}).get("component") == "prediction_log"
    return Bound(workspace.catalog.labels.last(record.name, record.created)) if reads_log else Bound()


def parent_of(workspace: Workspace, record: ModelRecord) -> ModelRecord | None:
    """Return the version that another came of by learning on; None where it came of none, or the catalog lacks that one.

    By what it was made of: its number may be another's here, where both came from elsewhere. Raises StoreError where its
    package is to be brought from where machines share packages, and cannot be.
    """
    models, said = workspace.catalog.models, read_manifest(Path(record.path)).get("updated_from")
    found = models.of_fingerprint(record.name, said["fingerprint"]) if said else None
    return None if found is None else models.get(found.name, found.version)


def bound_of(one: Retraining) -> Bound:
    """Return which rows a retraining may learn."""
    return Bound.read(one.lesson)
