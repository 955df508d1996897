"""What is asked of a database, as SQLAlchemy's expressions: names are quoted and values bound, whatever is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

PARTS = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?\*/|.""", re.DOTALL)
"""Texts, names and comments of a query, within which a semicolon ends nothing, and its other characters."""
SHORTEST_WITH_ZONE = 16
"""Characters of a time to the minute."""
Bound = tuple[str, str, Any]
"""A column, one of the signs `>`, `>=`, `<`, `<=`, and the value that it is held against."""


@dataclass(frozen=True)
class Asked:
    """A table or a query, and the order of its rows."""

    query: str | None
    table: str | None
    schema: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    order_by: Sequence[str] = ()

    def rows(
        self, columns: Sequence[str] | None = None, bounds: Sequence[Bound] = (), limit: int | None = None
    ) -> sa.Executable:
        """Return what gives the rows: of some columns, between bounds, at most so many."""
        import sqlalchemy as sa

        if self.query is not None and columns is None and not bounds and limit is None and not self.order_by:
            return self._text()  # Word for word, so that an order in it holds everywhere.
        held = [sa.text("*")] if columns is None else [_column(name) for name in columns]
        found = sa.select(*held).select_from(self._origin()).where(*map(_condition, bounds))
        found = found.order_by(*map(_column, self.order_by))
        return found if limit is None else found.limit(limit)

    def figures(self, *figures: sa.ColumnElement[Any], bounds: Sequence[Bound] = ()) -> sa.Executable:
        """Return what gives figures of all rows, such as their count."""
        import sqlalchemy as sa

        return sa.select(*figures).select_from(self._origin()).where(*map(_condition, bounds))

    def forms(self, name: str) -> sa.Executable:
        """Return what gives the different forms of the texts of a column."""
        import sqlalchemy as sa

        return sa.select(form_of(name)).select_from(self._origin()).distinct()

    def starts(self, key: str, size: int) -> sa.Executable:
        """Return what gives the key of every `size`th row, in order: where ranges of equal numbers of rows begin."""
        import sqlalchemy as sa

        numbered = sa.select(
            _column(key).label("start"), sa.func.row_number().over(order_by=_column(key)).label("place")
        ).select_from(self._origin())
        ranked = numbered.subquery("ranked")
        return sa.select(ranked.c.start).where((ranked.c.place - 1) % size == 0).order_by(ranked.c.place)

    def _origin(self) -> sa.FromClause:
        import sqlalchemy as sa

        if self.table is not None:
            schema = None if self.schema is None else sa.quoted_name(self.schema, quote=True)
            return sa.table(sa.quoted_name(self.table, quote=True), schema=schema)
        return self._text().columns().subquery("asked")

    def _text(self) -> sa.TextClause:

        assert self.query is not None
        return said(self.query, self.parameters)


def said(query: str, parameters: Mapping[str, Any]) -> sa.TextClause:
    """Return somebody's own query with its parameters, `:name`, bound."""
    import sqlalchemy as sa

    text = sa.text(_embeddable(query))
    return text.bindparams(**{name: value for name, value in parameters.items() if name in parameters_of(query)})


def parameters_of(query: str) -> list[str]:
    """Return the names that a query has values bound to."""
    import sqlalchemy as sa

    return list(sa.text(query).compile().params)


def count() -> sa.ColumnElement[Any]:
    """Return how many rows."""
    import sqlalchemy as sa

    return sa.func.count().label("rows")


def of_column(function: str, name: str) -> sa.ColumnElement[Any]:
    """Return an aggregate of a column: count, min or max."""
    import sqlalchemy as sa

    found: sa.ColumnElement[Any] = getattr(sa.func, function)(_column(name))
    return found.label(function)


def form_of(name: str) -> sa.ColumnElement[Any]:
    """Return the form of texts that say times: what parts day and time, the zone, and how many characters there are."""
    import sqlalchemy as sa

    text = sa.type_coerce(_column(name), sa.String)
    length = sa.func.length(text)

    def ends_in(back: int, *signs: str) -> sa.ColumnElement[bool]:
        return sa.or_(*(sa.func.substr(text, length - back, 1) == sign for sign in signs))

    # A sign that far from the end begins a zone; in a day alone it would be a dash.
    offsets = [(ends_in(back, "+", "-"), sa.func.substr(text, length - back)) for back in (5, 4, 2)]
    zone = sa.case((length <= SHORTEST_WITH_ZONE, ""), (ends_in(0, "Z", "z"), "Z"), *offsets, else_="")
    parted = sa.func.substr(text, 11, 1)
    return parted.concat("|").concat(zone).concat("|").concat(sa.cast(length, sa.String(9)))


def written(statement: sa.Executable, dialect: sa.Dialect) -> tuple[str, list[Any]]:
    """Return a statement as a database takes it, and the values that go with it, in order."""
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    values = compiled.construct_params()
    return str(compiled), [values[name] for name in compiled.positiontup or ()]


def _embeddable(query: str) -> str:
    """Return a query that another one may hold: without semicolons at its end, and with its last comment closed."""
    parts = [found.group() for found in PARTS.finditer(query.strip())]
    last = next((place for place in reversed(range(len(parts))) if not _says_nothing(parts[place])), -1)
    return "".join(part for place, part in enumerate(parts) if place <= last or part != ";") + "\n"


def _says_nothing(part: str) -> bool:
    return part == ";" or part.isspace() or part.startswith(("--", "/*"))


def _column(name: str) -> sa.ColumnClause[Any]:
    import sqlalchemy as sa

    return sa.column(sa.quoted_name(name, quote=True))


def _condition(bound: Bound) -> sa.ColumnElement[bool]:
    import operator

    name, sign, value = bound
    signs = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
    condition: sa.ColumnElement[bool] = signs[sign](_column(name), value)
    return condition
