"""What is ordinary to a model, as its package alone tells: rows that travel with it, or rows made of its profile."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.contract.limits import moment_of
from hookline.data.frames import to_polars
from hookline.errors import DataError, HooklineError, StoreError
from hookline.kinds.artifacts import Column, Schema
from hookline.kinds.reports import ColumnProfile, Profile
from hookline.packages.loading import LoadedPackage
from hookline.packages.manifest import PROFILE, read_as
from hookline.workspace.bounded import Unreadable, parse_json, read_ordinary

if TYPE_CHECKING:
    import polars as pl

ROWS = 100
"""Of a background made of a profile: so many values tell a column's distribution well."""
KEPT = "background.json"
"""The file of an evaluator's report that holds rows, where it was told to keep some."""


@dataclass(frozen=True)
class Background:
    """What answers are held against. told: what these rows are, in words."""

    told: str
    rows: pl.DataFrame


def background_of(package: LoadedPackage) -> Background:
    """Return what is ordinary to a package's model; raises DataError where it tells nothing of that."""
    if kept := _kept_in(package.manifest):
        return Background("rows that travel with the package", conform(_kept(package.path / kept), package.schema))
    profile = profile_of(package)
    if profile is None:
        raise DataError(
            f"package {package.path} does not say what is ordinary",
            hint="give `background`, rows to hold answers against",
        )
    unknown = dict.fromkeys(package.schema.names)
    made: Any = to_polars([{**unknown, **row} for row in ordinary_rows(package.schema, profile)])
    return Background("the training rows' columns, one by one", conform(made, package.schema))


def _kept(path: Path) -> Any:
    """Return the rows of a file, a list of JSON objects; raises StoreError where it is damaged, DataError where they are none."""
    try:
        return to_polars(parse_json(read_ordinary(path)))
    except Unreadable as error:
        raise StoreError(f"{path} is damaged: {error}", hint="build the package again") from error


def _kept_in(manifest: Mapping[str, Any]) -> str | None:
    """Return the file of rows that a package keeps: of its explainers' the first, in the order of the run; None where none is."""
    kept = sorted(name for name in manifest["files"] if name.startswith("evaluators/") and name.endswith(f"/{KEPT}"))
    first = (f"evaluators/{one.get('key')}/{KEPT}" for one in manifest.get("explainers") or ())
    return next((name for name in (*first, *kept) if name in kept), None)


def profile_of(package: LoadedPackage) -> Profile | None:
    """Return what a package keeps of its training rows; None where it keeps nothing, or was changed since it was loaded."""
    try:
        return read_as(Profile, package.path / PROFILE)
    except (HooklineError, OSError):
        return None


def ordinary_rows(schema: Schema, profile: Profile) -> list[Mapping[str, Any]]:
    """Return rows of JSON values whose columns are spread as those of the training rows were, each in an order of its own.

    What goes together in the training rows does not in these: a profile knows of one column at a time. Columns of which it
    knows nothing are not in them. The same each time.
    """
    known = {column.name: column for column in profile.columns}
    columns = {
        column.name: _spread(column, known[column.name], place)
        for place, column in enumerate(schema.columns)
        if column.name in known
    }
    return [{name: values[row] for name, values in columns.items() if values} for row in range(ROWS)]


def _spread(column: Column, profile: ColumnProfile, place: int) -> list[Any]:
    """Return values at even steps through a column's distribution, in random order; none of a column without any value."""
    values, counts = _values(column, profile)
    values, counts = [*values, None], [*counts, profile.missing]
    reached = [*accumulate(counts)]
    if reached[-1] == profile.missing:
        return []
    spread = [values[bisect_left(reached, (row + 0.5) / ROWS * reached[-1])] for row in range(ROWS)]
    random.Random(place).shuffle(spread)
    return spread


def _values(column: Column, profile: ColumnProfile) -> tuple[Sequence[Any], Sequence[int]]:
    """Return values that stood in training rows, with how often about: of a bin of numbers its upper edge, which is one."""
    if profile.bins is not None:
        edges = profile.bins.edges[1:]
        if column.kind == "datetime":
            return [moment_of(edge).isoformat() for edge in edges], profile.bins.counts
        return edges, profile.bins.counts
    texts, counts = [text for text, _ in profile.top], [count for _, count in profile.top]
    return [text.lower() == "true" for text in texts] if column.kind == "boolean" else texts, counts
