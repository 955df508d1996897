"""Reads rows from a request, and says what is wrong with each of them by row and column."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from hookline import Roles, Schema
from hookline.data.contract.limits import Limits
from hookline.data.dates import date_written_out
from hookline.errors import closest
from hookline.kinds.artifacts import Column
from hookline.kinds.serving.fleet import FillsIn

from .exchange import Question
from .reading.across import Rules
from .reading.cutting import NO_ROWS, Body, check_count
from .reading.faults import MOST_COUNTED, BadRequest, BadRows, RowProblem
from .reading.typed import asks_more, body_of, can_be_fields, field_name, fitting_row, plain_row

MOST_HINTS = 10
"""Missing columns of a request for which a look is taken at what may have been meant."""
MOST_NAMES = 20
"""Names that are looked at for each."""
MOST_LETTERS = 64
"""Longest name that is looked at."""
NOT_PLAIN = (ValueError, OverflowError, RecursionError)
"""What reading a body as plain rows raises where it does not hold them."""


def decoded(body: Body) -> Any:
    """Return what a JSON body says; raises BadRequest."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(str(error)) from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None


def rows_of(body: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a decoded body: {"rows": [...]}, a list of rows, or one row."""
    rows: Any = body["rows"] if isinstance(body, dict) and isinstance(body.get("rows"), list) else body
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadRequest(NO_ROWS)
    if not rows:
        raise BadRequest("there are no rows to predict")
    return rows


class Waits(Exception):
    """What a row lacks is to be asked over a network, for which the loop is not to be kept waiting."""


class Reader:
    """Checks rows against the input contract, and says what in them is unlike the training data."""

    def __init__(self, schema: Schema, roles: Roles, most_rows: int = sys.maxsize, fill: FillsIn | None = None) -> None:
        self._fill = fill
        self.fills = fill is not None
        """Whether rows are filled at all."""
        self.waits = fill is not None and fill.waits
        """Whether rows that lack something may have to be waited for."""
        self._columns, self._id = schema.columns, roles.id
        self._most_rows = most_rows
        self.asks_patterns = any(column.pattern is not None for column in schema.columns)
        self._texts = schema.texts
        self._is_reread = bool(schema.texts.missing or schema.texts.strip or schema.texts.dates)
        self._limits = [Limits(column) for column in schema.columns]
        self._across = Rules(schema) if schema.rules else None
        self._moments = [i for i, column in enumerate(schema.columns) if column.kind == "datetime"]
        self._translated = bool(self._moments) or not all(column.required for column in schema.columns)
        self._asked = [i for i, column in enumerate(schema.columns) if asks_more(column)]
        self._not_texts = [column.name for column in schema.columns if column.kind != "string"]
        # Where every category is known, what reading would change is none of them.
        self._free = [i for i, c in enumerate(schema.columns) if c.kind == "string" and c.categories is None]
        # msgspec compares a row with a type at once, where going through its values takes 20 times as long.
        self._fitting = fitting_row(schema)
        self._called = None if can_be_fields(schema.names) else {n: field_name(i) for i, n in enumerate(schema.names)}
        plain = plain_row(schema, roles)
        self._names_rows = "row_id" in plain.__struct_fields__
        as_columns = can_be_fields([*schema.names, roles.id or ""])
        self._plain = msgspec.json.Decoder(body_of(plain)) if as_columns else None

    def read_body(self, body: Body, *, at_once: bool = False) -> Question:
        """Return what a body asks; raises BadRequest, TooLarge for more rows than are taken, or BadRows with the problems.

        Rows with nothing odd in them, which most are, are told by reading them as a type; all others are looked at closely.
        at_once: raise Waits rather than wait for what rows lack
        """
        since = time.perf_counter()
        # What fills rows is asked of each that lacks a value, even one that need not be there.
        if self._plain is None or self._fill is not None:
            rows = rows_of(decoded(body))
            if at_once and self.waits and self._lacks(rows):
                raise Waits
            return self.read(rows, since)
        try:
            plain = self._plain.decode(body).rows
            values = [self._taken(row) for row in plain]
        except NOT_PLAIN:
            return self.read(rows_of(decoded(body)), since)
        check_count(len(plain), self._most_rows)
        if self._asked and not all(self._limits[i].allows(row[i]) for i in self._asked for row in values):
            return self.read(rows_of(decoded(body)), since)
        if self._is_reread and any(self._texts.changes(row[i]) for i in self._free for row in values):
            return self.read(rows_of(decoded(body)), since)
        if self._across is not None and self._across.broken(values):
            return self.read(rows_of(decoded(body)), since)
        ids = [_given(row.row_id) for row in plain] if self._names_rows else [None] * len(plain)
        return Question(plain, values, ids, {}, since)

    def read(self, rows: Sequence[Mapping[str, Any]], since: float | None = None) -> Question:
        """Return what rows ask, their texts read as those of the training were; raises TooLarge, or BadRows with the problems.

        FeaturesAway is raised where a row lacks what may be stored by its key, and the store cannot be asked.

        since: when they began to be read, as `time.perf_counter` counts; None: now
        """
        since = time.perf_counter() if since is None else since
        check_count(len(rows), self._most_rows)
        sent = rows
        rows, told = (rows, {}) if self._fill is None else self._filled(rows)
        reread = [self._reread(row) for row in rows] if self._is_reread else rows
        try:
            values = [self._converted(row) for row in reread]
        except NOT_PLAIN:
            raise BadRows([*islice(self._problems(reread), MOST_COUNTED + 1)]) from None
        ids = [row.get(self._id) if self._id else None for row in rows]
        warnings = self._warnings(values)
        for place, some in told.items():
            warnings[place] = (*warnings.get(place, ()), *some)
        return Question(rows, values, ids, warnings, since, sent=() if rows is sent else sent)

    def may_fill(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Tell whether rows lack something that is put in here, as far as it is known."""
        return self._fill is not None and self._lacks(rows)

    def _filled(
        self, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[Sequence[Mapping[str, Any]], dict[int, tuple[str, ...]]]:
        """Return rows with what is known of them and was not sent; a row that lacks nothing is not asked about."""
        assert self._fill is not None
        return self._fill(rows, [column.name for column in self._columns]) if self._lacks(rows) else (rows, {})

    def _lacks(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        return any(column.name not in row for row in rows for column in self._columns)

    def _converted(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return a row's values as the model takes them; raises ValueError or OverflowError where it has others."""
        try:
            return self._taken(msgspec.convert(self._named(row), self._fitting))
        except ValueError:
            # An empty text is a missing value in any column, and of these no type can tell.
            blank = [name for name in self._not_texts if row.get(name) == ""]
            if not blank:
                raise
            return self._taken(msgspec.convert(self._named({**row, **dict.fromkeys(blank)}), self._fitting))

    def _reread(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row with the texts of the model's columns as reading a file leaves them."""
        held = {column.name: row[column.name] for column in self._columns if isinstance(row.get(column.name), str)}
        read = {name: self._texts.read(text) for name, text in held.items()}
        for name, order in self._texts.dates.items():
            if text := read.get(name):
                read[name] = date_written_out(text, order)
        return {**row, **read}

    def _named(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row under the names of the type's fields."""
        if self._called is None:
            return row
        return {field: row[name] for name, field in self._called.items() if name in row}

    def _taken(self, row: msgspec.Struct) -> tuple[Any, ...]:
        """Return a row's values as the model takes them."""
        values = msgspec.structs.astuple(row)[: len(self._columns)]
        if not self._translated:
            return values
        taken = [*map(_given, values)]
        for place in self._moments:
            taken[place] = None if taken[place] is None else _moment(taken[place])
        return tuple(taken)

    def _warnings(self, values: Sequence[Sequence[Any]]) -> dict[int, tuple[str, ...]]:
        """Return row position -> what the contract warns of; raises BadRows for what it rejects."""
        warnings: dict[int, tuple[str, ...]] = {}
        rejected: list[RowProblem] = []
        for i, row in enumerate(values):
            for limits, value in zip(self._limits, row, strict=True):
                if limits.allows(value):
                    continue
                name, said = limits.column.name, limits.complain(value)
                if limits.rejects:
                    rejected.append(RowProblem(i, name, said))
                else:
                    warnings[i] = (*warnings.get(i, ()), f"{name}: {said}")
            if len(rejected) > MOST_COUNTED:
                break
        for broken in () if self._across is None else self._across.broken(values):
            if broken.rejects:
                rejected.append(RowProblem(broken.row, broken.rule, broken.message))
            else:
                warnings[broken.row] = (*warnings.get(broken.row, ()), f"{broken.rule}: {broken.message}")
        if rejected:
            raise BadRows(rejected)
        return warnings

    def _problems(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[RowProblem]:
        """Yield what is wrong with rows, in their order; each is looked at only as far as is asked for."""
        hints = Hints([column.name for column in self._columns])
        for index, row in enumerate(rows):
            for column in self._columns:
                try:
                    _check(column, row[column.name])
                except KeyError:
                    if column.required:
                        yield RowProblem(index, column.name, hints.absent(column.name, row))
                except (ValueError, OverflowError) as error:
                    yield RowProblem(index, column.name, str(error))


class Hints:
    """What may have been meant by names of one request, which is asked of a few of them only: each look takes long."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = frozenset(columns)
        self._found: dict[tuple[str, ...], str] = {}

    def absent(self, name: str, row: Mapping[str, Any]) -> str:
        """Say that a column is missing in a row, and which of the row's may have been meant."""
        foreign = islice((key for key in row if key not in self._columns), MOST_NAMES)
        asked = (name, *(key for key in foreign if max(len(name), len(key)) <= MOST_LETTERS))
        if asked not in self._found and len(self._found) < MOST_HINTS:
            near = closest(name, asked[1:])
            self._found[asked] = f"; did you mean '{near}'?" if near else ""
        return f"is missing{self._found.get(asked, '')}; null stands for a value that is not known"


def _given(value: Any) -> Any:
    """Return a value, None where a row has it not."""
    return None if value is msgspec.UNSET else value


def _check(column: Column, value: Any) -> None:
    """Raise ValueError or OverflowError where a value is not of the column's kind."""
    if column.kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        float(value)
    elif column.kind == "datetime" and isinstance(value, str) and value:
        _moment(value)
    elif (
        value is not None
        and value != ""
        and not isinstance(value, {"string": str, "boolean": bool}.get(column.kind, ()))
    ):
        raise ValueError(f"must be {WANTED[column.kind]}, got {_shown(value)}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be {WANTED['datetime']}, got {_shown(text)}") from None
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        raise ValueError(f"must be a moment of the years 1 to 9999, got {_shown(text)}") from None


def _shown(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except RecursionError:
        return "a value that is nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


WANTED = {
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "datetime": "an ISO 8601 date or time such as 2024-05-31T14:30:00",
}
