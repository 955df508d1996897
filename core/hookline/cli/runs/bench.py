"""`hookline bench`: pipelines on many data sets, and what may be said of which is better."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from hookline.registry.registry import load_registry
from hookline.sweeps.benching.bench import Bench, bench, benches, load_bench
from hookline.sweeps.benching.suite import suites
from hookline.sweeps.benching.versus import compare_benches

from ..output import add_json, parser, print_json, print_rows, say


def main(argv: Sequence[str]) -> int:
    """List suites and benches, run a suite, show what came of one, or compare two."""
    options = parser("bench", "Run suites of data sets x pipelines x repeats, and say which pipeline is better.")
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list the suites that there are, and the benches that were run")
    running = actions.add_parser("run", help="run a suite; one that was stopped goes on")
    running.add_argument("suite", help="a suite's name, or a YAML file")
    running.add_argument("--again", action="store_true", help="begin anew, though it was run before")
    showing = actions.add_parser("show", help="show what came of a bench")
    showing.add_argument("bench", nargs="?", default="last", help="`last`, an id, or its first letters")
    comparing = actions.add_parser("compare", help="compare two benches, such as before and after a new version")
    comparing.add_argument("bench", help="`last`, an id, or its first letters")
    comparing.add_argument("other", nargs="?", default="last", help="the same")
    for made in (listing, running):
        _add_folder(made)
    for made in (listing, running, showing, comparing):
        add_json(made)
    given = options.parse_args(list(argv) or ["list"])
    acts = {"run": _run, "show": _show, "compare": _compare}
    return acts.get(given.action, _list)(given)


def _add_folder(made: ArgumentParser) -> None:
    made.add_argument("--config-dir", type=Path, help="a folder of configs, with suites in benchmark/")


def _list(given: Any) -> int:
    known = suites(load_registry(), given.config_dir)
    ran = [
        {
            "bench": one.id,
            "suite": one.name,
            "runs": len(one.results),
            "missing": one.missing,
            "failed": len(one.failures),
        }
        for one in benches()
    ]
    if given.json:
        print_json({"suites": known, "benches": ran})
        return 0
    print_rows(
        [{"suite": name, "title": title} for name, title in known.items()], ("suite", "title"), empty="no suites"
    )
    print_rows(ran, ("bench", "suite", "runs", "missing", "failed"), empty="none was run yet")
    return 0


def _run(given: Any) -> int:
    with redirect_stdout(sys.stderr):  # What components print is no data.
        found = bench(given.suite, again=given.again, config_dir=given.config_dir, tell=say)
    _print(found, as_json=given.json)
    return 1 if found.failures else 0


def _show(given: Any) -> int:
    _print(load_bench(given.bench), as_json=given.json)
    return 0


def _compare(given: Any) -> int:
    found = compare_benches(given.bench, given.other)
    if given.json:
        print_json(found.plain())
        return 0
    print_rows(list(found.rows), list(found.rows[0]), empty="")
    say("versions: " + (", ".join(found.versions) or "the same libraries"))
    return 0


def _print(found: Bench, *, as_json: bool) -> None:
    if as_json:
        print_json(found.plain())
        return
    rows = found.rows()
    print_rows(rows, list(rows[0]), empty="")
    for one in found.failures:
        say(f"failed: {one.data} x {one.pipeline} #{one.repeat + 1}: {one.error or one.status}")
    say(found.verdict)
    page = found.path / "bench.html"
    say(f"page: {page}" if page.is_file() else f"bench: {found.id}")
