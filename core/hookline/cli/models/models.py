"""`hookline models`: versions, aliases, and what is live."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hookline.kinds.plain import to_json
from hookline.live.deploying.history import live_at, promotions
from hookline.live.deploying.policies import RESTORES
from hookline.live.deploying.promoting import promote
from hookline.live.registering import register
from hookline.packages.certificate.certificate import CERTIFICATE, Certificate
from hookline.packages.door.sealing import is_signed
from hookline.packages.manifest import read_as, read_json, verify
from hookline.packages.owncode.carried import told_of
from hookline.packages.settling import settle
from hookline.runs.names import split_model_name
from hookline.workspace.workspace import open_workspace

from ..output import add_json, parser, print_json, print_rows, say, tell, text
from ..reading import apart
from . import sync, updating, versions

MOST_LETTERS = 80
"""Letters of figures in a cell; JSON has them all."""


def main(argv: Sequence[str]) -> int:
    """List models, show one, move an alias, let one learn on, check one, carry one elsewhere, or end one."""
    options = parser(
        "models",
        "List models and versions, show one, move an alias, let one learn more rows, check it, hold it against another, "
        "carry it to another machine, keep it in step with a registry elsewhere, tag or delete it.",
    )
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list models, newest version first")
    listing.add_argument("model", nargs="?", help="only this model")
    showing = actions.add_parser("show", help="show one version")
    showing.add_argument("model", help="name, name:3 or name@alias (default: the champion)")
    promoting = actions.add_parser(
        "promote", help="move an alias to a version; of the champion, running servers follow"
    )
    promoting.add_argument("model", help="name:3")
    promoting.add_argument("--alias", default="champion")
    promoting.add_argument("--reason", default="promoted by hand")
    registering = actions.add_parser(
        "register", help="make a finished run's package a version that nothing points to, such as the best of a sweep"
    )
    registering.add_argument("run", help="`last`, a run id, its first letters, or a run's folder")
    registering.add_argument(
        "--package", metavar="KEY", help="which of its packages, such as onnx (default: the first)"
    )
    logging = actions.add_parser(
        "log", aliases=["history"], help="the promotion log: who changed what answers, when, why, and on which figures"
    )
    logging.add_argument("model", help="name")
    at = actions.add_parser("at", help="say which version answered at a time, put there by whom and why")
    at.add_argument(
        "when", help="2026-11-28T08:00, UTC where no zone is named; a whole day, 2026-11-28; or 7d, 12h ago"
    )
    at.add_argument("model", help="name")
    for made in (listing, showing, promoting, registering, logging, at):
        add_json(made)
    acts = {"show": _show, "promote": _promote, "register": _register, "at": _at}
    acts |= {"log": _log, "history": _log, **versions.add_to(actions), **sync.add_to(actions)}
    updating.add(actions)
    if argv and argv[0] == "update":
        words, overrides = apart(argv)
        return updating.act(options.parse_args(words), overrides)
    given = options.parse_args(list(argv) or ["list"])
    return acts.get(given.action, _list)(given)


def _list(given: Any) -> int:
    catalog = open_workspace().catalog
    records = catalog.models.versions(given.model) if given.model else catalog.models.every_version()
    rows = [_row(catalog, record) for record in records]
    if given.json:
        print_json(rows)
    else:
        tagged = ("tags",) if any(row["tags"] for row in rows) else ()
        columns = ("name", "version", "aliases", *tagged, "format", "created", "metrics", "run_id")
        print_rows(rows, columns, empty="no models yet; a run with a deployer registers one")
    return 0


def _row(catalog: Any, record: Any) -> dict[str, Any]:
    aliases = [alias for alias, version in catalog.models.aliases(record.name).items() if version == record.version]
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in list(record.metrics.items())[:2])
    tags = [f"{name}={value}" for name, value in catalog.acts.tags(record.name).get(record.version, {}).items()]
    return dataclasses.asdict(record) | {"aliases": aliases, "tags": tags, "metrics": metrics}


def _show(given: Any) -> int:
    workspace = open_workspace()
    catalog = workspace.catalog
    name, number, alias = split_model_name(given.model)
    record = catalog.models.get(name, alias if number is None else number)
    missing = settle(workspace, record)
    manifest = verify(Path(record.path))
    if given.json:
        path = Path(record.path) / CERTIFICATE
        certificate = read_json(path) if path.is_file() else None
        told = {"signed": is_signed(manifest), "manifest": manifest, "certificate": certificate}
        print_json(dataclasses.asdict(record) | told)
        return 0
    print_rows([_row(catalog, record)], ("name", "version", "aliases", "format", "created", "run_id", "path"), empty="")
    if missing:
        say(missing)
    tell(f"\ntarget: {json.dumps(manifest['target'])}")
    for made in ("decision", "intervals", "sets"):
        if manifest.get(made):
            tell(f"{made}: {json.dumps(manifest[made])}")
    if manifest.get("refitted_from"):
        refit = manifest["refitted_from"]
        tell(f"refitted: to all {refit['rows']:,} rows; the metrics are of run {refit['run']}, before that")
    tell(f"parity: {json.dumps(manifest['parity'])}")
    if code := told_of(manifest):
        tell(f"own code: {code}")
    tell(f"signed: {'with your key' if is_signed(manifest) else 'not with your key'}\n")
    _print_certificate(Path(record.path))
    print_rows(manifest["metrics"], ("name", "value", "low", "high"), empty="no metrics")
    weights = manifest.get("importances", {})
    features = [{**feature, "importance": weights.get(feature["name"])} for feature in manifest["features"]]
    print_rows(features[:50], ("name", "dtype", "inputs", "definition", "importance"), empty="no features")
    return 0


def _print_certificate(folder: Path) -> None:
    if not (folder / CERTIFICATE).is_file():
        return
    certificate = to_json(read_as(Certificate, folder / CERTIFICATE))
    columns = ("rows", "sort", "max_difference", "changed_decisions", "refused", "beyond_limit", "tied", "ok")
    print_rows(certificate["agreements"], columns, empty="")
    if certificate["limit"]:
        tell(f"limit: {certificate['limit']}")
    tell()


def _promote(given: Any) -> int:
    made = promote(given.model, alias=given.alias, reason=given.reason)
    name = split_model_name(given.model)[0]
    number = open_workspace().catalog.models.aliases(name)[given.alias] if made is None else made.version
    if given.json:
        print_json({"model": name, "alias": given.alias, "version": number})
    else:
        say(f"{name}@{given.alias} is now version {number}")
    return 0


def _register(given: Any) -> int:
    made = register(given.run, given.package)
    name = f"{made.model}:{made.version}"
    if given.json:
        print_json(dataclasses.asdict(made))
        return 0
    tell(name)
    what = "is registered" if made.is_new else "was registered before, and its package is whole"
    say(f"{name} {what}. To put it in charge: hookline models promote {name}")
    return 0


def _log(given: Any) -> int:
    found = promotions(given.model)
    acts = open_workspace().catalog.acts.of(given.model)
    if given.json:
        told = [(step.row()["since"], {**to_json(step.policy), "change": step.row()["change"]}) for step in found]
        told += [(act.when, {**to_json(act), "change": act.words()}) for act in acts]
        print_json([one for _, one in sorted(told, key=lambda pair: pair[0], reverse=True)])
        return 0
    rows = [{**step.row(), "figures": _figures(step.row()["figures"])} for step in found]
    rows += [{"since": act.when, "who": act.who, "change": act.words(), "reason": act.reason} for act in acts]
    rows = [{**row, "since": _time(row["since"])} for row in sorted(rows, key=lambda row: row["since"], reverse=True)]
    columns = ("since", "who", "change", "aliases", "deployer", "step", "reason", "figures")
    print_rows(rows, columns, empty=f"no version of {given.model} was ever put in charge")
    return 0


def _at(given: Any) -> int:
    found = live_at(given.model, given.when)
    if given.json:
        print_json([term.plain() for term in found])
        return 0
    rows = [
        {
            "since": _time(term.since),
            "until": "now" if term.until is None else _time(term.until),
            "answers": term.words(),
            "who": term.policy.who if term.policy else "",
            "reason": term.policy.reason if term.policy else "",
        }
        for term in found
    ]
    print_rows(rows, ("since", "until", "answers", "who", "reason"), empty="")
    return 0


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _figures(figures: Mapping[str, Any]) -> str:
    """Return figures in a cell, those of a version or arm behind its name."""
    told = [
        f"{name}: {_figures(value)}" if isinstance(value, Mapping) else f"{name} {text(value)}"
        for name, value in figures.items()
        if name != RESTORES
    ]
    whole = "; ".join(told)
    return whole if len(whole) <= MOST_LETTERS else f"{whole[: MOST_LETTERS - 3]}..."
