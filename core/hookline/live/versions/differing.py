"""Two versions held side by side: data, features, code, config, metrics, and what they answer to the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.frames import to_polars
from hookline.errors import DataError, StoreError, UnknownName
from hookline.kinds.answering.rules import DecisionRule
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Prediction
from hookline.packages.certificate.golden import golden_rows
from hookline.packages.deciding.words import decisions, rechosen
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.owncode.carried import changed_modules
from hookline.packages.reading import reading_in
from hookline.packages.settling import EVIDENCE
from hookline.packages.state import StoredPackage
from hookline.packages.telling.features import Change, changes, features_in
from hookline.plans.explain import differences_of
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import Found, find
from hookline.runs.result import read_evidence
from hookline.workspace.workspace import Workspace, open_workspace

from ..replaying.changes import Changes, Pair, changes_of
from ..rows import rows_for

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 20_000
"""Rows that both are asked."""


@dataclass(frozen=True)
class Difference:
    """How the second of two models differs from the first; in pairs the first's value stands before the second's."""

    first: str
    second: str
    data: tuple[Mapping[str, Any], Mapping[str, Any]] | None
    """Version, name and rows of the data that each has seen; None where they are the same."""
    config: Mapping[str, tuple[Any, Any]]
    """Path in the config -> both values, where they differ; empty where a package tells no config."""
    code: Mapping[str, tuple[str, ...]]
    """Stage -> what of its code or libraries differs, as far as the catalog knows both runs."""
    modules: Mapping[str, str]
    """Module of people's own that travels in a package -> changed, or only in one of them; empty where none travels in one."""
    features: tuple[Change, ...]
    """Those that are not the same, or moved in importance."""
    metrics: Mapping[str, tuple[float | None, float | None]]
    decision: tuple[str, str] | None
    """How each decides; None where both do so alike."""
    rechosen: str
    """Said of the second's threshold where it was chosen anew, on which rows, and what it was; empty where it was not."""
    untold: tuple[str, ...]
    """Which of them tells no config or no metrics, so that these are not compared."""
    behavior: Changes | None
    """What they answer to the same rows; None where there are none to ask, or they do not predict the same."""
    rows: str
    """Which rows these are, or why there are none."""


