"""Rows that keep coming to an API: each is collected once, and what came too late or went is told where the server tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
from hookline_http import HttpSource
from kit.apis import Api, Asked, Reply

Serve = Callable[[Callable[[Asked], Reply]], Api]
SIZE = 3


class Clicks:
    """Clicks by the minute that they came in, from a minute on where that is asked, page by page."""

    def __init__(self, *minutes: int, strict: bool = False) -> None:
        self.rows: list[dict[str, Any]] = []
        self.taken, self.strict = 0, strict
        """Whether only later ones than asked for are given, and not those of that minute."""
        self.add(*minutes)

    def add(self, *minutes: int) -> None:
        for minute in minutes:
            self.taken += 1
            self.rows.append({"key": self.taken, "came": f"2026-01-01T10:{minute:02}:00Z", "minute": minute})

    def __call__(self, asked: Asked) -> Reply:
        since = asked.parameters.get("since", "")
        rows = [row for row in self.rows if row["came"] > since or (row["came"] == since and not self.strict)]
        rows.sort(key=lambda row: (row["came"], row["key"]))
        return Reply.of(rows[(int(asked.parameters["page"]) - 1) * SIZE :][:SIZE])


def source(api: Api, **more: Any) -> HttpSource:
    return HttpSource(**{"url": f"{api.url}/clicks", "paging": "page", "watermark": "came", "since": "since", **more})


def minutes(frame: pl.LazyFrame) -> list[int]:
    return frame.collect()["minute"].sort().to_list()


@pytest.mark.parametrize(
    "more", [{}, {"since": None}, {"watermark": "key", "since": None}], ids=["since", "all", "number"]
)
def test_rows_that_came_since_are_collected_once(more: dict[str, Any], serve: Serve) -> None:
    clicks = Clicks(1, 2, 3, 4)
    api = serve(clicks)
    collected = [hl.collect("clicks", source(api, **more))]
    clicks.add(5, 6)
    collected += [hl.collect("clicks", source(api, **more)) for _ in range(2)]
    assert [one.rows for one in collected] == [4, 2, 0]
    assert minutes(pl.scan_parquet(Path(collected[0].path) / "*.parquet")) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("strict", [False, True])
def test_only_what_came_since_is_asked_for(strict: bool, serve: Serve) -> None:
    clicks = Clicks(*range(1, 31), strict=strict)
    api = serve(clicks)
    hl.collect("clicks", source(api))
    before = len(api.asked)
    clicks.add(31)
    assert hl.collect("clicks", source(api)).rows == 1
    assert len(api.asked) - before == 2
    assert {one.parameters["since"] for one in api.asked[before:]} == {"2026-01-01T10:30:00Z"}


def test_a_row_that_comes_late_within_the_overlap_is_collected_once(serve: Serve) -> None:
    clicks = Clicks(1, 2, 5)
    asked = source(serve(clicks), overlap=180, row_key="key")
    first = asked.position()
    clicks.add(4, 6)
    second = asked.position()
    clicks.add(5)
    assert minutes(asked.load_between(None, first).frame) == [1, 2, 5]
    assert minutes(asked.load_between(first, second).frame) == [4, 6]
    assert minutes(asked.load_between(second, asked.position()).frame) == [5]


def test_rows_that_come_after_the_position_was_asked_for_are_left_to_the_next(serve: Serve) -> None:
    clicks = Clicks(1, 2)
    api = serve(clicks)
    first = source(api).position()
    clicks.add(3)
    assert minutes(source(api).load_between(None, first).frame) == [1, 2]


def test_a_row_of_the_newest_watermark_that_comes_later_is_told(serve: Serve) -> None:
    clicks = Clicks(1, 2)
    asked = source(serve(clicks))
    first = asked.position()
    clicks.add(2, 3)
    with pytest.raises(DataError, match="1 rows came to 'came' at or before 2026-01-01T10:02:00Z"):
        asked.load_between(first, asked.position())


@pytest.mark.parametrize("more", [{"overlap": 120, "row_key": "key"}, {"since": None}], ids=["overlap", "all"])
def test_a_row_that_is_gone_is_told(more: dict[str, Any], serve: Serve) -> None:
    clicks = Clicks(1, 2, 3)
    asked = source(serve(clicks), **more)
    first = asked.position()
    del clicks.rows[1]
    clicks.add(4)
    with pytest.raises(DataError, match="1 rows that were read before are gone"):
        asked.load_between(first, asked.position())


@pytest.mark.parametrize("more", [{"overlap": 120, "row_key": "key"}, {"since": None}], ids=["overlap", "all"])
def test_rows_that_are_all_gone_are_told_and_read_anew_under_another_name(more: dict[str, Any], serve: Serve) -> None:
    clicks = Clicks(1, 2, 3)
    api = serve(clicks)
    hl.collect("clicks", source(api, **more))
    clicks.rows.clear()
    with pytest.raises(DataError, match="rows that were read before are gone: .*10:03:00Z, and there is none by now"):
        hl.collect("clicks", source(api, **more))
    clicks.add(1, 2)
    with pytest.raises(DataError, match="rows that were read before are gone: .*10:03:00Z, and is .*10:02:00Z by now"):
        hl.collect("clicks", source(api, **more))
    assert hl.collect("anew", source(api, **more)).rows == 2


@pytest.mark.parametrize("since", [None, "since"])
def test_numbers_as_texts_are_told_before_one_is_lost(since: str | None, serve: Serve) -> None:
    rows = [{"id": "8"}, {"id": "9"}]
    api = serve(
        lambda asked: Reply.of([row for row in rows if int(row["id"]) >= int(asked.parameters.get("since", 0))])
    )
    asked = source(api, paging="none", watermark="id", since=since)
    first = asked.position()
    assert asked.load_between(None, first).frame.collect().height == 2
    rows.append({"id": "10"})
    with pytest.raises(DataError, match="'id' holds numbers as texts, of which '10' comes before '9'"):
        asked.position()


def test_a_longer_overlap_is_looked_at_whole(serve: Serve) -> None:
    clicks = Clicks(1, 2, 3)
    api = serve(clicks)
    source(api).position()
    longer = source(api, overlap=120, row_key="key")
    first = longer.position()
    clicks.add(2, 4)
    assert minutes(longer.load_between(first, longer.position()).frame) == [2, 4]


def test_a_position_is_of_one_url_and_its_parameters(serve: Serve) -> None:
    api = serve(Clicks(1, 2))
    position = source(api).position()
    for other in (
        source(api, parameters={"shop": "b"}),
        source(api, url=f"{api.url}/visits"),
        source(api, watermark="key"),
    ):
        with pytest.raises(
            DataError, match="the position is of http://.*/clicks .* by 'came', and source 'http' reads"
        ):
            other.load_between(position, position)


def test_nothing_new_has_the_columns_of_what_was_there(serve: Serve) -> None:
    asked = source(serve(Clicks(1, 2, strict=True)), columns=("minute",))
    here = asked.position()
    found = asked.load_between(here, here).frame.collect()
    assert found.is_empty()
    assert found.columns == ["minute"]


@pytest.mark.parametrize(
    ("rows", "more", "told"),
    [
        ([{"came": None, "x": 1}, {"came": 2, "x": 1}], {}, "1 rows have no 'came'"),
        ([{"cane": 2}], {}, "gives no column 'came'; it has cane"),
        ([{"came": "2026-01-01T10:00:00Z"}, {"came": "2026-01-01 11:00:00Z"}], {}, "are written in several ways"),
        ([{"came": "soon"}, {"came": "later"}], {"overlap": 3, "row_key": "came"}, "measured in seconds or numbers"),
        (
            [{"came": 1, "x": 1}, {"came": 2, "x": 1}],
            {"overlap": 3, "row_key": "x"},
            r"source\.row_key 'x' does not tell",
        ),
        ([{"came": True}], {}, "holds bool"),
    ],
    ids=["missing", "absent", "mixed", "text", "key", "boolean"],
)
def test_a_field_that_does_not_tell_when_rows_came_is_told(
    rows: Any, more: dict[str, Any], told: str, serve: Serve
) -> None:
    api = serve(lambda _: Reply.of(rows))
    with pytest.raises(DataError, match=told):
        source(api, paging="none", **more).position()


def test_without_a_field_that_grows_nothing_is_read_on(serve: Serve) -> None:
    with pytest.raises(DataError, match="reads on only by a field that grows"):
        HttpSource(url=serve(Clicks(1)).url).position()
