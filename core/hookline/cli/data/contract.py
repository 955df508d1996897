"""`hookline data contract`: writes a model's input contract as YAML, to be read, edited and used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.plain import to_json
from hookline.packages.telling.contracts import contract_in
from hookline.registry.registry import load_registry
from hookline.runs.names import find

from ..output import add_json, print_json, say, write_text


def add(actions: Any) -> None:
    """Add the action."""
    made = actions.add_parser("contract", help="write a model's input contract as YAML, to edit and use")
    made.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    made.add_argument("-o", "--output", type=Path, help="write here instead of stdout, such as contract.yaml")
    add_json(made)
    made.set_defaults(act=main)


def main(given: Any) -> int:
    """Print the contract, or write it to a file."""
    found = find(given.model)
    contract = contract_in(found.package(), load_registry(), found.version)
    if given.json:
        print_json(to_json(contract.schema))
        return 0
    if given.output is None:
        sys.stdout.write(contract.text)
        return 0
    _write(given.output, contract.text)
    say(f"{given.output}: edit it, then `hookline ... contract={given.output}`, or --contract of predict and serve")
    return 0


def _write(path: Path, text: str) -> None:
    if path.exists():
        raise UsageError(f"{path} exists, and may hold what somebody edited", hint="name another file, or move it away")
    write_text(path, text)
