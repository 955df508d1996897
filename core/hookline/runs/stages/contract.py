"""The check of every row against what a person's contract says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.data.columns import infer_kinds
from hookline.data.contract.rules import RuleCheck, batches_of, check_rows
from hookline.errors import DataError, Problem
from hookline.kinds.artifacts import Column, Schema
from hookline.kinds.reports import Finding, Metric, Report
from hookline.plans.plan import every

from ..execution import StageKind
from ..parts import report_in_words
from .knowledge import all_rows

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


def _make(run: Execution, stage: Stage) -> Report:
    """Check every row against what a person's contract says itself; raises DataError for what it rejects."""
    contract = run.plan.contract
    assert contract is not None
    train = run.value("split").train
    kinds = infer_kinds(train.frame, train.feature_columns())
    bare = Schema(tuple(Column(name, repr(dtype), kind) for name, (dtype, kind) in kinds.items()))
    named = [column for column in contract.over(bare, "the data have").columns if column.stated]
    checked = check_rows(batches_of(all_rows(run)), Schema(tuple(named)))
    if checked.rejected:
        problems = [Problem(check.column, check.told(checked.rows)) for check in checked.rejected]
        raise DataError(
            f"the data break the contract {contract.path}", problems, hint=CONTRACT_HINT, ailment="unwanted_rows"
        )
    metrics = (Metric("contract_violations", sum(check.count for check in checked.warned), greater_is_better=False),)
    return Report(
        "Contract", metrics, findings=tuple(_contract_finding(check, checked.rows) for check in checked.warned)
    )


CONTRACT_HINT = "mend them at the source, or change the contract"


def _contract_finding(check: RuleCheck, rows: int) -> Finding:
    said = f"{check.column}: {check.told(rows)}"
    return Finding(check.column, f"contract_{check.rule}", check.count / rows, 0.0, "warning", said)


STAGE = StageKind(
    kind="contract",
    module=__name__,
    takes=every("split"),
    makes=Report,
    wanted=lambda meant: meant.contract is not None,
    parts=lambda meant: {} if meant.contract is None else {"contract": meant.contract.plain()},
    make=_make,
    summarize=report_in_words,
    final=True,
)
