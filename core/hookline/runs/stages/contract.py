"""The check of every row against what a person's contract says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hookline.data.columns import infer_kinds
from hookline.data.contract.across import Across
from hookline.data.contract.checked import RuleCheck
from hookline.data.contract.rules import batches_of, check_rows
from hookline.data.contract.tables import check_table
from hookline.errors import DataError, Problem
from hookline.kinds.artifacts import Column, Schema
from hookline.kinds.reports import Finding, Metric, Report
from hookline.plans.plan import every

from ..execution import StageKind
from ..parts import report_in_words
from .knowledge import all_rows

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Meant, Stage

    from ..execution import Execution


def _make(run: Execution, stage: Stage) -> Report:
    """Check every row against what a person's contract says itself; raises DataError for what it rejects."""
    contract = run.plan.contract
    assert contract is not None
    train = run.value("split").train
    kinds = infer_kinds(train.frame, train.feature_columns())
    bare = Schema(tuple(Column(name, repr(dtype), kind) for name, (dtype, kind) in kinds.items()))
    rows = all_rows(run)
    named = [c for c in contract.over(bare, "the data have", rows.collect_schema()).columns if c.stated]
    checked = check_rows(batches_of(rows), Schema(tuple(named), rules=contract.rules), train.roles.id)
    if contract.table:
        check_table(rows, contract.table, checked, id_column=train.roles.id)
    if checked.rejected:
        problems = [Problem(check.column, check.told(checked.rows)) for check in checked.rejected]
        raise DataError(
            f"the data break the contract {contract.path}", problems, hint=CONTRACT_HINT, ailment="unwanted_rows"
        )
    metrics = (Metric("contract_violations", sum(check.count for check in checked.warned), greater_is_better=False),)
    return Report(
        "Contract", metrics, findings=tuple(contract_finding(check, checked.rows) for check in checked.warned)
    )


def _parts(meant: Meant) -> dict[str, Any]:
    """Return what the check depends on: the contract, and where it asks for fresh rows, the hour."""
    if meant.contract is None:
        return {}
    fresh = meant.contract.table.freshness
    return {"contract": meant.contract.plain()} | ({"hour": f"{datetime.now(UTC):%Y-%m-%dT%H}"} if fresh else {})


CONTRACT_HINT = "mend them at the source, or change the contract"


def contract_finding(check: RuleCheck, rows: int) -> Finding:
    """Tell of a rule that rows break."""
    said = f"{check.column}: {check.told(rows)}"
    if check.rule in ("freshness", "rows"):
        return Finding(check.column, f"contract_{check.rule}", 1.0, 0.0, "warning", said)
    return Finding(check.column, f"contract_{check.rule}", check.count / rows, 0.0, "warning", said)


def rules_report(frame: pl.LazyFrame, schema: Schema, id_column: str | None) -> dict[str, Report]:
    """Tell which rules across columns, and of the table, rows break, as a report named `contract`; none where they break none.

    Raises DataError for what a rule of the table rejects; rows that one across columns rejects are refused before.
    """
    if not schema.rules and not schema.table:
        return {}
    named = Across.of(schema).columns
    asked = replace(schema, columns=tuple(column for column in schema.columns if column.name in named))
    checked = check_rows(batches_of(frame), asked, id_column)
    check_table(frame, schema.table, checked, id_column=id_column)
    of_table = [c for c in checked.rejected if c.rule in ("unique", "freshness", "rows")]
    if of_table:
        problems = [Problem(check.column, check.told(checked.rows)) for check in of_table]
        raise DataError("the rows break the contract", problems, hint=CONTRACT_HINT)
    found = tuple(contract_finding(c, checked.rows) for c in checked.warned if c.rule not in OF_COLUMNS)
    metric = Metric("contract_violations", sum(c.count for c in checked.warned), greater_is_better=False)
    return {"contract": Report("Contract", (metric,), findings=found)} if found else {}


OF_COLUMNS = ("absent", "type", "nullable", "range", "categories", "pattern")
"""Rules of one column, of which monitors tell."""


STAGE = StageKind(
    kind="contract",
    module=__name__,
    takes=every("split"),
    makes=Report,
    wanted=lambda meant: meant.contract is not None,
    parts=_parts,
    make=_make,
    summarize=report_in_words,
    final=True,
)
