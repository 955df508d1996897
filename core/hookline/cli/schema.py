"""`hookline schema`: a JSON schema of config and experiment files, so that editors complete and check them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hookline.plans.json_schema import schema_of
from hookline.registry.registry import load_registry

from .output import parser, say, write_text


def main(argv: Sequence[str]) -> int:
    """Print the schema, or write it to a file."""
    options = parser(
        "schema", "Write a JSON schema of config and experiment files, for completion and checks in editors."
    )
    options.add_argument("-o", "--output", type=Path, help="write here instead of stdout, such as hookline.schema.json")
    given = options.parse_args(argv)
    text = json.dumps(schema_of(load_registry()), indent=2) + "\n"
    if given.output is None:
        sys.stdout.write(text)
        return 0
    write_text(given.output, text)
    say(f"{given.output}: begin a YAML file with `# yaml-language-server: $schema={given.output.name}`")
    return 0
