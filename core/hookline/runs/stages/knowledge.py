"""What the training rows teach of the model's input: its contract, and the distributions of its columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.data.columns import infer_schema
from hookline.errors import DataError
from hookline.kinds.artifacts import Schema, Split, TextRules
from hookline.kinds.capabilities import ReadsAlike
from hookline.kinds.plain import to_json
from hookline.plans.plan import Knowledge, every
from hookline.quality.distributions import profile

from ..execution import Section, StageKind
from .split import facts_of

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Stage

    from ..execution import Execution


def _make(run: Execution, stage: Stage) -> Knowledge:
    """Learn the input contract of the training rows, and the distributions of those that weigh something."""
    train = run.value("split").train
    names = train.feature_columns()
    if not names:
        raise DataError(
            "there is no feature column: every column has a role", hint="see roles in `hookline run --cfg job`"
        )
    source = run.plan["source"].component
    found = infer_schema(train.frame, names)
    moments = [column.name for column in found.columns if column.kind == "datetime"]
    rules = source.text_rules(moments) if isinstance(source, ReadsAlike) else TextRules()
    schema = _under_contract(run, replace(found, texts=rules))
    known = [*names, train.roles.target]
    return Knowledge(schema, profile(train.weighing().frame, known, group=train.roles.group))


def _under_contract(run: Execution, schema: Schema) -> Schema:
    """Lay a person's contract over what was inferred."""
    contract = run.plan.contract
    if contract is None:
        return schema
    rejecting = [name for name in contract.rejecting() if name in schema.names]
    if rejecting:
        # What such a column leaves to be inferred goes by every row: none that is evaluated may be one to refuse.
        whole = infer_schema(all_rows(run), rejecting)
        columns = tuple(whole[c.name] if c.name in rejecting else c for c in schema.columns)
        schema = replace(schema, columns=columns)
    return contract.over(schema, "the data have", run.value("split").train.frame.collect_schema())


def all_rows(run: Execution) -> pl.LazyFrame:
    """Return the rows of every part of the split."""
    import polars as pl

    split: Split = run.value("split")
    return pl.concat([part.frame for part in (split.train, split.valid, split.test) if part])


def _section(run: Execution) -> dict[str, Any]:
    knowledge: Knowledge = run.value("knowledge")
    split = facts_of(run)
    target = run.value("target")
    column = next((c for c in knowledge.profile.columns if c.name == target.name), None)
    return {
        "name": split.name,
        "rows": sum(split.rows.values()),
        "columns": len(knowledge.schema.columns),
        "fingerprint": run.plan["source"].fingerprint,
        "version": split.version.fingerprint if split.version else None,
        "target": target.name,
        "task": target.task,
        "classes": [list(pair) for pair in column.top] if column and column.top else [],
        "profile": to_json(knowledge.profile),
    }


STAGE = StageKind(
    kind="knowledge",
    module=__name__,
    takes=every("split"),
    makes=Knowledge,
    parts=lambda meant: {} if meant.contract is None else {"contract": meant.contract.plain()},
    make=_make,
    sections=(Section("data", ("knowledge", "split", "target"), _section),),
)
