"""`hookline features`: what models are made of, where each feature comes from, and what changed between versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName
from hookline.packages.telling.features import Change, FeatureRecord, changes, features_in
from hookline.runs.names import find
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import open_workspace

from ..output import add_json, parser, print_json, print_rows, say

MODEL = "a model (name, name:3, name@alias), a package folder, `last` or a run id"
COLUMNS = ("name", "dtype", "inputs", "definition", "version", "importance", "share")


def main(argv: Sequence[str]) -> int:
    """List features, show one through the versions, or compare two models."""
    options = parser("features", "List features, show one through the versions of models, or compare two models.")
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list a model's features, or those of every model's newest version")
    listing.add_argument("model", nargs="?", help=MODEL)
    showing = actions.add_parser("show", help="show one feature in every version that has it")
    showing.add_argument("feature", help="the feature's name, such as `plan=gold`")
    showing.add_argument("model", nargs="?", help=f"only here: {MODEL}; a name alone means all its versions")
    comparing = actions.add_parser("diff", help="say what was added, removed, redefined, or moved in importance")
    comparing.add_argument("first", help=MODEL)
    comparing.add_argument("second", help="the model to compare it with")
    for made in (listing, showing, comparing):
        add_json(made)
    given = options.parse_args(list(argv) or ["list"])
    code: int = {"show": _show, "diff": _diff}.get(given.action, _list)(given)
    return code


def _list(given: Any) -> int:
    found = _newest() if given.model is None else _named(given.model)
    if given.json:
        print_json([asdict(record) for record in found])
        return 0
    columns = COLUMNS if given.model is not None else ("model", "model_version", *COLUMNS)
    print_rows(
        [asdict(record) for record in found], columns, empty="no models yet; a run with a deployer registers one"
    )
    return 0


def _show(given: Any) -> int:
    everything = _every_version(given.model)
    found = [record for record in everything if record.name == given.feature]
    if not found:
        raise UnknownName("feature", given.feature, {record.name for record in everything})
    if given.json:
        print_json([asdict(record) for record in found])
        return 0
    print_rows([asdict(record) for record in found], ("model", "model_version", *COLUMNS[1:]), empty="")
    return 0


def _diff(given: Any) -> int:
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
