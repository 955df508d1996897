"""`hookline package`: another format of a model that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.live.versions.repackaging import package
from hookline.registry.registry import load_registry

from ..options import add_trust, trust_of
from ..output import add_json, parser, print_json, say, tell


def main(argv: Sequence[str]) -> int:
    """Write a model's pipeline in another format, proven to answer alike."""
    options = parser(
        "package",
        "Write a model's fitted pipeline in another format, with a certificate that it answers alike; without -o it becomes "
        "the model's next version, which nothing points to yet.",
    )
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="of the packager, such as quantize=true")
    options.add_argument(
        "--to", required=True, metavar="FORMAT", help="a packager: `hookline components list packager`"
    )
    options.add_argument("-o", "--output", type=Path, help="a folder that is not there yet, to write the package to")
    options.add_argument(
        "--rows", metavar="FILE", help="compare on these rows, where the rows that the run held out are gone"
    )
    add_json(options)
    add_trust(options)
    given = options.parse_intermixed_args(argv)
    made = package(
        given.model,
        given.to,
        _fields(given.to, given.fields),
        output=given.output,
        rows=given.rows,
        trust=trust_of(given),
    )
    if given.json:
        print_json(
            {name: value for name, value in asdict(made).items() if name != "certificate"} | {"ok": made.certificate.ok}
        )
        return 0
    asked = sum(agreement.rows for agreement in made.certificate.agreements)
    if made.version is None:
        tell(str(made.path))
        say(f"{made.format} of {made.model}, which answers {asked:,} rows as the pipeline does")
        return 0
    name = f"{made.model}:{made.version}"
    tell(name)
    say(
        f"{made.format}, which answers {asked:,} rows as the pipeline does. To put it in charge: hookline models promote {name}"
    )
    return 0


def _fields(packager: str, words: Sequence[str]) -> dict[str, Any]:
    """Read fields of a packager as they are typed in overrides; raises UsageError for what is none."""
    if not words:
        return {}
    for word in words:
        if "=" not in word:
            raise UsageError(f"'{word}' is no FIELD=VALUE", hint=f"hookline components show packager {packager}")
    from hookline.plans.hydra.compose import fields_said

    return fields_said(load_registry(), "packager", packager, [f"packager.{word}" for word in words])
