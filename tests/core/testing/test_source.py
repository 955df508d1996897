"""What is promised of a source: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hookline import Dataset, Roles, TextRules
from hookline.kinds.artifacts import DateOrder
from hookline.kinds.component import Component
from kit.components import Rows
from kit.conformance import built_in, check_built_in, check_good, own_checks, require_failure

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "synthetic": {"rows": 300},
}
"""What a component cannot do without, and what makes it quick."""


class Eager(Rows):
    """Returns a frame in memory."""

    def load(self) -> Dataset:
        return Dataset(super().load().frame.collect())  # type: ignore[arg-type]


class Shuffled(Rows):
    """Returns its rows in another order each time."""

    def load(self) -> Dataset:
        return Dataset(super().load().frame.collect().sample(fraction=1, shuffle=True).lazy())


class Clocked(Rows):
    """Has another fingerprint each time."""

    def fingerprint(self) -> str:
        return os.urandom(8).hex()


class WrongRoles(Rows):
    """Names a target that is no column."""

    def roles(self) -> Roles:
        return Roles(target="z")


class Anywhere(Rows):
    """Reads the same rows whatever the place, and knows of none that is not there."""

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> Rows:
        return self

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        return TextRules()


class Unruly(Anywhere):
    """Says nothing of how it reads texts."""

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        return None  # type: ignore[return-value]


class Bound(Anywhere):
    """Says that the rows of another place are read by a source that reads no places."""

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> Rows:
        return Rows()


FAULTS: Mapping[str, Callable[[], Component]] = {
    "loads_a_lazy_frame": Eager,
    "same_rows_twice": Shuffled,
    "fingerprint_is_stable": Clocked,
    "roles_are_columns": WrongRoles,
    "reads_others_alike": Anywhere,
}


# What reads a model's log needs a model that was served: tests/plugins/polars/test_prediction_log.py asks it the same.
# What reads from a server needs one: tests/plugins/events/test_source.py, tests/plugins/http/test_source.py.
@pytest.mark.parametrize(
    "name", [name for name in built_in("source") if name not in ("events", "http", "prediction_log")]
)
def test_everything_built_in_conforms(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    for place in range(2):
        pl.DataFrame({"a": [2 * place, 2 * place + 1], "b": ["x", None]}).write_csv(folder / f"{place}.csv")
    # A source that reads on finds new rows in a folder, and not in a single file.
    file = {"path": str(folder)}
    joined = {side: {"component": "file", **file} for side in ("left", "right")}
    database = tmp_path / "rows.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create table rows as select 1 as a, 'x' as b union all select 2, null")
    held = {"url": f"sqlite:///{database}", "table": "rows", "watermark": "a", "key": "a"}
    fields = {"file": file, "join": {**joined, "on": ["a"]}, "sql": held, "stack": {"of": [joined["left"]]}, **FIELDS}
    check_built_in("source", name, fields.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(Rows())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("source")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)


@pytest.mark.parametrize("faulty", [Unruly, Bound])
def test_a_source_that_reads_alike_says_how(faulty: Callable[[], Component]) -> None:
    require_failure(faulty(), "reads_others_alike")
