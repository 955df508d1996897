"""`hookline models verify|diff|export|import|tag|delete`: what becomes of a version after it was registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.plain import to_json
from hookline.live.versions.bill import audit_package, bill_of_materials
from hookline.live.versions.card import card_facts, write_card
from hookline.live.versions.carrying import export_version, import_version
from hookline.live.versions.deleting import delete_version
from hookline.live.versions.differing import Difference, diff_versions, plain
from hookline.live.versions.tagging import tag_version
from hookline.live.versions.verifying import Verified, verify_package
from hookline.runs.names import split_model_name

from ..options import add_signed, add_trust, trust_of
from ..output import add_json, print_json, print_rows, say, tell, writing

NAMED = "a model (name, name:3, name@alias), a package folder, `last` or a run id"
VERSION = "name:3 or name@alias"
MOST = 20
"""Rows of a table for people; JSON has them all."""


def add_to(actions: Any) -> dict[str, Callable[[Any], int]]:
    """Add the actions to those of `hookline models`, and return what carries each out."""
    verifying = actions.add_parser(
        "verify", help="check a package's files and seal, and ask it again the golden rows that travel with it"
    )
    verifying.add_argument("model", help=NAMED)
    differing = actions.add_parser(
        "diff", help="hold two side by side: data, config, code, features, metrics, and answers to the same rows"
    )
    differing.add_argument("first", help=NAMED)
    differing.add_argument("second", help="the one to hold against it")
    differing.add_argument("--rows", metavar="FILE", help="raw rows to ask both, instead of those that were held out")
    carding = actions.add_parser("card", help="write a model card, from the evidence and a person's words")
    carding.add_argument("model", help=NAMED)
    carding.add_argument("-o", "--output", type=Path, default=Path("model-card.md"), help="ends in .md or .html")
    carding.add_argument("--words", type=Path, metavar="FILE", help="YAML: owner, license, intended_use and the like")
    billing = actions.add_parser("sbom", help="print what a package is made of, as CycloneDX JSON")
    billing.add_argument("model", help=NAMED)
    auditing = actions.add_parser("audit", help="say which libraries of a package are known to be bad")
    auditing.add_argument("model", help=NAMED)
    auditing.add_argument(
        "--advisories", type=Path, required=True, metavar="FILE", help="OSV JSON: a file, or a folder of .json files"
    )
    exporting = actions.add_parser("export", help="write a version with its life on record as one file")
    exporting.add_argument("model", help=VERSION)
    exporting.add_argument("-o", "--output", type=Path, default=Path(), help="the file, or a folder (default: here)")
    importing = actions.add_parser("import", help="take in such a file, as a version that nothing points to")
    importing.add_argument("file", type=Path, help="what `hookline models export` wrote")
    importing.add_argument("--name", help="call the model so here")
    add_signed(importing)
    tagging = actions.add_parser("tag", help="set tags of a version, or remove some")
    tagging.add_argument("model", help=VERSION)
    tagging.add_argument("tags", nargs="*", metavar="NAME=VALUE")
    tagging.add_argument("--remove", action="append", default=[], metavar="NAME", help="remove this tag (repeat)")
    deleting = actions.add_parser("delete", help="delete a version and its package; its number is never given again")
    deleting.add_argument("model", help=VERSION)
    deleting.add_argument("--yes", action="store_true", help="do it; without this nothing is deleted")
    for made in (tagging, deleting):
        made.add_argument("--reason", default="", help="why, for the log")
    for made in (verifying, differing):
        add_trust(made)
    for made in (verifying, differing, carding, auditing, exporting, importing, tagging, deleting):
        add_json(made)
    return {
        "verify": _verify,
        "diff": _diff,
        "card": _card,
        "sbom": _sbom,
        "audit": _audit,
        "export": _export,
        "import": _import,
        "tag": _tag,
        "delete": _delete,
    }


def _verify(given: Any) -> int:
    found = verify_package(given.model, trust=trust_of(given))
    if given.json:
        print_json({**to_json(found), "ok": found.ok})
        return 0 if found.ok else 1
    tell(f"{found.model} ({found.format}, {found.path})")
    print_rows(_checks(found), ("check", "found"), empty="")
    moved = found.golden.moved if found.golden else ()
    rows = [
        {"difference": one.difference, "before": one.before, "now": one.now, "row": one.row} for one in moved[:MOST]
    ]
    if rows:
        tell()
        print_rows(rows, ("difference", "before", "now", "row"), empty="")
    say("it answers as when it was made" if found.ok else "it does not answer as when it was made")
    return 0 if found.ok else 1


def _checks(found: Verified) -> list[dict[str, str]]:
    certified = {True: "agrees", False: "does not agree", None: "there is none"}
    told = {
        "files": f"{found.files} as the manifest says",
        "seal": ("signed with your key" if found.signed else "whole, and not signed with your key")
        + (f"; signed by {found.author}" if found.author else ""),
        "certificate": certified[found.certified],
        "environment": ", ".join(
            f"{name} {was} -> {now or 'not here'}" for name, (was, now) in found.environment.items()
        )
        or "the same where answers go by it",
        "golden rows": "none travel with it",
    }
    if found.golden is not None:
        told["golden rows"] = (
            f"{found.golden.rows} asked again, {len(found.golden.moved)} moved; largest difference "
            f"{found.golden.max_difference:.3g} (tolerance {found.golden.tolerance:g})"
        )
    return [{"check": name, "found": text} for name, text in told.items()]


def _diff(given: Any) -> int:
    found = diff_versions(given.first, given.second, given.rows, trust=trust_of(given))
    if given.json:
        print_json(plain(found))
        return 0
    for title, rows, columns in _parts(found):
        if rows:
            tell(f"{title}:")
            print_rows(rows[:MOST], columns, empty="")
            tell(f"... and {len(rows) - MOST} more\n" if len(rows) > MOST else "")
    for line in (*found.untold, *filter(None, [found.rechosen])):
        say(line)
    if found.behavior is None:
        say(f"what they answer was not compared: {found.rows}")
        return 0
    changed = found.behavior
    say(
        f"{found.second} decides otherwise than {found.first} in {changed.changed:,} of {changed.rows:,} "
        f"{found.rows} ({changed.share:.1%})"
    )
    return 0


def _parts(found: Difference) -> list[tuple[str, list[dict[str, Any]], tuple[str, ...]]]:
    """Return the tables of a difference: title, rows and columns."""
    sides = (found.first, found.second)
    data = [] if found.data is None else [{"model": side, **told} for side, told in zip(sides, found.data, strict=True)]
    config = [{"config": path, sides[0]: then, sides[1]: now} for path, (then, now) in found.config.items()]
    code = [{"stage": key, "changed": text} for key, texts in found.code.items() for text in texts]
    modules = [{"module": name, "what": what} for name, what in found.modules.items()]
    features = [
        {"feature": one.name, "status": one.status, **_shares(one.share_before, one.share_after)}
        for one in found.features
    ]
    metrics = [{"metric": name, sides[0]: then, sides[1]: now} for name, (then, now) in found.metrics.items()]
    decision = [] if found.decision is None else [dict(zip(sides, found.decision, strict=True))]
    slices = [] if found.behavior is None else [dataclasses.asdict(one) for one in found.behavior.slices if one.surely]
    examples = [] if found.behavior is None else [dataclasses.asdict(one) for one in found.behavior.examples]
    return [
        ("data", data, ("model", "version", "name", "rows")),
        ("config", config, ("config", *sides)),
        ("code", code, ("stage", "changed")),
        ("code that travels", modules, ("module", "what")),
        ("features", features, ("feature", "status", "importance")),
        ("metrics", metrics, ("metric", *sides)),
        ("decides", decision, sides),
        ("decided otherwise, by slice", slices, ("column", "value", "rows", "changed")),
        ("decided otherwise", examples, ("row", "then", "now", "then_probability", "now_probability")),
    ]


def _shares(before: float | None, after: float | None) -> dict[str, str]:
    told = ["none" if share is None else f"{share:.1%}" for share in (before, after)]
    return {"importance": " -> ".join(told)}


def _card(given: Any) -> int:
    with writing(given.output, "--output"):
        path = write_card(given.model, given.output, given.words)
    if given.json:
        print_json(card_facts(given.model, given.words))
    else:
        tell(str(path))
    return 0


def _sbom(given: Any) -> int:
    print_json(bill_of_materials(given.model))
    return 0


def _audit(given: Any) -> int:
    found = audit_package(given.model, given.advisories)
    if given.json:
        print_json([dataclasses.asdict(one) for one in found])
    else:
        columns = ("distribution", "version", "advisory", "fixed", "summary")
        print_rows([dataclasses.asdict(one) for one in found], columns, empty="")
        say(f"{len(found)} warnings" if found else "no advisory warns of what its answers go by")
    return 1 if found else 0


def _export(given: Any) -> int:
    path = export_version(given.model, given.output)
    if given.json:
        print_json({"file": path, "bytes": path.stat().st_size})
        return 0
    tell(str(path))
    say(f"{path.stat().st_size:,} bytes; there: hookline models import {path.name}")
    return 0


def _import(given: Any) -> int:
    made = import_version(given.file, given.name, signed=given.signed_only)
    name = f"{made.model}:{made.version}"
    if given.json:
        print_json(to_json(made))
        return 0
    tell(name)
    what = "was taken in" if made.is_new else "is here already"
    by = "signed with your key" if made.signed else "not signed with your key"
    by += f", by {made.author}" if made.author else ""
    say(f"{name} {what}, {by}. To see how it answers here: hookline models verify {name}")
    return 0


def _tag(given: Any) -> int:
    tags: dict[str, str | None] = dict.fromkeys(given.remove)
    for word in given.tags:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"'{word}' is no NAME=VALUE", hint=f"hookline models tag {given.model} stage=trial")
        tags[name] = value
    if not tags:
        raise UsageError("say which tags", hint=f"hookline models tag {given.model} stage=trial, or --remove stage")
    held = tag_version(given.model, tags, reason=given.reason)
    if given.json:
        print_json(held)
        return 0
    say(f"{given.model} has " + (", ".join(f"{name}={value}" for name, value in held.items()) or "no tags"))
    return 0


def _delete(given: Any) -> int:
    if not given.yes:
        name = split_model_name(given.model)[0]
        raise UsageError(
            f"deleting {given.model} cannot be taken back",
            hint=f"add --yes; to keep a copy: hookline models export {name}:N",
        )
    gone = delete_version(given.model, reason=given.reason)
    if given.json:
        print_json(dataclasses.asdict(gone))
        return 0
    say(f"{gone.name}:{gone.version} is deleted; its number is not given again")
    return 0
