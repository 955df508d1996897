"""Dates as people write them: the order of day and month is found where a date tells it, and never guessed."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from hookline.data.dates import date_written_out, find_order, read_moments, written_out
from hookline.kinds.artifacts import DateOrder


def moments(texts: list[str], order: DateOrder | None = None) -> list[datetime | None]:
    table = pl.LazyFrame({"x": texts}).select(read_moments(pl.col("x"), order)).collect()
    read: list[datetime | None] = table["x"].to_list()
    return read


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["03/04/2024", "05/06/2024"], None),
        (["03-04-2024"], None),
        (["03/31/2024", "05/06/2024"], "month_first"),
        (["31/03/24 10:15", "1/4/71"], "day_first"),
        (["03.04.2024"], "day_first"),
    ],
)
def test_the_order_is_what_a_date_tells(texts: list[str], order: DateOrder | None) -> None:
    found = find_order(pl.Series("text", texts).value_counts(name="rows"))
    assert found is not None
    assert found.order == order


def test_texts_with_the_year_first_have_no_order_to_ask_for() -> None:
    assert find_order(pl.Series("text", ["2024-01-02", "2024-03-04"]).value_counts(name="rows")) is None


def test_dates_with_the_year_last_are_read_in_the_order_that_is_said_and_else_not_at_all() -> None:
    assert moments(["03/04/2024", "1/2/71 7:05"], "month_first") == [datetime(2024, 3, 4), datetime(1971, 1, 2, 7, 5)]
    assert moments(["03/04/2024"], "day_first") == [datetime(2024, 4, 3)]
    assert moments(["03/04/2024"]) == [None]
    assert moments(["03/14/2024"], "day_first") == [None]


def test_moments_of_several_offsets_and_of_none_are_read_as_utc() -> None:
    texts = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00", "2024-01-01T05:00:00", "soon"]
    assert moments(texts) == [datetime(2024, 1, 1), datetime(2023, 12, 31, 22), datetime(2024, 1, 1, 5), None]


@pytest.mark.parametrize("order", ["day_first", "month_first"])
def test_a_date_is_written_out_alike_in_a_frame_and_alone(order: DateOrder) -> None:
    texts = [
        "03/04/2024",
        "3.4.26 5:07",
        " 1/12/70 23:59:59.25",
        "2026-01-02",
        "soon",
        "31/31/2026",
        "03/14/2026",
        "3/4/68",
    ]
    framed = pl.DataFrame({"x": texts}).select(written_out(pl.col("x"), order))["x"].to_list()
    alone = [date_written_out(text, order) for text in texts]
    assert moments(framed) == moments(alone) == moments(texts, order)
    assert framed[3:6] == alone[3:6] == texts[3:6]
