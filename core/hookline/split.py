"""Divides rows into training, validation and test rows: exactly, the same on every machine, without moving them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .artifacts import ROW_ID, Dataset, DataVersion, Roles, Split
from .errors import ConfigError, DataError, Problem, suggestion
from .frames import UNREADABLE_HINT, count_rows
from .runconfig import SplitOptions
from .schema import column_kind

if TYPE_CHECKING:
    import polars as pl

PARTS = ("train", "valid", "test")
ROWS = "rows.arrow"
PART = "\0part"
"""A column that no table has, while its rows are divided."""
MAX_CLASSES = 20
"""An integer target with more values than this is a number to predict, not a label."""


@dataclass(frozen=True)
class SplitFacts:
    """What is known of a split without its rows."""

    name: str
    """Of the dataset."""
    method: str
    rows: Mapping[str, int]
    """Part -> number of rows, 0 for one that is not there."""
    version: DataVersion | None = None
    """Of the rows that the source loaded, before any transform."""

    @classmethod
    def of(cls, split: Split) -> SplitFacts:
        """Return the facts of a split whose rows are at hand."""
        parts = {name: getattr(split, name) for name in PARTS}
        rows = {name: count_rows(part.frame) if part else 0 for name, part in parts.items()}
        return cls(split.train.name, split.method, rows, split.version)


def write_rows(dataset: Dataset, folder: Path) -> pl.LazyFrame:
    """Write the rows into `folder`, for `prepare` to divide, and return them from there; raises DataError."""
    import polars as pl

    try:
        dataset.frame.sink_ipc(folder / ROWS)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the rows of {dataset.name} cannot be read or transformed: {reason}",
            hint=UNREADABLE_HINT,
        ) from error
    return pl.scan_ipc(folder / ROWS)


def prepare(dataset: Dataset, options: SplitOptions, seed: int, folder: Path) -> tuple[str, dict[str, int]]:
    """Write the rows of each part into `folder`, and return the method with the number of rows of each part.

    Raises DataError where no such split is possible.
    """
    import polars as pl

    stored = pl.scan_ipc(folder / ROWS) if (folder / ROWS).exists() else write_rows(dataset, folder)
    rows = stored.select(pl.len()).collect().item()
    if rows < 2:
        raise DataError(f"the data have {rows} rows, too few to train on some and test on others")
    method = choose_method(dataset, options, stored)
    part = assign(stored, dataset, method, options, seed)
    counts = {name: int((part == code).sum()) for code, name in enumerate(PARTS)}
    _refuse_empty(counts, options, method)
    for code, name in enumerate(PARTS):
        if counts[name]:
            # What says the part is known for these rows only, so it is no feature.
            kept = stored.drop(str(options.column)) if method == "column" else stored
            _write_part(kept, part, code, folder / f"{name}.arrow")
    (folder / ROWS).unlink()
    return method, counts


def read_split(folder: Path, facts: SplitFacts, roles: Roles) -> Split:
    """Return the parts that `prepare` wrote, as lazy, memory-mapped frames."""
    import polars as pl

    def part(name: str) -> Dataset:
        return Dataset(pl.scan_ipc(folder / f"{name}.arrow"), roles, facts.name)

    valid = part("valid") if facts.rows["valid"] else None
    return Split(part("train"), valid, part("test"), facts.method, facts.version)


def choose_method(dataset: Dataset, options: SplitOptions, frame: pl.LazyFrame) -> str:
    """Return the method that `auto` stands for, or the one that was asked for; raises DataError where its role is missing."""
    roles = dataset.roles
    if options.method == "auto":
        if roles.group:
            return "group"
        if roles.time:
            return "time"
        return "stratified" if roles.target and is_label(frame, roles.target) else "random"
    needs = {"group": roles.group, "time": roles.time, "column": options.column, "stratified": roles.target}
    if options.method in needs and not needs[options.method]:
        key = "split.column" if options.method == "column" else f"roles.{options.method}"
        raise DataError(f"split.method={options.method} needs {key}")
    return options.method


def is_label(frame: pl.LazyFrame, target: str) -> bool:
    """Tell whether a target column holds classes: strings, booleans, or integers of at most 20 values."""
    import polars as pl

    dtype = frame.collect_schema()[target]
    if column_kind(dtype) != "number":
        return True
    column = pl.col(target)
    if dtype.is_integer():
        return bool(frame.select(column.drop_nulls().n_unique() <= MAX_CLASSES).collect().item())
    # Labels that met a missing value on the way were made floats: 0.0 and 1.0 alone are still two classes.
    whole = frame.select((column.is_null() | (column == 0) | (column == 1)).all()).collect().item()
    return bool(whole)


def assign(frame: pl.LazyFrame, dataset: Dataset, method: str, options: SplitOptions, seed: int) -> Any:
    """Return each row's part (uint8 position in PARTS), as a numpy array."""
    import numpy as np

    rng = np.random.default_rng(seed)
    shares = (options.test, options.valid)
    turn = 0.0
    if options.folds:
        _check_fold(options, method)
        shares, turn = (1 / options.folds, options.valid), options.fold / options.folds
    if method == "column":
        return _by_column(_values(frame, str(options.column)), options)
    if method == "time":
        return _by_order(_times(frame, str(dataset.roles.time)), shares)
    if method == "group":
        return _by_group(_values(frame, str(dataset.roles.group)), shares, turn, rng)
    if method == "stratified":
        return _within(_values(frame, str(dataset.roles.target)), shares, turn, rng)
    rows = frame.select(ROW_ID).collect().height
    return _draw(rows, shares, turn, rng)


