"""`hookline data versions`, `show`, `diff`, `checkout`: which data models saw, what changed, and the rows themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hookline.errors import MissingBackend, UsageError
from hookline.kinds.plain import to_json
from hookline.quality.diff import MOVED, VersionDiff, diff_versions, page_facts, title
from hookline.registry.registry import load_registry
from hookline.runs.past.changes import RowChanges, changes
from hookline.runs.past.keeping import which_are_kept
from hookline.runs.past.rows import SUFFIXES, checkout, rows_of, write_rows
from hookline.runs.past.tracking import told as told_of_versions
from hookline.workspace.catalog.datasets import SHORT, DataRecord
from hookline.workspace.workspace import open_workspace

from ..output import add_json, print_json, print_rows, say, tell, writing

WHICH = "`last`, the first letters of a fingerprint, a dataset's name (its newest), or a run"


def add(actions: Any) -> None:
    """Add the actions."""
    listing = actions.add_parser("versions", help="list the versions of data that runs saw, newest first")
    listing.add_argument("dataset", nargs="?", help="only of this name")
    showing = actions.add_parser("show", help="show one version with its columns")
    showing.add_argument("version", help=WHICH)
    comparing = actions.add_parser("diff", help="say what changed from one version to another")
    comparing.add_argument("before", help=WHICH)
    comparing.add_argument("now", help="the same")
    comparing.add_argument(
        "--by", metavar="COLUMN", help="tell which rows came, went and changed, by the id in a column"
    )
    comparing.add_argument(
        "--rows", metavar="FILE", help="with --by: write each of these rows to a file, with what became of it"
    )
    comparing.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with the distributions of both to this file"
    )
    taking = actions.add_parser("checkout", help="write the rows of a version to a file, exactly as they were")
    taking.add_argument("version", help=WHICH)
    taking.add_argument("-o", "--output", required=True, help=f"the file: {', '.join(SUFFIXES)}")
    taking.add_argument(
        "--formulas", action="store_true", help="in CSV, leave texts as they are that a spreadsheet would calculate"
    )
    for made, act in ((listing, _list), (showing, _show), (comparing, _diff), (taking, _checkout)):
        add_json(made)
        made.set_defaults(act=act)


def _list(given: Any) -> int:
    workspace = open_workspace()
    found = workspace.catalog.datasets.versions(given.dataset)
    kept = which_are_kept(workspace.store, [record.version for record in found])
    if given.json:
        print_json([_plain(record) | {"kept": record.version.fingerprint in kept} for record in found])
        return 0
    told = ("kept",) if kept else ()
    columns = ("version", "name", "rows", "columns", "first seen", "runs", "models", *told, "origin")
    rows = [_row(record) | {"kept": "yes" if record.version.fingerprint in kept else ""} for record in found]
    print_rows(rows, columns, empty="no versions yet; a run records the data that it saw")
    return 0


def _show(given: Any) -> int:
    record = open_workspace().catalog.datasets.find(given.version)
    if given.json:
        print_json(_plain(record))
        return 0
    print_rows(
        [_row(record) | {"version": record.version.fingerprint}], ("version", "name", "rows", "first seen"), empty=""
    )
    tell(f"origin: {record.where}")
    if record.origin.get("tracked"):
        tell(f"tracked: {told_of_versions(record.origin['tracked'])}")
    tell(f"runs: {', '.join(record.runs) or 'none'}")
    tell(f"models: {', '.join(record.models) or 'none'}\n")
    facts = {column.name: column for column in record.profile.columns} if record.profile else {}
    rows = [
        {"column": column.name, "type": column.dtype, "digest": column.digest[:SHORT], **_told(facts.get(column.name))}
        for column in record.version.columns
    ]
    told = ("missing", "distinct", "mean", "std", "min", "max") if facts else ()
    print_rows(rows, ("column", "type", *told, "digest"), empty="no columns")
    if record.profile:
        say(f"missing, distinct and so on are of {record.profile.rows:,} training rows")
    return 0


def _diff(given: Any) -> int:
    datasets = open_workspace().catalog.datasets
    before, now = (datasets.find(text) for text in (given.before, given.now))
    found = diff_versions(before, now)
    if given.rows and not given.by:
        raise UsageError("--rows writes the rows that changed, which an id tells apart", hint="add --by COLUMN")
    if given.by:
        return _diff_rows(given, before, now, found)
    if given.html:
        _draw(given.html, before, now, found, None)
    if given.json:
        columns = [to_json(column) | {"sentence": column.sentence} for column in found.columns]
        print_json(to_json(found) | {"columns": columns, "sentences": found.sentences()})
        return 0
    say(f"from {title(before)} to {title(now)}")
    tell("\n".join(found.sentences()))
    if not found.identical and before.profile and now.profile:
        say(f"distributions are of {before.profile.rows:,} and {now.profile.rows:,} training rows")
    return 0


def _draw(path: Path, before: DataRecord, now: DataRecord, found: VersionDiff, rows: RowChanges | None) -> None:
    facts = page_facts(before, now, found) | {"by_row": None if rows is None else _told_of_rows(rows)}
    with writing(path):
        drawn = load_registry().render("data_diff", facts, path)
    if not drawn:
        raise MissingBackend("the page of a diff", "jinja2", "report")
    say(f"page: {path}")


def _told_of_rows(found: RowChanges) -> dict[str, Any]:
    told = {name: value for name, value in vars(found).items() if name != "frame"}
    facts: dict[str, Any] = to_json(told)
    return facts | {"sentences": found.sentences()}


def _diff_rows(given: Any, before: DataRecord, now: DataRecord, whole: VersionDiff) -> int:
    registry, workspace = load_registry(), open_workspace()
    with rows_of(before, registry, workspace) as (was, _), rows_of(now, registry, workspace) as (are, _):
        found = changes(was, are, given.by)
    if given.rows:
        write_rows(found.frame.lazy(), Path(given.rows))
    if given.html:
        _draw(given.html, before, now, whole, found)
    if given.json:
        print_json(_told_of_rows(found))
        return 0
    say(f"from {title(before)} to {title(now)}")
    tell("\n".join(found.sentences()))
    moved = [column.sentence for column in whole.columns if column.change in MOVED]
    if moved:
        tell("\n".join(["", *moved]))
    if found.examples:
        tell("")
        shown = [
            {found.by: cell.row, "column": cell.column, "before": cell.before, "now": cell.now}
            for cell in found.examples
        ]
        print_rows(shown, (found.by, "column", "before", "now"), empty="")
    return 0


def _checkout(given: Any) -> int:
    found = checkout(given.version, given.output, formulas=given.formulas)
    version = found.version
    if given.json:
        told = {"version": version.fingerprint, "rows": version.rows, "path": str(found.path), "found": found.found}
        print_json(told)
        return 0
    say(
        f"wrote {version.rows:,} rows of {version.name} {version.fingerprint[:SHORT]} to {found.path}; they were in {found.found}"
    )
    return 0


def _row(record: DataRecord) -> dict[str, Any]:
    version = record.version
    return {
        "version": version.fingerprint[:SHORT],
        "name": version.name,
        "rows": f"{version.rows:,}",
        "columns": len(version.columns),
        "first seen": f"{record.first_seen:%Y-%m-%d %H:%M:%S}",
        "runs": len(record.runs),
        "models": list(record.models),
        "origin": record.where,
    }


def _plain(record: DataRecord) -> dict[str, Any]:
    found: dict[str, Any] = to_json(record.version)
    profile = None if record.profile is None else to_json(record.profile)
    seen = {"first_seen": record.first_seen.isoformat(), "origin": dict(record.origin)}
    return {**found, **seen, "runs": list(record.runs), "models": list(record.models), "profile": profile}


def _told(column: Any) -> dict[str, Any]:
    if column is None:
        return {}
    missing = f"{column.missing / max(1, column.count):.1%}" if column.missing else ""
    numbers = {"mean": column.mean, "std": column.std, "min": column.minimum, "max": column.maximum}
    return {"missing": missing, "distinct": column.distinct, **(numbers if column.kind == "number" else {})}
