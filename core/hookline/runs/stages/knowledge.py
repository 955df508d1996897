"""Stages of what training rows teach: schema, profile, contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.data.columns import infer_kinds, infer_schema
from hookline.data.contract.rules import RuleCheck, batches_of, check_rows
from hookline.errors import DataError, Problem
from hookline.kinds.artifacts import Column, Schema, Split
from hookline.kinds.reports import Finding, Metric, Report
from hookline.plans.plan import Knowledge, Stage
from hookline.quality.distributions import profile

from ..execution import Running

if TYPE_CHECKING:
    import polars as pl


def make_knowledge(run: Running, stage: Stage) -> Knowledge:
    """Learn the input contract and the distributions of the training rows."""
    train = run.value("split").train
    names = train.feature_columns()
    if not names:
        raise DataError(
            "there is no feature column: every column has a role", hint="see roles in `hookline run --cfg job`"
        )
    schema = _under_contract(run, infer_schema(train.frame, names))
    return Knowledge(schema, profile(train.frame, [*names, train.roles.target]))


def _under_contract(run: Running, schema: Schema) -> Schema:
    """Lay a person's contract over what was inferred."""
    contract = run.plan.contract
    if contract is None:
        return schema
    rejecting = [name for name in contract.rejecting() if name in schema.names]
    if rejecting:
        # What such a column leaves to be inferred goes by every row: none that is evaluated may be one to refuse.
        whole = infer_schema(_parts(run), rejecting)
        schema = Schema(tuple(whole[c.name] if c.name in rejecting else c for c in schema.columns))
    return contract.over(schema, "the data have")


def _parts(run: Running) -> pl.LazyFrame:
    """Return the rows of every part of the split."""
    import polars as pl

    split: Split = run.value("split")
    return pl.concat([part.frame for part in (split.train, split.valid, split.test) if part])


def make_contract(run: Running, stage: Stage) -> Report:
    """Check every row against what a person's contract says itself; raises DataError for what it rejects."""
    contract = run.plan.contract
    assert contract is not None
    train = run.value("split").train
    kinds = infer_kinds(train.frame, train.feature_columns())
    bare = Schema(tuple(Column(name, repr(dtype), kind) for name, (dtype, kind) in kinds.items()))
    named = [column for column in contract.over(bare, "the data have").columns if column.stated]
    checked = check_rows(batches_of(_parts(run)), Schema(tuple(named)))
    if checked.rejected:
        problems = [Problem(check.column, check.told(checked.rows)) for check in checked.rejected]
        raise DataError(f"the data break the contract {contract.path}", problems, hint=CONTRACT_HINT)
    metrics = (Metric("contract_violations", sum(check.count for check in checked.warned), greater_is_better=False),)
    return Report(
        "Contract", metrics, findings=tuple(_contract_finding(check, checked.rows) for check in checked.warned)
    )


CONTRACT_HINT = "filter the rows with transform=[filter_rows], mend them at the source, or change the contract"


def _contract_finding(check: RuleCheck, rows: int) -> Finding:
    said = f"{check.column}: {check.told(rows)}"
    return Finding(check.column, f"contract_{check.rule}", check.count / rows, 0.0, "warning", said)
