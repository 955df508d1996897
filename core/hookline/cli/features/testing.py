"""`hookline features test`: a set's own tests."""

from __future__ import annotations

from typing import Any

from hookline.live.featuring.seen import current_set
from hookline.live.featuring.testing import run_tests
from hookline.registry.registry import load_registry

from ..output import add_json, print_json, say, tell
from .known import add_config_dir


def add(actions: Any) -> None:
    """Add the action."""
    made = actions.add_parser("test", help="run the tests of a feature set: small rows, and what is to be made of them")
    made.add_argument("set", help="a feature set that the project defines")
    add_json(made)
    add_config_dir(made)
    made.set_defaults(act=act)


def act(given: Any) -> int:
    """Run them; the exit code is 1 where one fails."""
    results = run_tests(current_set(load_registry(), given.set, given.config_dir))
    if given.json:
        print_json([{"name": one.name, "passed": one.passed, "wrong": list(one.wrong)} for one in results])
    for one in results if not given.json else ():
        tell(f"{'ok' if one.passed else 'failed'}  {one.name}")
        for told in one.wrong:
            tell(f"    {told}")
    if not results:
        say(f"feature set '{given.set}' has no tests; add some below `tests`")
    return 0 if all(one.passed for one in results) else 1
