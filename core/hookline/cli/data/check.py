"""`hookline data check`: a table against a contract, rule by rule, before anything is trained or predicted with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import infer_kinds
from hookline.data.contract.checked import Checked, RuleCheck
from hookline.data.contract.file import read_contract
from hookline.data.contract.rules import batches_of, check_rows, numbered
from hookline.data.contract.tables import check_table
from hookline.data.frames import require_columns
from hookline.errors import DataError, GateFailed, UsageError
from hookline.kinds.artifacts import ROW_ID, Dataset, Schema
from hookline.packages.manifest import verify
from hookline.packages.reading import Reading, read_table, reading_in, rows_of
from hookline.packages.state import StoredPackage
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find
from hookline.runs.past.rows import SUFFIXES, write_rows

from ..output import add_json, print_json, print_rows, say
from ..reading import add_reading, fields_of_reading, source_instead

if TYPE_CHECKING:
    import polars as pl


def add(actions: Any) -> None:
    """Add the action."""
    made = actions.add_parser(
        "check", help="check a table against a contract; exits with 3 where something is rejected"
    )
    made.add_argument(
        "data",
        nargs="?",
        help="a CSV, Parquet, NDJSON or Arrow file, a glob, a folder, or - for stdin; or nothing and source=NAME",
    )
    made.add_argument(
        "--contract", type=Path, help="a contract file; with --model, its word stands above the model's own"
    )
    made.add_argument("--model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    made.add_argument("--id", metavar="COLUMN", help="the column that says what a row is called")
    made.add_argument(
        "--rows",
        metavar="FILE",
        help=f"write every row that breaks a rule, with the rule, to a file: {', '.join(SUFFIXES)}",
    )
    add_json(made)
    add_reading(made)
    made.set_defaults(act=main, said=[])


def main(given: Any) -> int:
    """Check a table; raises GateFailed where something is rejected."""
    if given.contract is None and given.model is None:
        raise UsageError("say what to check against", hint="--contract FILE, or --model MODEL, or both")
    registry = load_registry()
    folder = None if given.model is None else find(given.model).package()
    reading = Reading() if folder is None else reading_in(verify(folder))
    source = source_instead(registry, given.data, given.said)
    if source is None:
        reading = reading.but(fields_of_reading(registry, reading, given.said))

    def read(schema: Schema) -> Dataset:
        return read_table(registry, given.data, schema, reading) if source is None else rows_of(source)

    schema = _schema(registry, given, folder, read)
    dataset = read(schema)
    if given.id:
        require_columns([given.id], dataset.frame.collect_schema().names(), "--id")
    called = given.id or dataset.roles.id
    checked = check_rows(batches_of(dataset.frame), schema, called, keep=bool(given.rows))
    if not checked.rows:
        raise DataError(f"there are no rows in {dataset.name}")
    check_table(dataset.frame, schema.table, checked, id_column=called)
    if given.rows:
        write_rows(_breaking(dataset, checked), Path(given.rows))
        say(f"rows: {given.rows}")
    _print(checked, schema, as_json=given.json)
    rejected = sum(check.count for check in checked.rejected)
    if rejected:
        columns = ", ".join(dict.fromkeys(check.column for check in checked.rejected))
        raise GateFailed(f"the contract rejects {rejected:,} value{'s' * (rejected != 1)} in {columns}")
    return 0


def _breaking(dataset: Dataset, checked: Checked) -> pl.LazyFrame:
    """Return every row that breaks a rule, once a rule, with its number, the column or rule, and what becomes of it."""
    import polars as pl

    rows = numbered(dataset.frame)
    held = rows.collect_schema().names()
    row, broken, then = (_free(name, held) for name in ("row", "broken", "then"))
    parts = [
        pl.DataFrame({row: pl.concat(check.places).cast(pl.Int64)}).with_columns(
            pl.lit(f"{check.column}: {check.rule}").alias(broken),
            pl.lit("reject" if check.rejects else "warn").alias(then),
        )
        for check in checked.broken.values()
        if check.places
    ]
    found = pl.concat([pl.DataFrame(schema={row: pl.Int64, broken: pl.String, then: pl.String}), *parts]).lazy()
    return found.join(rows.rename({ROW_ID: row}), on=row, how="left", maintain_order="left").sort(row, broken)


def _free(name: str, held: Sequence[str]) -> str:
    """Return a name that no column of the rows has."""
    while name in held:
        name = f"contract_{name}"
    return name


def _schema(registry: Registry, given: Any, folder: Path | None, read: Callable[[Schema], Dataset]) -> Schema:
    contract = None if given.contract is None else read_contract(given.contract, "--contract")
    if folder is not None:
        schema = StoredPackage(folder, registry).schema
        if contract is None:
            return schema
        held = read(schema).frame.collect_schema()
        # Of a whole table, rules may name columns that the model does not take.
        return replace(contract.over(schema, "the model takes", held), rules=contract.rules or schema.rules)
    assert contract is not None
    dataset = read(Schema(()))
    held = dataset.frame.collect_schema()
    unsaid = [name for name, rule in contract.columns.items() if rule.kind == "inferred" and name in held]
    return contract.alone({name: kind for name, (_, kind) in infer_kinds(dataset.frame, unsaid).items()}, held)


def _print(checked: Checked, schema: Schema, *, as_json: bool) -> None:
    checks = list(checked.broken.values())
    if as_json:
        print_json(
            {"rows": checked.rows, "columns": list(schema.names), "broken": [_plain(c, checked.rows) for c in checks]}
        )
        return
    rows = [
        {
            "column": check.column,
            "rule": check.rule,
            "then": "reject" if check.rejects else "warn",
            "rows": check.count,
            "share": check.count / checked.rows,
            "examples": "; ".join(f"{breach.where}: {breach.message}" for breach in check.examples[:2]),
        }
        for check in checks
    ]
    print_rows(rows, ("column", "rule", "then", "rows", "share", "examples"), empty="nothing breaks the contract")
    table = schema.table
    rules = len(schema.rules) + len(table.unique) + len(table.freshness) + (table.rows is not None)
    more = f" and {rules} rule{'s' * (rules != 1)} across them" if rules else ""
    say(f"{checked.rows:,} rows, {len(schema.columns)} columns{more} checked")


def _plain(check: RuleCheck, rows: int) -> dict[str, Any]:
    facts = asdict(replace(check, places=[]))
    del facts["places"]
    return {**facts, "share": check.count / rows}
