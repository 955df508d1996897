"""Rows at the edges of what a model may be asked: generated, the same ones under the same seed, to compare its forms on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hookline.data.columns import as_number, conform
from hookline.kinds.artifacts import Column, Feature
from hookline.kinds.capabilities import SplitsAt

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..pipeline import Pipeline

Sort: TypeAlias = Literal["missing", "unseen", "extreme", "boundary"]

SAMPLE_ROWS = 5_000
"""Training rows that edge rows are made from."""
MOST: Mapping[Sort, int] = {"missing": 300, "unseen": 300, "extreme": 600, "boundary": 1_200}
"""Rows of each sort, so that a wide table costs no more than a narrow one."""
PLACES = 8
"""Split boundaries of one column that are looked at."""
UNSEEN = ("\N{SNOWMAN} never seen", " ")
EXTREMES = (1e6, -1e6, 1e30, -1e30, 1.7e308, -1.7e308, 5e-324, 1e-30, -0.0)
MOMENTS = (datetime(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(2000, 2, 29), datetime(9999, 12, 31))


@dataclass(frozen=True)
class Edge:
    """One value put into one training row. row: its position in the sample."""

    sort: Sort
    row: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class EdgeRows:
    """Generated raw rows. frame: just the schema's columns; sorts: of each; left_out: sort -> rows beyond what is made."""

    frame: pl.DataFrame
    sorts: tuple[Sort, ...]
    left_out: Mapping[str, int]
    seed: int


def make_edges(pipeline: Pipeline[Any], train: pl.DataFrame, seed: int) -> EdgeRows:
    """Put missing, unseen, extreme and boundary values, a column at a time, into training rows (raw; the first are taken)."""
    import numpy as np

    sample = conform(train.head(SAMPLE_ROWS), pipeline.schema)
    rng = np.random.default_rng(seed)
    kept: list[Edge] = []
    left_out: dict[str, int] = {}
    if sample.height:
        found = {
            "missing": list(_missing(pipeline.schema.columns, sample.height, rng)),
            "unseen": list(_unseen(pipeline.schema.columns, sample.height, rng)),
            "extreme": list(_extreme(pipeline.schema.columns, sample, rng)),
            "boundary": list(_boundary(pipeline, sample)),
        }
        for sort, most in MOST.items():
            edges = found[sort]
            chosen = sorted(rng.choice(len(edges), most, replace=False)) if len(edges) > most else range(len(edges))
            kept += [edges[place] for place in chosen]
            left_out[sort] = len(edges) - len(chosen)
    frame = _put(sample, kept, pipeline.schema.columns)
    return EdgeRows(frame, tuple(edge.sort for edge in kept), left_out, seed)


def _missing(columns: Sequence[Column], rows: int, rng: np.random.Generator) -> Iterator[Edge]:
    nullable = [column for column in columns if column.nullable]
    for column in nullable:
        yield Edge("missing", int(rng.integers(rows)), {column.name: None})
        if column.kind == "string":
            yield Edge("missing", int(rng.integers(rows)), {column.name: ""})
    if len(nullable) > 1:
        yield Edge("missing", int(rng.integers(rows)), dict.fromkeys((column.name for column in nullable), None))


def _unseen(columns: Sequence[Column], rows: int, rng: np.random.Generator) -> Iterator[Edge]:
    for column in columns:
        if column.kind == "string":
            for text in UNSEEN:
                yield Edge("unseen", int(rng.integers(rows)), {column.name: text})


def _extreme(columns: Sequence[Column], sample: pl.DataFrame, rng: np.random.Generator) -> Iterator[Edge]:
    for column in columns:
        values: list[Any] = []
        if column.kind == "number":
            width = 0.0 if None in (column.minimum, column.maximum) else _width(column)
            beyond = [(column.minimum or 0) - 10 * width, (column.maximum or 0) + 10 * width]
            values = [*beyond, *EXTREMES]
        elif column.kind == "datetime":
            values = _moments(sample[column.name].dtype)
        for value in values:
            yield Edge("extreme", int(rng.integers(sample.height)), {column.name: value})


def _moments(dtype: Any) -> list[date]:
    """Return the moments that a column can hold: nanoseconds end in 2262, and in the far west year 1 of UTC is year 0."""
    import polars as pl

    kept: list[date] = []
    for moment in MOMENTS:
        value = moment.date() if dtype == pl.Date else moment
        try:
            pl.Series(_fitting([value], dtype), dtype=dtype).to_list()
        except (pl.exceptions.InvalidOperationError, ValueError):
            continue
        kept.append(value)
    return kept


