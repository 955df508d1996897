"""`hookline features list`, `show` and `diff`: of models, where each feature comes from; of sets, what they define."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName
from hookline.live.featuring.comparing import changes_between
from hookline.live.featuring.seen import SetVersion, one_version
from hookline.packages.telling.features import Change, FeatureRecord, changes, features_in
from hookline.runs.names import find
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import open_workspace

from ..output import add_json, print_json, print_rows, say, tell
from .known import SET, add_config_dir, versions_known, warn_of_outdated

MODEL = "a model (name, name:3, name@alias), a package folder, `last` or a run id"
SETS = ("set", "version", "defined", "owner", "features", "models", "live", "runs", "description")
COLUMNS = ("name", "dtype", "inputs", "definition", "version", "importance", "share")
WEIGHT = "weight"
"""A column that is shown where a feature was given one."""


def add(actions: Any) -> None:
    """Add the actions."""
    listing = actions.add_parser(
        "list", help="list feature sets, and the features of a model or of every model's newest version"
    )
    listing.add_argument("model", nargs="?", help=MODEL)
    listing.add_argument("--sets", action="store_true", help="only the feature sets, with every version that was used")
    showing = actions.add_parser("show", help="show a feature set, or one feature in every version that has it")
    showing.add_argument("feature", help=f"the feature's name, such as `plan=gold`; or {SET}")
    showing.add_argument("model", nargs="?", help=f"only here: {MODEL}; a name alone means all its versions")
    comparing = actions.add_parser("diff", help="say what was added, removed, changed, or moved in importance")
    comparing.add_argument("first", help=f"{MODEL}; or {SET}")
    comparing.add_argument("second", help="what to compare it with")
    for made, act in ((listing, _list), (showing, _show), (comparing, _diff)):
        add_json(made)
        add_config_dir(made)
        made.set_defaults(act=act)


def _list(given: Any) -> int:
    if given.sets:
        return _list_sets(versions_known(given), as_json=given.json)
    if given.model is None and not given.json and (sets := versions_known(given)):
        _list_sets(sets, as_json=False)
    found = _newest() if given.model is None else _named(given.model)
    if given.json:
        print_json([asdict(record) for record in found])
        return 0
    columns = _columns(found, *(() if given.model is not None else ("model", "model_version")), *COLUMNS)
    print_rows(
        [asdict(record) for record in found], columns, empty="no models yet; a run with a deployer registers one"
    )
    return 0


def _columns(found: Sequence[FeatureRecord], *columns: str) -> tuple[str, ...]:
    return (*columns, WEIGHT) if any(record.weight != 1 for record in found) else columns


def _list_sets(versions: list[SetVersion], *, as_json: bool) -> int:
    if as_json:
        print_json([one.plain() for one in versions])
        return 0
    print_rows([_set_row(one) for one in versions], SETS, empty="no feature sets; features/NAME.yaml defines one")
    warn_of_outdated(versions)
    return 0


def _set_row(one: SetVersion) -> dict[str, Any]:
    return {
        "set": one.name,
        "version": one.version,
        "defined": "now" if one.current else "before",
        "owner": one.told.get("owner"),
        "features": len(one.told["features"]),
        "models": len(one.models),
        "live": ", ".join(one.live) or None,
        "runs": len(one.runs),
        "description": one.told.get("description"),
    }


def _show_set(one: SetVersion, *, as_json: bool) -> int:
    if as_json:
        print_json(one.plain())
        return 0
    told = one.told
    tell(f"{one.label} {'as the project defines it' if one.current else 'as it was used'}")
    for name in ("description", "owner", "fresh"):
        if told.get(name):
            tell(f"{name}: {told[name]}")
    tell(f"tests: {told.get('tests') or 'none'}; models: {', '.join(one.models) or 'none'}; runs: {len(one.runs)}")
    print_rows(told["features"], ("name", "step", "component", "inputs", "definition", "version"), empty="no features")
    return 0


def _diff_sets(first: SetVersion, second: SetVersion, *, as_json: bool) -> int:
    found = [change for change in changes_between(first, second) if change.status != "same"]
    if as_json:
        print_json([asdict(change) for change in found])
        return 0
    print_rows([asdict(change) for change in found], ("name", "status", "before", "after"), empty="")
    counts = {status: sum(change.status == status for change in found) for status in ("added", "removed", "changed")}
    say(f"{first.label} -> {second.label}: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    return 0


def _sets_meant(given: Any, *references: str) -> list[SetVersion] | None:
    """Return the feature sets that references mean; None where one of them is no set's name."""
    versions = versions_known(given)
    known = {one.name for one in versions}
    if not all(reference.partition("@")[0] in known for reference in references):
        return None
    return [one_version(versions, reference) for reference in references]


def _show(given: Any) -> int:
    if given.model is None and (meant := _sets_meant(given, given.feature)):
        return _show_set(meant[0], as_json=given.json)
    everything = _every_version(given.model)
    found = [record for record in everything if record.name == given.feature]
    if not found:
        sets = {one.name for one in versions_known(given)}
        raise UnknownName("feature", given.feature, {*sets, *(record.name for record in everything)})
    if given.json:
        print_json([asdict(record) for record in found])
        return 0
    print_rows([asdict(record) for record in found], _columns(found, "model", "model_version", *COLUMNS[1:]), empty="")
    return 0


def _diff(given: Any) -> int:
    if meant := _sets_meant(given, given.first, given.second):
        return _diff_sets(*meant, as_json=given.json)
    found = changes(_named(given.first), _named(given.second))
    told = [change for change in found if change.status != "same" or change.moved]
    if given.json:
        print_json([asdict(change) | {"moved": change.moved} for change in told])
        return 0
    print_rows([_row(change) for change in told], ("feature", "status", "before", "after", "importance"), empty="")
    counts = {status: sum(change.status == status for change in found) for status in STATUSES}
    say(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 0


STATUSES = ("added", "removed", "redefined", "refitted", "same")


def _row(change: Change) -> dict[str, Any]:
    shares = [None if share is None else f"{share:.1%}" for share in (change.share_before, change.share_after)]
    return {
        "feature": change.name,
        "status": change.status,
        "before": _text(change.before),
        "after": _text(change.after),
        "importance": " -> ".join(share or "none" for share in shares) if any(shares) else None,
    }


def _text(facts: Any) -> str:
    return ", ".join(f"{key} {', '.join(v) if isinstance(v, (list, tuple)) else v}" for key, v in facts.items())


def _named(what: str) -> list[FeatureRecord]:
    found = find(what)
    return features_in(found.package(), found.version)


def _newest() -> list[FeatureRecord]:
    catalog = open_workspace().catalog
    newest = catalog.models.newest_versions()
    return [feature for record in newest for feature in _features(catalog, record)]


def _every_version(what: str | None) -> list[FeatureRecord]:
    """Return the features of every version of every model, of one model, or of what is named more closely."""
    catalog = open_workspace().catalog
    if what is None:
        models = catalog.models.every_version()
    else:
        found = find(what)
        if found.model is None or not found.whole:
            return features_in(found.package(), found.version)
        models = catalog.models.versions(found.model)
    return [feature for record in models for feature in _features(catalog, record)]


def _features(catalog: Catalog, record: ModelRecord) -> list[FeatureRecord]:
    # By its number, so that it is brought where this machine lacks it.
    return features_in(Path(catalog.models.get(record.name, record.version).path), record.version)
