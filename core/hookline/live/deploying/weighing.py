"""What speaks against a registered version, held against the one in charge, and what else a person should know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hookline.errors import DataError, StoreError
from hookline.kinds.artifacts import Schema
from hookline.kinds.plain import from_json
from hookline.kinds.reports import Metric, Metrics
from hookline.packages.door.faults import first_of
from hookline.packages.manifest import read_json
from hookline.packages.settling import EVIDENCE
from hookline.packages.state import StoredPackage
from hookline.plans.gates import margins_of
from hookline.registry.registry import Registry
from hookline.runs.gates.standing import Candidate, Standing, held_against, same_rows
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace

MOST_NAMES = 5


def weigh(
    workspace: Workspace, record: ModelRecord, manifest: Mapping[str, Any], champion: ModelRecord | None
) -> Standing:
    """Hold a version against the one in charge, as a run does that makes it: by its audit, its target and its metrics.

    manifest: of its package. champion: None where there is none
    """
    if champion is not None and champion.version == record.version:
        return Standing()
    evidence = _evidence(Path(record.path))
    where = Path(record.path) / EVIDENCE
    metrics = Metrics(tuple(from_json(Metric, metric) for metric in manifest.get("metrics", ())))
    try:
        gates = margins_of((evidence.get("config") or {}).get("gates") or {})
        critical = tuple(_critical(evidence))
    # Whatever it is of another's making: texts and lists where objects belong, or gates that say nothing.
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise _damaged(where, error) from None
    runs = workspace.catalog.runs
    same = champion is not None and same_rows(runs, champion, runs.stage_fingerprint(record.run_id, "split"))
    new = Candidate(manifest["target"], metrics, critical, gates, same)
    return held_against(new, champion)


def notes_on(registry: Registry, record: ModelRecord, champion: ModelRecord | None) -> tuple[str, ...]:
    """Return in what rows a version takes otherwise than the one in charge, a sentence each."""
    if champion is None or champion.version == record.version:
        return ()
    try:
        old = StoredPackage(Path(champion.path), registry).schema
    except (DataError, StoreError) as error:
        return (f"v{champion.version} cannot be compared: {error.message}",)
    return tuple(_differences(StoredPackage(Path(record.path), registry).schema, old, record.version, champion.version))


def _differences(new: Schema, old: Schema, version: int, champion: int) -> Iterator[str]:
    kinds = {column.name: column.kind for column in old.columns}
    wanted = [column.name for column in new.columns if column.name not in kinds and column.required]
    other = [column for column in new.columns if kinds.get(column.name, column.kind) != column.kind]
    left = sorted(set(kinds) - set(new.names))
    if wanted:
        yield f"v{version} wants {_listed(wanted)}, which v{champion} does not: rows without are refused"
    for column in other:
        yield f"v{version} takes '{column.name}' as a {column.kind}, and v{champion} as a {kinds[column.name]}"
    if left:
        yield f"v{version} does not look at {_listed(left)}, which v{champion} does"


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _damaged(evidence: Path, error: Exception) -> StoreError:
    """Return what is said of evidence that holds something else than a run writes."""
    said = f"nothing is called {error}" if isinstance(error, KeyError) else first_of(error)
    return StoreError(f"{evidence} is damaged: {said}", hint="run it again, and promote the version that this makes")


def _evidence(folder: Path) -> dict[str, Any]:
    """Return what a package's run learned; empty where it has none, such as one that learned on from another."""
    return read_json(folder / EVIDENCE) if (folder / EVIDENCE).is_file() else {}


def _critical(evidence: Mapping[str, Any]) -> Iterator[str]:
    for report in evidence.get("reports") or ():
        if report.get("kind") in ("audit", "evaluator"):
            for one in report.get("findings") or ():
                if one.get("severity") == "critical":
                    if not isinstance(one["message"], str):
                        raise TypeError("the message of a finding is no text")
                    yield one["message"]
