"""A table's profile: what was measured, what is odd, and how it is told.

As plain data its keys are name, origin, rows, duplicates, roles, classes, groups, sampled, combinations, near, population,
columns (see `ColumnFacts`) and findings (subject, statistic, value, threshold, severity, message, action).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.dates import shown
from hookline.data.frames import to_polars
from hookline.errors import DataError, MissingBackend
from hookline.kinds.artifacts import Dataset, Roles
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain, to_json
from hookline.registry.cells import cell
from hookline.registry.registry import Registry
from hookline.registry.remedies import Remedies

from .column import ColumnFacts
from .diversity.population import Population
from .oddities import oddities
from .oddity import Advisor, Oddity
from .table import TableFacts, inspect

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("column", "type", "missing", "distinct", "min", "median", "max", "mean", "most frequent", "with target")
"""What is told of each column in one line."""
LONGEST = 32
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class DataProfile:
    """A table's profile, with what is odd about it."""

    table: TableFacts
    findings: tuple[Oddity, ...]
    """The most important first."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """The source's name as `component`, and its fields; empty for a data frame."""

    def __getitem__(self, column: str) -> ColumnFacts:
        return self.table[column]

    def plain(self) -> dict[str, Any]:
        """Return the profile as JSON values; an infinity is a string."""
        facts: dict[str, Any] = to_json(self.table)
        found = [to_json(finding) for finding in self.findings]
        return {"name": facts.pop("name"), "origin": dict(self.origin), **facts, "findings": found}

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a column, as it is shown on a terminal."""
        return [_row(column, self.table.roles) for column in self.table.columns]

    def frame(self) -> pl.DataFrame:
        """Return one row a column: numbers as they are, datetimes in seconds since 1970 UTC."""
        import polars as pl

        names = ("name", "dtype", "kind", "count", "missing", "distinct", "mean", "std", "zero", "negative", "infinite")
        facts = [
            {name: getattr(column, name) for name in names}
            | {f"q{share:g}": column.quantile(share) for share in (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)}
            for column in self.table.columns
        ]
        return pl.DataFrame(facts, infer_schema_length=None)

    def _repr_html_(self) -> str:
        found = "".join(
            f"<li>{escape(f.severity)}: {escape(f.message)} <code>{escape(f.action)}</code></li>" for f in self.findings
        )
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(row[name] or ''))}</td>" for name in COLUMNS) + "</tr>"
            for row in self.rows()
        )
        title = f"{escape(self.table.name)}: {self.table.rows:,} rows, {len(self.table.columns):,} columns"
        plain = f"<h4>{title}</h4><ul>{found}</ul><table><tr>{head}</tr>{body}</table>"
        return cell("profile", self.plain(), plain)


def profile_source(
    source: Source, roles: Roles, remedies: Remedies, population: Population | None = None
) -> DataProfile:
    """Profile what a source loads; roles that it knows itself hold where none are given.

    remedies: the registry's, asked what to do about what is odd; population: whom the rows should stand for
    """
    dataset = source.load()
    named = source.roles().merged(roles)
    known = Dataset(dataset.frame, named, dataset.name)
    fields: dict[str, Any] = plain(source)
    return profile_dataset(known, {"component": source.name, **fields}, remedies, population=population)


def profile_frame(frame: Any, roles: Roles, remedies: Remedies, population: Population | None = None) -> DataProfile:
    """Profile a polars or pandas frame, a mapping of columns or a list of mappings."""
    import polars as pl

    found = to_polars(frame)
    dataset = Dataset(found.lazy(), roles, "frame")
    return profile_dataset(dataset, {}, remedies, in_memory=isinstance(found, pl.DataFrame), population=population)


def profile_dataset(
    dataset: Dataset,
    origin: Mapping[str, Any],
    remedies: Remedies,
    *,
    in_memory: bool = False,
    population: Population | None = None,
) -> DataProfile:
    """Profile a dataset; `origin` tells the source's fields, which say how it can be read differently."""
    table = inspect(dataset, in_memory=in_memory, population=population)
    return DataProfile(table, oddities(table, Advisor(remedies, {"source": origin})), origin)


def render(registry: Registry, profile: DataProfile, path: Path) -> None:
    """Write a profile as a page; raises MissingBackend where no plugin does."""
    if not path.parent.is_dir():
        raise DataError(f"there is no folder {path.parent} to write {path.name} into")
    if not registry.render("profile", profile.plain(), path):
        raise MissingBackend("the page of a profile", "jinja2", "report")


def _row(column: ColumnFacts, roles: Roles) -> dict[str, Any]:
    kind = column.kind
    low, middle, high = (column.quantile(share) for share in (0.0, 0.5, 1.0))
    role = next(
        (name for name in ("target", "id", "group", "time", "weight") if getattr(roles, name) == column.name), ""
    )
    found = column.association
    mean = None if column.mean is None else shown(column.mean, kind)
    return {
        "column": column.name,
        "type": f"{column.dtype.partition('(')[0]}{f' ({role})' if role else ''}",
        "missing": f"{column.missing / column.count:.1%}" if column.missing else "",
        "distinct": f"{column.distinct:,}" if kind != "other" else "",
        **{
            name: "" if value is None else shown(value, kind)
            for name, value in zip(("min", "median", "max"), (low, middle, high), strict=True)
        },
        "mean": mean[:10] if mean and kind == "datetime" else mean or "",
        "most frequent": _most(column),
        "with target": f"{found.statistic} {found.value:.2f}" if found else "",
    }


def _most(column: ColumnFacts) -> str:
    if not column.top:
        return ""
    value, rows = column.top[0]
    text = value if len(value) <= LONGEST else f"{value[:LONGEST]}..."
    return f"{text!r} {rows / column.count:.0%}" if column.kind == "string" else f"{text} {rows / column.count:.0%}"