def _check_fold(options: SplitOptions, method: str) -> None:
    assert options.folds is not None
    if options.fold >= options.folds:
        raise DataError(f"split.fold={options.fold}, but there are {options.folds} folds, counted from 0")
    if method in ("time", "column"):
        raise DataError(
            f"split.folds does not go with split.method={method}, which says itself what is held out",
            hint="leave split.folds out, or choose random, stratified or group",
        )


def _draw(rows: int, shares: tuple[float, float], turn: float, rng: Any) -> Any:
    """Draw at random; `turn` of the rows are passed over first, so that folds do not overlap."""
    import numpy as np

    start = round(rows * turn)
    test = round(rows * (turn + shares[0])) - start
    valid = round(rows * shares[1])
    part = np.zeros(rows, dtype=np.uint8)
    order = np.roll(rng.permutation(rows), -start)
    part[order[:test]] = PARTS.index("test")
    part[order[test : test + valid]] = PARTS.index("valid")
    return part


def _within(labels: pl.Series, shares: tuple[float, float], turn: float, rng: Any) -> Any:
    import numpy as np

    codes = labels.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    part = np.zeros(len(codes), dtype=np.uint8)
    order = rng.permutation(len(codes))
    # Rows of one class stand together after this, in random order; every k-th of all of them goes to the test rows,
    # so that shares hold over the whole and, to within one row, in each class.
    order = order[np.argsort(codes[order], kind="stable")]
    place = (np.arange(len(codes)) + rng.random() + round(turn / shares[0])) * shares[0]
    test = np.floor(place + shares[0]) > np.floor(place)
    rest = order[~test]
    share = shares[1] / (1 - shares[0])
    place = (np.arange(len(rest)) + rng.random()) * share
    part[order[test]] = PARTS.index("test")
    part[rest[np.floor(place + share) > np.floor(place)]] = PARTS.index("valid")
    return part


def _by_group(groups: pl.Series, shares: tuple[float, float], turn: float, rng: Any) -> Any:
    import numpy as np

    codes = groups.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    names, sizes = np.unique(codes, return_counts=True)
    order = rng.permutation(len(names))
    reached = np.cumsum(sizes[order]) / len(codes)
    of_group = np.zeros(codes.max() + 1, dtype=np.uint8)
    edges = np.array([shares[0], shares[0] + shares[1]])
    # A group belongs where its middle row falls, so that one large group does not swallow a part.
    middle = (reached - sizes[order] / len(codes) / 2 - turn) % 1
    side = np.searchsorted(edges, middle, side="right")
    of_group[names[order]] = np.array([PARTS.index("test"), PARTS.index("valid"), PARTS.index("train")])[side]
    return of_group[codes]


