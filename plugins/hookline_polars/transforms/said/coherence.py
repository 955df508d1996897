"""Rules that the columns of a row must meet together: rows that do not are dropped or refused, or mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Len

from hookline import Dataset, Limit, Roles, Transform
from hookline.errors import ConfigError, DataError, ExportError, Problem
from hookline.kinds.artifacts import ROW_ID

from ...columns import Scalar, present
from ..told import SHOWN, position_of, tell_rows
from .reading import LARGEST, ExpressionText, in_onnx, lacking_in_onnx, parse, require_computable

if TYPE_CHECKING:
    import polars as pl

MET = "\0met"
"""The column in which a condition is asked."""


@dataclass(frozen=True)
class FittedCoherence:
    """Drops rows that break a rule."""

    rules: Mapping[str, str]
    inputs: tuple[str, ...]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the rows that break none; a rule that cannot tell, as of a missing value, is not broken."""
        import polars as pl

        rules = [_rule(name, text, self.inputs, "coherence") for name, text in self.rules.items()]
        return frame.filter([rule.fill_null(pl.lit(value=True)) for rule in rules])


class CoherenceTransform(Transform):
    """Drop rows whose columns contradict each other, or stop where there are any: `rules={dates: "end >= start"}`."""

    name = "coherence"
    applies = "dataset"
    rules: Annotated[Mapping[str, ExpressionText], Len(1)]
    """Name -> a condition in SQL's words that rows must meet, as polars reads it."""
    action: Literal["drop", "fail"] = "drop"
    """`drop` takes rows out that break a rule; `fail` ends the run and names them; `mend` is there to change them."""

    def fit(self, train: Dataset) -> FittedCoherence:
        """Look at all rows, and tell of each rule how many break it, and which.

        Raises ConfigError for a rule that cannot be read, or is no condition; DataError for rows that break one, where they are
        to fail.
        """
        names = train.frame.collect_schema().names()
        for name, broken in broken_rules(train, self.rules, names, self.name).items():
            if not broken:
                continue
            told = f"{len(broken):,} {'row breaks' if len(broken) == 1 else 'rows break'} the rule '{name}' ({self.rules[name]})"
            if self.action == "fail":
                shown = ", ".join(str(row) for row in broken[:SHOWN])
                raise DataError(
                    f"coherence: {told}, at the positions {shown}" + (" and more" if len(broken) > SHOWN else ""),
                    hint="transform.coherence.action=drop takes them out; transform=[mend] changes them",
                )
            tell_rows(name, told + ", and go", broken)
        return FittedCoherence(dict(self.rules), tuple(names))


@dataclass(frozen=True)
class FittedMend:
    """Puts other values where rows meet a condition."""

    when: str
    values: Mapping[str, Scalar | None]
    expressions: Mapping[str, str]
    inputs: tuple[str, ...]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Change the columns of the rows that meet the condition; nothing where a column that it asks of is not there."""
        import polars as pl

        condition = _rule("when", self.when, self.inputs, "mend")
        schema = frame.collect_schema()
        needed = set(condition.meta.root_names())
        exprs = []
        for name, expr in _new_values(self.values, self.expressions, self.inputs).items():
            asked = needed | set(expr.meta.root_names()) | {name}
            if len(present(frame, asked)) == len(asked):
                exprs.append(
                    pl.when(condition).then(expr.cast(schema[name], strict=False)).otherwise(pl.col(name)).alias(name)
                )
        return frame.with_columns(exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX; raises ExportError for what has no word there."""
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import constant, number

        met = op.equal(in_onnx(self.when, inputs, "mend"), number(1.0))
        new = {name: constant(inputs[name], value) for name, value in self.values.items() if name in inputs}
        new |= {name: in_onnx(text, inputs, "mend") for name, text in self.expressions.items() if name in inputs}
        for name, value in new.items():
            if value.unwrap_tensor().dtype != inputs[name].unwrap_tensor().dtype:
                told = (
                    f"transform 'mend' reads what it puts into '{name}' as another type, which cannot be said in ONNX"
                )
                raise ExportError(told, hint="choose packager=[skops]")
        return {**inputs, **{name: op.where(met, value, inputs[name]) for name, value in new.items()}}

    def onnx_limit(self) -> Limit | None:
        """Return where products of numbers are no longer finite."""
        return Limit(LARGEST, "transform 'mend' computes numbers, whose products are infinite there")


