"""A model card of a package (Mitchell et al. 2019, "Model cards for model reporting"), from its evidence and a person's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hookline.errors import DataError, HooklineError, UsageError
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Metric
from hookline.packages.certificate.certificate import CERTIFICATE, Certificate
from hookline.packages.door.faults import first_of
from hookline.packages.door.sealing import is_signed, signed_by
from hookline.packages.manifest import read_as, verify
from hookline.packages.owncode.carried import told_of
from hookline.packages.settling import EVIDENCE
from hookline.packages.state import StoredPackage
from hookline.packages.telling.features import importances_by_column
from hookline.registry.registry import load_registry
from hookline.runs.names import find
from hookline.runs.result import read_evidence
from hookline.workspace.yaml_size import read_tree

MOST_COLUMNS = 100
NEEDED: Mapping[str, tuple[str, ...]] = {
    "tables": ("name", "columns", "rows"),
    "findings": ("severity", "message"),
    "remarks": ("severity", "message"),
}
"""What an entry of evidence must say for a card to show it."""


@dataclass(frozen=True)
class Words:
    """What only a person can say of a model; what is left empty stands in the card as not said."""

    owner: str = ""
    license: str = ""
    intended_use: str = ""
    not_intended_for: str = ""
    ethical_considerations: str = ""
    caveats: str = ""
    links: tuple[str, ...] = field(default_factory=tuple)


def card_facts(what: str | Path, words: str | Path | None = None, *, home: str | Path | None = None) -> dict[str, Any]:
    """Return what a card tells, as plain data: identity, a person's words, data, quality, limits and trust.

    what: as for `load`; of a run, its only package; words: a YAML file of the fields of `Words`
    Raises DataError for a file of other fields, StoreError for a damaged package.
    """
    found = find(what, home)
    folder = found.package()
    manifest = verify(folder)
    evidence = _evidence(folder)
    stored = StoredPackage(folder, load_registry())
    weights = importances_by_column(manifest)
    columns = [
        {"name": column.name, "kind": column.kind, "holds": _holds(column), "importance": weights.get(column.name)}
        for column in stored.schema.columns
    ]
    reports = _in(evidence, "reports")
    return {
        "name": manifest["name"],
        "version": found.version,
        "created": manifest.get("created", ""),
        "model": manifest.get("model", ""),
        "trainer": (manifest.get("trainer") or {}).get("component", ""),
        "format": manifest["packager"],
        "target": to_json(stored.target),
        "data": dict(manifest.get("data") or {}),
        "split": evidence.get("split"),
        "words": _words(words),
        "metrics": [to_json(from_json(Metric, metric)) for metric in manifest["metrics"]],
        "tables": [
            *_packaged(folder),
            *(table for one in reports if one.get("kind") == "evaluator" for table in _in(one, "tables")),
        ],
        "findings": [*_in(evidence, "remarks"), *(finding for one in reports for finding in _in(one, "findings"))],
        "columns": columns[:MOST_COLUMNS],
        "hidden_columns": max(0, len(columns) - MOST_COLUMNS),
        "decision": _decision(stored, evidence),
        "parity": manifest["parity"],
        "signed": is_signed(manifest),
        "author": signed_by(manifest),
        "code": told_of(manifest),
        "environment": {
            name: (manifest.get("environment") or {}).get(name, "") for name in ("python", "platform", "hookline")
        },
        "updated_from": manifest.get("updated_from"),
        "refitted_from": manifest.get("refitted_from"),
    }


def write_card(
    what: str | Path, output: str | Path, words: str | Path | None = None, *, home: str | Path | None = None
) -> Path:
    """Write a package's card as Markdown (`.md`) or as a page (`.html`); raises UsageError for another ending."""
    path = Path(output)
    pages = {".md": "model_card_text", ".html": "model_card"}
    if path.suffix not in pages:
        raise UsageError(f"a card ends in {' or '.join(pages)}, got '{path}'")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="make it first, or name another")
    if not load_registry().render(pages[path.suffix], card_facts(what, words, home=home), path):
        raise UsageError("no plugin writes cards", hint="pip install 'hookline[report]'")
    return path


def _evidence(folder: Path) -> dict[str, Any]:
    """Return what the run left in a package; empty of one that it left none in, or a damaged one."""
    try:
        return read_evidence((folder / EVIDENCE).parent)
    except HooklineError:
        return {}


def _in(evidence: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the entries under a name that say what a card needs: evidence of another hookline may lack some."""
    found = evidence.get(name)
    held = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [one for one in held if all(key in one for key in NEEDED.get(name, ()))]


def _packaged(folder: Path) -> list[dict[str, Any]]:
    """Return a table of how well the package itself does beside the model, of one that is coarser on purpose."""
    path = folder / CERTIFICATE
    quality = read_as(Certificate, path).quality if path.is_file() else ()
    rows = [[one.name, one.native, one.package] for one in quality]
    columns = ["metric", "model", "this package"]
    return [{"name": "quality of this package", "columns": columns, "rows": rows}] if rows else []


def _decision(stored: StoredPackage, evidence: Mapping[str, Any]) -> str:
    """Say how it decides where that is not by the most probable class, or how far the intervals around numbers reach."""
    if stored.intervals is not None:
        to = "to both sides" if stored.intervals.by == "errors" else "beyond the quantiles of each row"
        return f"intervals of {stored.intervals.half_width:.4g} {to}, for {stored.intervals.coverage:.0%} of the rows"
    said = evidence.get("decision")
    found = (said.get("told") if isinstance(said, dict) else None) or (stored.decision and stored.decision.by)
    told = [] if stored.decision is None else [f"{found}"]
    if stored.sets is not None:
        told.append(f"sets of classes by {stored.sets.method}, for {stored.sets.coverage:.0%} of the rows")
    return "; ".join(told)


def _holds(column: Any) -> str:
    """Return in a few words what the input contract lets a column hold."""
    if column.categories is not None:
        shown = ", ".join(column.categories[:8])
        return f"{shown}, ... ({len(column.categories)})" if len(column.categories) > 8 else shown
    if column.minimum is not None and column.maximum is not None and column.kind == "number":
        return f"{column.minimum:g} to {column.maximum:g}"
    return ""


def _words(path: str | Path | None) -> dict[str, Any]:
    if path is None:
        return asdict(Words())
    said = read_tree(Path(path), "owner: team forecasting")
    known = [one.name for one in fields(Words)]
    if unknown := sorted(set(map(str, said)) - set(known)):
        raise DataError(f"{path} says what no card holds: {', '.join(unknown)}", hint=f"fields: {', '.join(known)}")
    try:
        return asdict(from_json(Words, said))
    except ValueError as error:
        raise DataError(f"{path} does not hold the words of a card: {first_of(error)}") from None
