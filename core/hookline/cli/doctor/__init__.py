"""`hookline doctor`: is this environment fit to run, and if not, what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..output import parser, print_json, print_rows, say
from .checks import Check, look_everywhere


def main(argv: Sequence[str]) -> int:
    """Check Python, libraries, plugins, home, store and catalog; exits with 1 where something is broken."""
    options = parser("doctor", "Check this environment, and say what is wrong with it.", json_too=True)
    given = options.parse_args(argv)
    checks = look_everywhere()
    if given.json:
        print_json([asdict(check) for check in checks])
    else:
        print_rows([asdict(check) for check in checks], ("check", "status", "detail", "todo"), empty="")
        say(_verdict(checks))
    return 1 if any(check.status == "error" for check in checks) else 0


def _verdict(checks: Sequence[Check]) -> str:
    errors, warnings = (sum(check.status == status for check in checks) for status in ("error", "warning"))
    if not errors and not warnings:
        return "nothing is wrong"
    return f"broken: {errors}, to look at: {warnings}"
