"""An expression that some value cannot be cast for says of each row what it says of that row alone."""

from __future__ import annotations

import polars as pl
import pytest

from hookline.data.expressions.lenient import falsified
from hookline.data.expressions.reading import read

ROWS = pl.DataFrame(
    {
        "a": ["1", "x", None, "9", "2020-01-02", "", "300"],
        "b": [2, 2, 2, 0, -1, None, 5],
        "f": [1.0, float("nan"), None, 1e300, -2.5, 0.0, 7.0],
    }
)


@pytest.mark.parametrize(
    "text",
    [
        "CAST(a AS INT) > 3 AND b > 1",
        "a::date > '2019-01-01'::date",
        "CASE WHEN b > 1 THEN TRUE ELSE CAST(a AS INT) > 1 END",
        "CASE WHEN CAST(a AS INT) > 1 THEN b > 1 ELSE b < 5 END",
        "DATE(a) > DATE('2019-01-01')",
        "CAST(f AS INT) < 5 OR b IS NULL",
        "a IS NULL OR CAST(CAST(a AS INT) AS TINYINT) > 0",
        "CAST(a AS INT) + CAST('x' AS INT) > b",
        "COALESCE(CAST(a AS INT), b) > 1",
    ],
)
def test_each_row_is_judged_as_it_is_alone(text: str) -> None:
    found = read(text)
    alone: list[bool | None] = []
    for place in range(ROWS.height):
        try:
            alone.append(ROWS.slice(place, 1).select(kept=found.expr)["kept"][0])
        except pl.exceptions.PolarsError:
            alone.append(False)
    assert falsified(ROWS, found.expr, found.tree).to_list() == alone
    assert False in alone


def test_what_fails_for_another_reason_is_found_by_halves() -> None:
    rows = pl.DataFrame({"a": ["5", "x", "7", "9"] * 50, "n": [2, 2, -1, 3] * 50})
    found = read("CAST(a AS INT) > 1 AND POW(n, n) > 4")
    assert falsified(rows, found.expr, found.tree).to_list() == [False, False, False, True] * 50
