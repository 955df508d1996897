"""A feature set's own tests: small rows, and what is to be made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError
from hookline.kinds.artifacts import ROW_ID, Dataset
from hookline.kinds.features.sets import FeatureTest, Row
from hookline.plans.placing.sets import KnownSet

if TYPE_CHECKING:
    import polars as pl

TOLERANCE = 1e-9
"""How far a number may be from the one that is wanted, by its size."""


@dataclass(frozen=True)
class TestResult:
    """What became of one test; wrong: a sentence for each value that is another than wanted, or the error."""

    name: str
    wrong: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every value is as wanted."""
        return not self.wrong


def run_tests(known: KnownSet) -> list[TestResult]:
    """Fit a set's definitions to the rows of each of its tests, and compare what they make of them with what is wanted."""
    return [TestResult(name, tuple(_wrong(known, test))) for name, test in known.declared.tests.items()]


def _wrong(known: KnownSet, test: FeatureTest) -> Iterator[str]:
    given, wants = _rows(test.given), _rows(test.wants)
    if len(given) != len(wants):
        yield f"wants {len(wants)} rows of {len(given)}"
        return
    try:
        made = _made(known, given)
    except HooklineError as error:
        yield error.message
        return
    for place, want in enumerate(wants):
        where = f"row {place + 1}: " if len(wants) > 1 else ""
        for column, value in want.items():
            if column not in made.columns:
                yield f"{where}there is no column '{column}'; there is {', '.join(made.columns)}"
            elif not _equal(got := made[column][place], value):
                yield f"{where}{column} is {got!r}, and not {value!r}"


def _made(known: KnownSet, rows: Sequence[Row]) -> pl.DataFrame:
    import polars as pl

    frame = pl.DataFrame([dict(row) for row in rows], infer_schema_length=None)
    # A column without any value is taken for numbers, as most are.
    empty = [name for name, dtype in frame.schema.items() if dtype == pl.Null]
    lazy = frame.with_columns(pl.col(empty).cast(pl.Float64)).with_row_index(ROW_ID).lazy()
    lazy = lazy.with_columns(pl.col(ROW_ID).cast(pl.Int64))
    for definition in known.definitions.values():
        lazy = definition.fit(Dataset(lazy)).transform(lazy)
    return lazy.drop(ROW_ID).collect()


def _rows(given: Row | tuple[Row, ...]) -> tuple[Row, ...]:
    return (given,) if isinstance(given, Mapping) else tuple(given)


def _equal(got: Any, wanted: Any) -> bool:
    if isinstance(got, bool) or isinstance(wanted, bool) or not isinstance(got, (int, float)):
        return bool(got == wanted) or (
            got is not None and str(got) == str(wanted) and not isinstance(wanted, (int, float))
        )
    return isinstance(wanted, (int, float)) and math.isclose(got, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