def _width(column: Column) -> float:
    width = (column.maximum or 0.0) - (column.minimum or 0.0)
    return width if width < 1e300 else 0.0


def _boundary(pipeline: Pipeline[Any], sample: pl.DataFrame) -> Iterator[Edge]:
    """Yield training values beside the model's split thresholds, their neighbors as float32 and float64, and middles."""
    import numpy as np

    splits = pipeline.model.thresholds() if isinstance(pipeline.model, SplitsAt) else {}
    features = pipeline.features(sample.lazy())
    X: Any = features.X
    numbers = {c.name: _numbers(sample, c) for c in pipeline.schema.columns if c.kind == "number"}
    places = max(1, min(PLACES, MOST["boundary"] // (12 * max(1, len(numbers)))))
    for place, feature in enumerate(features.features):
        name = _only_number(feature, numbers)
        if name is None or (splits and place not in splits):
            continue
        raw = numbers[name]
        x = X[:, [place]].toarray().ravel() if hasattr(X, "toarray") else X[:, place]
        usable = np.flatnonzero(np.isfinite(x) & np.isfinite(raw))
        order = usable[np.argsort(x[usable], kind="stable")]
        for below, above in _pairs(x[order], splits.get(place), places):
            rows = [int(order[below]), int(order[above])]
            for value, row in _near(raw, rows):
                yield Edge("boundary", row, {name: value})


def _only_number(feature: Feature, numbers: Mapping[str, Any]) -> str | None:
    return feature.inputs[0] if len(feature.inputs) == 1 and feature.inputs[0] in numbers else None


def _pairs(x: np.ndarray, thresholds: Sequence[float] | None, places: int) -> Iterator[tuple[int, int]]:
    """Yield neighbors in sorted `x`: around thresholds, or around quantiles where the model has none."""
    import numpy as np

    if len(x) < 2:
        return
    if thresholds is None:
        cuts = np.linspace(0, len(x) - 2, places).astype(int)
    else:
        known = np.unique(np.asarray(thresholds, dtype=np.float64))
        chosen = known[np.linspace(0, len(known) - 1, min(places, len(known))).astype(int)]
        cuts = np.clip(np.searchsorted(x, chosen, side="right") - 1, 0, len(x) - 2)
    for cut in dict.fromkeys(cuts.tolist()):
        # The next larger value, past the ties.
        above = int(np.searchsorted(x, x[cut], side="right"))
        yield cut, min(above, len(x) - 1)


def _near(raw: np.ndarray, rows: Sequence[int]) -> Iterator[tuple[float, int]]:
    import numpy as np

    for row in rows:
        value = np.float64(raw[row])
        with np.errstate(all="ignore"):
            single = np.float32(value)
            near = [np.nextafter(value, np.float64(side)) for side in (-np.inf, np.inf)]
            near += [np.float64(np.nextafter(single, np.float32(side))) for side in (-np.inf, np.inf)]
        yield from ((float(found), row) for found in (value, np.float64(single), *near) if np.isfinite(found))
    yield float(raw[rows[0]]) / 2 + float(raw[rows[1]]) / 2, rows[0]


def _numbers(sample: pl.DataFrame, column: Column) -> np.ndarray:
    expr = as_number(column.name, column.kind, sample[column.name].dtype)
    assert expr is not None
    return sample.select(expr.fill_null(float("nan")))[column.name].to_numpy()


def _put(sample: pl.DataFrame, edges: Sequence[Edge], columns: Sequence[Column]) -> pl.DataFrame:
    """Return the edges' rows of a sample, each with its values in their place."""
    import polars as pl

    frame = sample[[edge.row for edge in edges]]
    changed: dict[str, list[tuple[int, Any]]] = {}
    for row, edge in enumerate(edges):
        for name, value in edge.values.items():
            changed.setdefault(name, []).append((row, value))
    for column in columns:
        if column.name not in changed:
            continue
        values = frame[column.name]
        # A column of gaps only has no type of its own.
        kind = pl.Float64 if column.kind == "number" else pl.String if values.dtype == pl.Null else values.dtype
        values = values.cast(kind)
        rows, new = zip(*changed[column.name], strict=True)
        frame = frame.with_columns(values.scatter(rows, pl.Series(_fitting(new, values.dtype), dtype=values.dtype)))
    return frame


def _fitting(values: Sequence[Any], dtype: Any) -> list[Any]:
    from datetime import UTC

    zone = getattr(dtype, "time_zone", None)
    return [value.replace(tzinfo=UTC) if zone and isinstance(value, datetime) else value for value in values]


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a raw row as JSON values: datetimes as ISO text, a NaN as null."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and math.isnan(value) else value
