"""`hookline schema`: a JSON schema of config and experiment files for editors, or of what a package says of itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hookline.packages.schemas import DOCUMENTS, published
from hookline.plans.json_schema import schema_of
from hookline.registry.registry import load_registry

from .output import parser, say, write_text


def main(argv: Sequence[str]) -> int:
    """Print the schema, or write it to a file."""
    options = parser(
        "schema", "Write a JSON schema of config and experiment files, for completion and checks in editors."
    )
    options.add_argument("-o", "--output", type=Path, help="write here instead of stdout, such as hookline.schema.json")
    options.add_argument(
        "--of",
        choices=["config", *DOCUMENTS],
        default="config",
        help="of config files, or of this document of packages",
    )
    given = options.parse_args(argv)
    schema = schema_of(load_registry()) if given.of == "config" else published(given.of)
    text = json.dumps(schema, indent=2) + "\n"
    if given.output is None:
        sys.stdout.write(text)
        return 0
    write_text(given.output, text)
    if given.of != "config":
        say(f"{given.output}: what {given.of}.json of a package holds, as JSON Schema")
        return 0
    say(f"{given.output}: begin a YAML file with `# yaml-language-server: $schema={given.output.name}`")
    return 0
