"""Any transform that always applies keeps rows, their order and their ids, whatever the rows hold, and each row by itself."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID
from hookline.registry.registry import Registry, load_registry
from hookline.testing.tables.samples import table
from kit.conformance import TRANSFORM_FIELDS, built_in

SAMPLE = table("binary")
ROWS = SAMPLE.whole.frame.collect()
CELLS: dict[str, Any] = {
    "age": st.none() | st.floats(-1e6, 1e6),
    "income": st.none() | st.integers(-(2**40), 2**40),
    "city": st.none() | st.sampled_from(["Oslo", "", "  ", "12 kg", "a,b", "ÅÉ", "2026-01-02"]),
    "member": st.none() | st.booleans(),
    "joined": st.none() | st.datetimes(),
}


@cache
def _registry() -> Registry:
    return load_registry()


@cache
def _fitted(name: str) -> Any:
    component: Any = _registry().build("transform", name, dict(TRANSFORM_FIELDS.get(name, {})), f"transform.{name}")
    return component.fit(SAMPLE.train)


def _always(name: str) -> bool:
    cls: Any = _registry().entry("transform", name).cls
    return bool(cls.applies == "always")


ALWAYS = [name for name in built_in("transform") if _always(name)]


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of the sample in any order, some of them several times, with some cells that are unlike any in it."""
    places = draw(st.lists(st.integers(0, ROWS.height - 1), min_size=1, max_size=8))
    rows = ROWS[places].drop("target")
    column = draw(st.sampled_from(sorted(CELLS)))
    cells = [draw(CELLS[column]) if draw(st.booleans()) else value for value in rows[column].to_list()]
    return rows.with_columns(pl.Series(column, cells, dtype=rows.schema[column]))


@pytest.mark.parametrize("name", ALWAYS)
@settings(max_examples=15, deadline=None)
@given(rows=tables())
def test_rows_keep_their_number_their_order_and_their_ids(name: str, rows: pl.DataFrame) -> None:
    fitted = _fitted(name)
    try:
        made = fitted.transform(rows.lazy()).collect()
    except DataError:  # That it refuses what it cannot read is its word.
        return
    assert made[ROW_ID].to_list() == rows[ROW_ID].to_list()
    alone = [fitted.transform(rows[place].lazy()).collect() for place in range(rows.height)]
    assert pl.concat(alone).equals(made)
