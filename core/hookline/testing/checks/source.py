"""Checks on sources."""

from __future__ import annotations

import dataclasses

from hookline.data.frames import require_columns
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID

from ..subject import CheckFunction, Subject


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


CHECKS: tuple[CheckFunction, ...] = (
    check_loads_a_lazy_frame,
    check_same_rows_twice,
    check_fingerprint_is_stable,
    check_roles_are_columns,
)
