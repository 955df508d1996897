"""Checks on sources."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

from hookline.data.frames import require_columns
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, TextRules
from hookline.kinds.capabilities import ReadsAlike, ReadsOn
from hookline.kinds.kinds import Source
from hookline.kinds.plain import from_json, plain
from hookline.kinds.streams.capabilities import ReadsSpan

from ..process import counted_collects
from ..subject import CheckFunction, Subject


def exercise(subject: Subject) -> None:
    """Read all rows."""
    subject.component.fingerprint()
    subject.component.load().frame.collect()


def check_loads_a_lazy_frame(subject: Subject) -> None:
    """`load` returns rows that need not be in memory, with names that are hookline's to use."""
    import polars as pl

    frame = subject.component.load().frame
    if not isinstance(frame, pl.LazyFrame):
        subject.fail(f"load() returns a {type(frame).__name__}; return Dataset(frame.lazy()).")
    if ROW_ID in frame.collect_schema():
        subject.fail(f"has a column '{ROW_ID}', which is hookline's own; rename it.")
    if not frame.head(1).collect().height:
        subject.fail("load() returns no rows; raise DataError where there are none.")


def check_same_rows_twice(subject: Subject) -> None:
    """Loading twice gives the same rows, in the same order."""
    first, second = (subject.component.load().frame.collect() for _ in range(2))
    if not first.equals(second):
        subject.fail("two loads give different rows; fix the order and the seed.")
    again = subject.component.load().frame
    if not again.collect().equals(again.collect()):
        subject.fail("a frame that is collected twice gives different rows; do not hand out a used-up iterator.")


def check_fingerprint_is_stable(subject: Subject) -> None:
    """The same rows have the same fingerprint, whichever object is asked, and reading them does not change it."""
    component = subject.component
    before = component.fingerprint()
    if not isinstance(before, str) or not before:
        subject.fail(f"fingerprint() returns {before!r}; return a text that changes when the rows do.")
    component.load().frame.collect()
    if component.fingerprint() != before:
        subject.fail("fingerprint() changes though the rows did not; leave clocks and object ids out of it.")
    if dataclasses.replace(component).fingerprint() != before:
        subject.fail("an equal source has another fingerprint; make it of the fields and the data alone.")


def check_roles_are_columns(subject: Subject) -> None:
    """Every role that the source knows of is a column of its rows."""
    roles = subject.component.roles()
    named = (roles.target, roles.id, roles.time, roles.weight, roles.group, *roles.ignore)
    try:
        require_columns([n for n in named if n], subject.component.load().frame.collect_schema().names(), "roles()")
    except DataError as error:
        subject.fail(str(error))


def check_position_is_stable(subject: Subject) -> None:
    """A source that reads on says the same position while nothing changes, and reads no rows to find it."""
    component = subject.component
    if not isinstance(component, ReadsOn):
        return
    with counted_collects() as collected:
        before = component.position()
    if not isinstance(before, str):
        subject.fail(f"position() returns {before!r}; return a text that `load_between` understands.")
    if collected:
        subject.fail("position() reads rows; find it out from sizes, marks or counts that the system keeps.")
    subject.component.load().frame.collect()
    if before != component.position() or before != dataclasses.replace(subject.component).position():
        subject.fail("position() changes though no row came; leave clocks and object ids out of it.")


def check_reads_from_the_beginning(subject: Subject) -> None:
    """A source that reads on gives the rows of `load`, each exactly once, from the beginning up to its position."""
    component = subject.component
    if not isinstance(component, ReadsOn):
        return
    loaded, read = component.load(), component.load_between(None, component.position())  # type: ignore[attr-defined]
    _require_schema(subject, read, loaded)
    more, less = _rows(read) - _rows(loaded), _rows(loaded) - _rows(read)
    if more or less:
        subject.fail(
            f"load_between(None, position()) gives {more.total()} rows too many and {less.total()} too few of those that "
            "load() gives; read each row exactly once."
        )


def check_reads_nothing_where_nothing_came(subject: Subject) -> None:
    """A source that reads on gives no rows, of the same columns, from its position to the same position."""
    component = subject.component
    if not isinstance(component, ReadsOn):
        return
    here = component.position()
    read = component.load_between(here, here)
    _require_schema(subject, read, subject.component.load())
    if rows := _rows(read).total():
        subject.fail(
            f"load_between(here, here) gives {rows} rows; the first position is left out, and the last taken in."
        )


def check_reads_its_span(subject: Subject) -> None:
    """A source that knows its span gives between those positions the rows of `load`, and says the same span each time."""
    component = subject.component
    if not isinstance(component, ReadsSpan):
        return
    loaded, (after, upto) = component.load(), component.span()  # type: ignore[attr-defined]
    if component.span() != (after, upto):
        subject.fail("span() changes though it was asked before; keep it from the first time on.")
    if _rows(component.load_between(after, upto)) != _rows(loaded):  # type: ignore[attr-defined]
        subject.fail("load_between(*span()) gives other rows than load(); say the positions between which it reads.")


def check_reads_others_alike(subject: Subject) -> None:
    """A source that reads alike says so without a place, in plain values, and refuses a place that is not there."""
    component = subject.component
    if not isinstance(component, ReadsAlike):
        return
    placeless = component.at("")
    if not isinstance(placeless, Source) or not isinstance(placeless, ReadsAlike):
        subject.fail(f"at('') returns a {type(placeless).__name__}; return a source that reads alike.")
    rebuilt = from_json(type(placeless), json.loads(json.dumps(plain(placeless))))
    if rebuilt != placeless or placeless.at("") != placeless:
        subject.fail("at('') is not the same once its fields were written and read; keep in them how rows are read.")
    if not isinstance(component.text_rules(), TextRules):
        subject.fail(f"text_rules() returns a {type(component.text_rules()).__name__}; return TextRules.")
    try:
        placeless.at("no/such/place", ["x"]).load().frame.collect()
    except DataError:
        return
    subject.fail("a place that is not there is read all the same; raise DataError.")


def _require_schema(subject: Subject, read: Dataset, loaded: Dataset) -> None:
    import polars as pl

    if not isinstance(read.frame, pl.LazyFrame):
        subject.fail(f"load_between() returns a {type(read.frame).__name__}; return Dataset(frame.lazy()).")
    found, wanted = read.frame.collect_schema(), loaded.frame.collect_schema()
    if found != wanted:
        subject.fail(f"load_between() gives the columns {dict(found)}, and load() {dict(wanted)}; give the same.")


def _rows(dataset: Dataset) -> Counter[str]:
    return Counter(map(repr, dataset.frame.collect().iter_rows()))


CHECKS: tuple[CheckFunction, ...] = (
    check_loads_a_lazy_frame,
    check_same_rows_twice,
    check_fingerprint_is_stable,
    check_roles_are_columns,
    check_position_is_stable,
    check_reads_from_the_beginning,
    check_reads_nothing_where_nothing_came,
    check_reads_its_span,
    check_reads_others_alike,
)
