"""`hookline monitor run`: compare current data with what a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import codec
from ..api import load_registry
from ..artifacts import Dataset, Profile, Reference, Report
from ..contract import require_accepted
from ..contract_file import read_contract
from ..errors import GateFailed, StoreError
from ..packages import package_roles, package_schema, verify
from ..registry import Registry
from .output import add_json, parser, print_json, print_rows, say
from .packages_at import add_contract, find_package, read_table

SEVERITIES = ("info", "warning", "critical")


def main(argv: Sequence[str]) -> int:
    """Run monitors on current data against a package's own reference."""
    options = parser("monitor", "Compare current data with what a model was trained on.")
    actions = options.add_subparsers(dest="action", required=True)
    running = actions.add_parser("run", help="check a file now")
    running.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    running.add_argument("data", help="current rows: a CSV, Parquet, NDJSON or Arrow file, a glob or a folder")
    running.add_argument("--monitor", action="append", help="which monitor (repeat; default: data_drift)")
    running.add_argument("--fail-on", choices=SEVERITIES, help="exit with 3 on a finding this severe or worse")
    running.add_argument("--output", type=Path, help="write the monitors' files (such as profiles) into this folder")
    add_contract(running)
    add_json(running)
    given = options.parse_args(argv)
    reports = check(given.model, given.data, given.monitor or ["data_drift"], given.contract)
    if given.output:
        _write_files(reports, given.output)
    if given.json:
        plain = {
            name: {k: v for k, v in codec.to_json(report).items() if k != "files"} for name, report in reports.items()
        }
        print_json(plain)
    else:
        _print(reports)
    worst = [f for report in reports.values() for f in report.findings if _as_bad(f.severity, given.fail_on)]
    if worst:
        are = "finding is" if len(worst) == 1 else "findings are"
        raise GateFailed(f"{len(worst)} {are} {given.fail_on} or worse")
    return 0


def check(model: str, data: str, monitors: Sequence[str], contract: Path | None = None) -> dict[str, Report]:
    """Return each monitor's report on a file against a package's reference.

    contract: a file whose word stands above the package's own contract
    """
    folder, _ = find_package(model)
    verify(folder)
    registry = load_registry()
    schema = package_schema(folder)
    if contract is not None:
        schema = read_contract(contract, "--contract").over(schema, "the model takes")
    current = read_table(registry, data, schema)
    require_accepted(current.frame, schema)
    return {name: _check_one(registry, name, folder, current) for name in monitors}


def _check_one(registry: Registry, name: str, folder: Path, current: Dataset) -> Report:
    monitor: Any = registry.build("monitor", name, {}, f"monitor.{name}")
    type(monitor).check_backend()
    files = {path.name: path for path in (folder / "monitors" / name).glob("*")}
    reference = Reference(_profile(folder), None, files, package_roles(folder).time)
    report: Report = monitor.check(current, reference)
    return report


def _profile(folder: Path) -> Profile:
    import json

    try:
        return codec.from_json(Profile, json.loads((folder / "profile.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"package {folder} has no readable profile of its training data: {error}") from None


def _write_files(reports: dict[str, Report], folder: Path) -> None:
    for name, report in reports.items():
        for file, content in report.files.items():
            path = folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _print(reports: dict[str, Report]) -> None:
    for report in reports.values():
        print(report.title)
        for table in report.tables:
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            print_rows(rows, table.columns, empty="")
        for finding in report.findings:
            print(f"{finding.severity}: {finding.message}")
        if not report.findings:
            say("nothing to report")


def _as_bad(severity: str, bound: str | None) -> bool:
    return bound is not None and SEVERITIES.index(severity) >= SEVERITIES.index(bound)