def diff_versions(
    first: str | Path,
    second: str | Path,
    rows: Any = None,
    *,
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> Difference:
    """Hold two models side by side.

    first, second: as for `load`; of a run, its only package
    rows: a file or a frame of raw rows to ask both; None: those that a run of theirs held out, else their golden rows
    Raises what loading a package raises, DataError for rows that cannot be read or that one of them cannot answer.
    """
    registry, workspace = load_registry(), open_workspace(home)
    found = [find(one, home) for one in (first, second)]
    sides = [load_package(one.package(), registry, trust) for one in found]
    evidence = [_evidence(one.path) for one in sides]
    data = [dict(one.manifest.get("data") or {}) for one in sides]
    names, rules = [_name(found[0], first), _name(found[1], second)], [_rule(registry, one.path) for one in sides]
    records = [features_in(side.path, one.version) for side, one in zip(sides, found, strict=True)]
    behavior, told = _behavior(registry, workspace, sides, evidence, rows)
    return Difference(
        names[0],
        names[1],
        None if data[0] == data[1] else (data[0], data[1]),
        _configs(*(_config(one) for one in evidence)),
        _code(workspace, [_run_id(workspace, one) for one in found], evidence),
        changed_modules(*(one.manifest for one in sides)),
        tuple(change for change in changes(*records) if change.status != "same" or change.moved),
        _metrics(*(one.manifest for one in sides)),
        decisions(*rules),
        rechosen(*rules),
        tuple(_untold(names, sides, evidence)),
        behavior,
        told,
    )


def _name(found: Found, said: str | Path) -> str:
    return f"{found.model}:{found.version}" if found.model and found.version else str(said)


def _evidence(folder: Path) -> Mapping[str, Any]:
    """Return the evidence inside a package, empty where there is none; raises StoreError where it is damaged."""
    path = folder / EVIDENCE
    if not path.is_file():
        return {}
    evidence = read_evidence(path.parent)
    plan = evidence["plan"]
    told = ("kind", "key", "fingerprint")
    if not isinstance(plan, list) or not all(isinstance(one, dict) and {*told} <= {*one} for one in plan):
        raise StoreError(
            f"{path} is damaged: its plan is none of a run", hint="run it again, or copy the package again"
        )
    return evidence


def _run_id(workspace: Workspace, found: Found) -> str | None:
    if found.is_run:
        return found.folder.name
    if found.model is None or found.version is None:
        return None
    return workspace.catalog.models.get(found.model, found.version).run_id


def _config(evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config in a package's evidence, empty where there is none."""
    config = evidence.get("config")
    return config if isinstance(config, Mapping) else {}


def _configs(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return where two configs differ; nothing where one of them is not told."""
    return dict(_pairs(first, second)) if first and second else {}


def _untold(
    names: Sequence[str], sides: Sequence[LoadedPackage], evidence: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Say what one of two does not tell, so that it is not compared."""
    for name, side, told in zip(names, sides, evidence, strict=True):
        if not _config(told):
            yield f"{name} tells no config"
        if not side.manifest["metrics"]:
            yield f"{name} tells no metrics: it was judged on no held-out rows"


def _pairs(first: Any, second: Any, path: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield each path at which two configs differ, with both values."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in sorted({*first, *second}, key=str):
            yield from _pairs(first.get(name), second.get(name), f"{path}.{name}" if path else str(name))
    elif first != second:
        yield path, (first, second)


def _code(
    workspace: Workspace, runs: Sequence[str | None], evidence: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[str, ...]]:
    """Return what of stages' code and libraries differs between two runs of this catalog."""
    told: dict[str, tuple[str, ...]] = {}
    if None in runs or runs[0] == runs[1]:
        return told
    keys = [[stage["key"] for stage in one.get("plan") or ()] for one in evidence]
    for key in (key for key in keys[1] if key in keys[0]):
        then, now = (workspace.catalog.runs.stage_parts(str(run), key) for run in runs)
        if then is None or now is None:
            continue
        own = ("code", "core", "versions", "component")
        found = differences_of(key, _only(now, own), _only(then, own))
        if found:
            told[key] = tuple(found)
    return told


def _only(parts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: parts[name] for name in names if name in parts}


def _metrics(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[float | None, float | None]]:
    held = [{str(one["name"]): one["value"] for one in manifest["metrics"]} for manifest in (first, second)]
    return {name: (held[0].get(name), held[1].get(name)) for name in dict.fromkeys([*held[0], *held[1]])}


def _rule(registry: Registry, folder: Path) -> DecisionRule | None:
    return StoredPackage(folder, registry).decision


def _behavior(
    registry: Registry,
    workspace: Workspace,
    sides: Sequence[LoadedPackage],
    evidence: Sequence[Mapping[str, Any]],
    rows: Any,
) -> tuple[Changes | None, str]:
    """Return what both answer to the same rows, and which rows these are."""
    first, second = sides
    if first.target.classes != second.target.classes or first.target.name != second.target.name:
        return None, "they do not predict the same"
    asked, told = _rows(registry, workspace, sides, evidence, rows)
    if asked is None:
        return None, told
    if rows is None:
        try:
            answers = [side.predict(asked) for side in sides]
        except (DataError, UnknownName) as error:
            return None, f"the {told} do not fit both: {error.message}"
    else:
        answers = [side.predict(asked) for side in sides]
    columns = first.schema.columns
    frame = conform(asked, first.schema)
    return changes_of(_paired(frame, *answers), frame, columns, first.target), told


def _rows(
    registry: Registry,
    workspace: Workspace,
    sides: Sequence[LoadedPackage],
    evidence: Sequence[Mapping[str, Any]],
    rows: Any,
) -> tuple[pl.DataFrame | None, str]:
    import polars as pl

    first = sides[0]
    if rows is not None:
        given = rows_for(registry, rows, first.schema, first.target, first.roles, reading_in(first.manifest)).frame
        return given.head(MOST_ROWS).collect(), "rows given"
    for one, name in zip(reversed(evidence), ("second", "first"), strict=True):
        split = _split_in(one)
        folder = None if split is None else workspace.store.get(split)
        if split is not None and folder is not None:
            held = pl.scan_ipc(folder / "test.arrow", glob=False).head(MOST_ROWS).collect()
            return held, f"rows that the {name} held out{_learned(sides, evidence, split)}"
    golden = [row for side in sides for row in golden_rows(side.path)]
    if not golden:
        return None, "there are no rows to ask: name some with --rows"
    made: Any = to_polars([{**dict.fromkeys(first.schema.names), **row} for row in golden])
    return made, "golden rows of both"


def _learned(sides: Sequence[LoadedPackage], evidence: Sequence[Mapping[str, Any]], split: str) -> str:
    """Say which of two has learned rows that a split held out, since it was fitted again to all of them."""
    names = [
        f"the {name}"
        for name, side, one in zip(("first", "second"), sides, evidence, strict=True)
        if side.manifest.get("refitted_from") and _split_in(one) == split
    ]
    return f", and that {' and '.join(names)} learned when refitted" if names else ""


def _split_in(evidence: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the split in a package's evidence; None where there is none."""
    return next((stage["fingerprint"] for stage in evidence.get("plan") or () if stage["kind"] == "split"), None)


def _paired(frame: pl.DataFrame, first: Prediction, second: Prediction) -> list[Pair]:
    moment = datetime.now(UTC)
    sides = [
        (one.values.tolist(), None if one.probabilities is None else one.probabilities.tolist())
        for one in (first, second)
    ]
    (then, then_shares), (now, now_shares) = sides
    return [
        Pair(
            str(place),
            moment,
            row,
            then[place],
            now[place],
            None if then_shares is None else then_shares[place],
            None if now_shares is None else now_shares[place],
        )
        for place, row in enumerate(frame.to_dicts())
    ]


def plain(found: Difference) -> dict[str, Any]:
    """Return a difference as JSON values."""
    from dataclasses import asdict

    told: dict[str, Any] = json.loads(json.dumps(asdict(found), default=str))
    return told