def _by_order(times: pl.Series, shares: tuple[float, float]) -> Any:
    import numpy as np

    if times.null_count():
        raise DataError(
            f"the time column '{times.name}' is missing in {times.null_count()} rows, which have no place in time"
        )
    place = times.rank("max").to_numpy() / len(times)
    part = np.zeros(len(times), dtype=np.uint8)
    # Rows of one moment stay on one side: ranks are the largest of their ties.
    part[place > 1 - shares[0] - shares[1]] = PARTS.index("valid")
    part[place > 1 - shares[0]] = PARTS.index("test")
    return part


def _by_column(values: pl.Series, options: SplitOptions) -> Any:
    import numpy as np
    import polars as pl

    part_of = _part_of_value(options)
    codes = values.cast(pl.String).replace_strict(part_of, default=len(PARTS), return_dtype=pl.UInt8)
    part = codes.fill_null(len(PARTS)).to_numpy()
    if (part == len(PARTS)).any():
        strange = values.filter(pl.Series(part == len(PARTS))).unique().to_list()
        found = sorted(map(str, strange))
        *most, last = part_of
        raise DataError(
            f"split.column '{values.name}' may hold only {', '.join(most)} and {last}, got {', '.join(found[:5])}",
            hint="say which values mean which part: split.train_values=[...] split.test_values=[...]; "
            "or transform=[filter_rows] leaves rows out",
        )
    return np.array(part)


def _part_of_value(options: SplitOptions) -> dict[str, int]:
    """Return each value of the split's column, as text, with its position in PARTS; raises ConfigError for one of two parts."""
    part_of: dict[str, int] = {}
    for code, values in enumerate((options.train_values, options.valid_values, options.test_values)):
        for value in values:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if part_of.setdefault(text, code) != code:
                problem = Problem(
                    f"split.{PARTS[code]}_values", f"{text} is also in split.{PARTS[part_of[text]]}_values"
                )
                raise ConfigError("bad config", [problem])
    return part_of


def _times(frame: pl.LazyFrame, name: str) -> pl.Series:
    values = _values(frame, name)
    if not (values.dtype.is_temporal() or values.dtype.is_numeric()):
        raise DataError(
            f"the time column '{name}' holds texts, which have no order in time",
            hint=f"say that it is a time: source.dtypes={{{name}: datetime}}",
        )
    return values


def _values(frame: pl.LazyFrame, name: str) -> pl.Series:
    names = frame.collect_schema().names()
    if name not in names:
        raise DataError(f"'{name}' is not a column of the data", hint=suggestion(name, names, "column"))
    return frame.select(name).collect()[name]


def _write_part(frame: pl.LazyFrame, part: Any, code: int, path: Path) -> None:
    import polars as pl

    mask = pl.DataFrame({PART: part}).lazy()
    joined = pl.concat([frame, mask], how="horizontal")
    joined.filter(pl.col(PART) == code).drop(PART).sink_ipc(path)


def _refuse_empty(counts: Mapping[str, int], options: SplitOptions, method: str) -> None:
    wanted = ["train", "test", *(["valid"] if options.valid else [])]
    empty = [name for name in wanted if not counts[name]]
    if empty:
        told = ", ".join(f"{name} {counts[name]}" for name in PARTS)
        hints = {"group": "rows of one group stay together; are there enough groups?", "column": "see split.column"}
        hints["time"] = "rows of one moment stay together; are there enough moments?"
        raise DataError(
            f"the {method} split leaves no {' and no '.join(empty)} rows ({told})",
            hint=hints.get(method, "change split.test or split.valid"),
        )
