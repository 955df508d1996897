"""What must hold across the columns of a row: expressions of polars' SQL, checked, and asked of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import closest
from hookline.kinds.artifacts import Schema
from hookline.kinds.contracts.rules import RowRule

from ..expressions.lenient import falsified
from ..expressions.reading import Expression, NoExpressionError, first_line, read

if TYPE_CHECKING:
    import polars as pl

LONGEST = 2_000
"""Characters of an expression."""
MOST_LETTERS = 60
"""Letters of a value that are told."""


def called(rule: RowRule) -> str:
    """Return what a rule is called."""
    return rule.name or rule.rule


def read_expression(text: str) -> Expression:
    """Read an expression; raises ValueError with what is wrong with it."""
    if len(text) > LONGEST:
        raise ValueError(f"is of {len(text):,} characters; at most {LONGEST:,} are read")
    try:
        return read(text)
    except NoExpressionError as error:
        told = {
            "words": f"is no expression of polars' SQL: {error.told}",
            "rows": f"asks several rows at once ({error.told.upper()}); a rule is asked of each row alone",
            "columns": "names no column; text stands in 'single quotes', a column in none or in double ones",
        }
        raise ValueError(told[error.why]) from None


def fault_of(text: str, dtypes: Mapping[str, pl.DataType]) -> str | None:
    """Say what is wrong with an expression for columns of these types, without any row; None where nothing is."""
    import polars as pl

    found = read_expression(text)
    absent = [name for name in sorted(found.columns) if name not in dtypes]
    if absent:
        near = closest(absent[0], dtypes)
        return f"names '{absent[0]}', which is no column" + (f"; did you mean '{near}'?" if near else "")
    # Two rows without a value: what looks at several rows at once makes one of them.
    rows = pl.DataFrame({name: pl.Series(name, [None, None], dtype=dtypes[name]) for name in found.columns})
    try:
        made = rows.select(found.expr.alias("kept"))["kept"]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return f"does not fit the columns: {first_line(error)}"
    if len(made) != rows.height:
        return "asks several rows at once; a rule is asked of each row alone"
    if made.dtype not in (pl.Boolean, pl.Null):
        return f"must be true or false of a row, and is a {made.dtype}"
    return None


class Across:
    """Rules across columns, ready to be asked of rows."""

    def __init__(self, rules: Sequence[RowRule]) -> None:
        self._rules = [(rule, read_expression(rule.rule)) for rule in rules]

    @classmethod
    def of(cls, schema: Schema) -> Across:
        """Return a schema's rules."""
        return cls(schema.rules)

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def columns(self) -> frozenset[str]:
        """Every column that a rule names."""
        return frozenset(name for _, found in self._rules for name in found.columns)

    def broken(self, frame: pl.DataFrame) -> Iterator[tuple[RowRule, pl.Series]]:
        """Yield each rule that rows break, with a mask (n,) without gaps; one of columns that are not all there is not asked."""
        import polars as pl

        present = set(frame.columns)
        for rule, found in self._rules:
            if not present.issuperset(found.columns):
                continue
            try:
                kept = frame.lazy().select(found.expr.alias("kept")).collect()["kept"]
            except pl.exceptions.PolarsError:
                # A value that the expression cannot take, such as a text that is to be a number: of the others it is told.
                kept = falsified(frame.select(sorted(found.columns)), found.expr, found.tree)
            mask = (kept == False).fill_null(value=False)  # noqa: E712  of a series
            if mask.any():
                yield rule, mask

    def complain(self, rule: RowRule, row: Mapping[str, Any]) -> str:
        """Say how a row breaks a rule; row: its values by column."""
        found = read_expression(rule.rule)
        values = ", ".join(f"{name}={_told(row.get(name))}" for name in sorted(found.columns))
        return f"breaks the contract's rule '{rule.rule}' ({values})"


def _told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    text = f"'{value}'" if isinstance(value, str) else "missing" if value is None else str(value)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."
