"""What is promised of a source that reads on, each promise with one that breaks it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import polars as pl
import pytest

from hookline import Dataset, Source
from hookline.kinds.component import Component
from hookline.testing import Check, CheckFailed, checks_for


class Log(Source):
    """Ten numbered rows, two of which are alike; a position is a number of rows."""

    name = "log"

    def load(self) -> Dataset:
        return Dataset(pl.LazyFrame({"x": [0, *range(9)]}))

    def fingerprint(self) -> str:
        return "log"

    def position(self) -> str:
        return "10"

    def load_between(self, after: str | None, upto: str) -> Dataset:
        start = int(after or 0)
        return Dataset(self.load().frame.slice(start, int(upto) - start))


class Drifting(Log):
    """Says another position each time."""

    def position(self) -> str:
        return os.urandom(4).hex()


class Counting(Log):
    """Counts its rows to say where they end."""

    def position(self) -> str:
        return str(self.load().frame.select(pl.len()).collect().item())


class Numbered(Log):
    """Says a number where a text is wanted."""

    def position(self) -> str:
        return 10  # type: ignore[return-value]


class Twice(Log):
    """Gives the first row twice."""

    def load_between(self, after: str | None, upto: str) -> Dataset:
        read = super().load_between(after, upto).frame
        return Dataset(pl.concat([read.head(1), read]))


class Distinct(Log):
    """Takes rows that are alike for one."""

    def load_between(self, after: str | None, upto: str) -> Dataset:
        return Dataset(super().load_between(after, upto).frame.unique())


class Inclusive(Log):
    """Gives the row at the first position again."""

    def load_between(self, after: str | None, upto: str) -> Dataset:
        return super().load_between(str(int(after) - 1) if after else None, upto)


class Bare(Log):
    """Loses the columns where no row came."""

    def load_between(self, after: str | None, upto: str) -> Dataset:
        return super().load_between(after, upto) if after != upto else Dataset(pl.LazyFrame())


class Astray(Log):
    """Says another position than the one up to which it reads."""

    def span(self) -> tuple[str | None, str]:
        return None, "9"


class Restless(Log):
    """Says another span each time."""

    def span(self) -> tuple[str | None, str]:
        return None, os.urandom(4).hex()


FAULTS: Mapping[str, Callable[[], Component]] = {
    "position_is_stable": Drifting,
    "reads_from_the_beginning": Twice,
    "reads_nothing_where_nothing_came": Inclusive,
    "reads_its_span": Astray,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


def test_a_good_source_that_reads_on_passes() -> None:
    for check in checks_for(Log()):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    with pytest.raises(CheckFailed, match="^source 'log': "):
        named(FAULTS[name](), name)()


@pytest.mark.parametrize(
    ("component", "name", "told"),
    [
        (Counting(), "position_is_stable", "position\\(\\) reads rows"),
        (Numbered(), "position_is_stable", "position\\(\\) returns 10"),
        (Distinct(), "reads_from_the_beginning", "0 rows too many and 1 too few"),
        (Restless(), "reads_its_span", "span\\(\\) changes"),
        (Bare(), "reads_nothing_where_nothing_came", "gives the columns {}"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Source) else "",
)
def test_another_fault_of_reading_on_is_told(component: Source, name: str, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, name)()