class MendTransform(Transform):
    """Change values of rows that meet a condition, such as an end before its start: in training and at inference alike."""

    name = "mend"
    when: ExpressionText
    """A condition in SQL's words, as polars reads it: of its own row."""
    values: Mapping[str, Scalar | None] = field(default_factory=dict)
    """Column -> the value that it gets there; null makes it missing."""
    expressions: Mapping[str, ExpressionText] = field(default_factory=dict)
    """Column -> an expression of what it gets there, from the columns as they came."""

    def __post_init__(self) -> None:
        if not self.values and not self.expressions:
            raise ValueError("needs `values` or `expressions`, else it changes nothing")

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say which part of the condition or of an expression has no word in ONNX."""
        return lacking_in_onnx({"when": self.when, **self.expressions})

    def fit(self, train: Dataset) -> FittedMend:
        """Check the condition and the values on the training rows, and tell how many of them it changes.

        Raises ConfigError for what cannot be read, a column that is not there or no feature, and values of another type.
        """
        names, features = train.frame.collect_schema().names(), train.feature_columns()
        changed = [*self.values, *self.expressions]
        problems = [
            Problem(
                f"transform.mend.{'values' if name in self.values else 'expressions'}.{name}", "is no feature column"
            )
            for name in changed
            if name not in features
        ]
        if problems:
            raise ConfigError("bad config for transform 'mend'", problems)
        fitted = FittedMend(self.when, dict(self.values), dict(self.expressions), tuple(names))
        rule = _rule("when", self.when, features, self.name)
        for name, expr in _new_values(self.values, self.expressions, features).items():
            new = expr.cast(train.frame.collect_schema()[name]).alias(name)
            require_computable(train.frame, partial(_with, new), f"transform.mend: '{name}'", self.name)
        met = _positions(train.frame, rule)
        tell_rows("mend", f"{len(met):,} training rows meet {self.when}, and are changed", met)
        return fitted


def broken_rules(train: Dataset, rules: Mapping[str, str], names: list[str], component: str) -> dict[str, list[int]]:
    """Return rule -> the positions of the rows that break it."""
    import polars as pl

    read = {name: _rule(name, text, names, component) for name, text in rules.items()}
    for name, rule in read.items():
        where = f"transform.{component}.rules.{name}"
        made = require_computable(train.frame, partial(_with, rule.alias(MET)), where, component)[MET]
        if made != pl.Boolean:
            problem = Problem(where, f"{rules[name]!r} is no condition: it makes {made}")
            raise ConfigError(f"bad config for transform '{component}'", [problem])
    return {name: _positions(train.frame, ~rule) for name, rule in read.items()}


def _with(column: pl.Expr, frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.with_columns(column)


def _positions(frame: pl.LazyFrame, condition: pl.Expr) -> list[int]:
    """Return the positions at the source of the rows that meet a condition."""
    import polars as pl

    found = frame.select(position_of(frame).alias(ROW_ID), condition.alias(MET)).filter(
        pl.col(MET).fill_null(value=False)
    )
    rows: list[int] = found.collect()[ROW_ID].to_list()
    return rows


def _rule(name: str, text: str, columns: Any, component: str) -> pl.Expr:
    where = "transform.mend.when" if component == "mend" else f"transform.{component}.rules.{name}"
    return parse(text, columns, where, component).expr


def _new_values(
    values: Mapping[str, Scalar | None], expressions: Mapping[str, str], columns: Any
) -> dict[str, pl.Expr]:
    import polars as pl

    found: dict[str, pl.Expr] = {name: pl.lit(value) for name, value in values.items()}
    for name, text in expressions.items():
        found[name] = parse(text, columns, f"transform.mend.expressions.{name}", "mend").expr
    return found
