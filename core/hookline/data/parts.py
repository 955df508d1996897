"""Which part of the split each row belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval, Len, Lt

from hookline.errors import ConfigError, DataError, Problem, suggestion
from hookline.kinds.artifacts import ROW_ID, Dataset, Label

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class SplitOptions:
    """How rows are divided into training, validation and test rows."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    method: Literal["auto", "random", "stratified", "time", "group", "column"] = "auto"
    """`auto`: by group or time where such a role is given, else stratified by a class target, else random."""
    test: Annotated[float, Interval(gt=0, lt=1)] = 0.3
    """Share of rows held out for evaluation."""
    valid: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of rows that trainers may stop on; 0 leaves it to the trainer. Where `column` names none, training rows give them."""
    column: str | None = None
    """For method `column`: the column that says train, valid or test; it is no feature."""
    train_values: Annotated[tuple[Label, ...], Len(1)] = ("train",)
    """What `column` holds in training rows, where it is not the word train."""
    valid_values: tuple[Label, ...] = ("valid",)
    """What it holds in validation rows."""
    test_values: Annotated[tuple[Label, ...], Len(1)] = ("test",)
    """What it holds in test rows."""
    folds: Annotated[int, Ge(2)] | None = None
    """Cross-validation: of the rows that are not held out for the test, each of so many parts is held out once."""
    repeats: Annotated[int, Gt(0)] = 1
    """How often the folds are drawn, each time otherwise."""
    fold: Annotated[int, Ge(0)] | None = None
    """A run of one fold alone, counted from 0: it is held out of all rows, and `test` is not used. A sweep sets it."""
    gap: Annotated[float, Ge(0)] = 0.0
    """For method `time`: how far training rows end before held-out ones begin, in days, or in the unit of a column of numbers."""

    @property
    def cross_validates(self) -> bool:
        """Whether a run has folds within its training rows."""
        return self.folds is not None and self.fold is None

    @property
    def leaves_out(self) -> bool:
        """Whether some rows may be in no part."""
        return self.gap > 0 or self.fold is not None


@dataclass(frozen=True)
class LearningCurveOptions:
    """Whether more rows would help: the pipeline fitted to shares of the training rows, and judged by the same held-out rows."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    shares: tuple[Annotated[float, Gt(0), Interval(le=1)], ...] = ()
    """Shares of the training rows, such as [0.1,0.33,0.55,0.78,1]; none: no curve."""
    repeats: Annotated[int, Gt(0)] = 3
    """How often each share below 1 is drawn."""
    rows: Annotated[int, Gt(0)] | None = None
    """Most rows of a fit: shares are of so many training rows where there are more."""
    seconds: Annotated[float, Gt(0)] = 300.0
    """After so long no further fit begins, which is then said."""


PARTS = ("train", "valid", "test")
NEITHER = len(PARTS)
"""The part of rows that are in none: those in a gap, and of folds in time those that come later."""


def assign(frame: pl.LazyFrame, dataset: Dataset, method: str, options: SplitOptions, seed: int) -> Any:
    """Return each row's part (uint8 position in PARTS), as a numpy array."""
    import numpy as np

    rng = np.random.default_rng(seed)
    shares = (options.test, options.valid)
    turn = 0.0
    _check_folds(options, method)
    if options.folds and options.fold is not None:
        repeat, fold = divmod(options.fold, options.folds)
        rng = np.random.default_rng((seed, repeat)) if repeat else rng
        shares, turn = (1 / options.folds, options.valid), fold / options.folds
    if method == "column":
        part = _by_column(_values(frame, str(options.column)), options)
        unnamed = options.valid and not (part == PARTS.index("valid")).any()
        return _validated(part, frame, dataset, options.valid, rng) if unnamed else part
    if method == "time":
        return by_time(_times(frame, str(dataset.roles.time)), options)
    if method == "group":
        return _by_group(_values(frame, str(dataset.roles.group)), shares, turn, rng)
    if method == "stratified":
        return _within(_values(frame, str(dataset.roles.target)), shares, turn, rng)
    rows = frame.select(ROW_ID).collect().height
    return _draw(rows, shares, turn, rng)


def _check_folds(options: SplitOptions, method: str) -> None:
    if options.gap and method != "time":
        raise DataError(
            f"split.gap is a time between training and held-out rows, and split.method={method} goes by none",
            hint="split.method=time roles.time=COLUMN",
        )
    if not options.folds:
        return
    count = options.folds * options.repeats
    if options.fold is not None and options.fold >= count:
        raise DataError(f"split.fold={options.fold}, but there are {count} folds, counted from 0")
    if method == "column":
        raise DataError(
            "split.folds does not go with split.method=column, which says itself what is held out",
            hint="leave split.folds out, or choose random, stratified, group or time",
        )
    if method == "time" and options.repeats > 1:
        raise DataError("split.repeats draws folds anew, and folds in time are not drawn", hint="leave it out")


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


def by_time(times: pl.Series, options: SplitOptions) -> Any:
    """Return the part of each row: rows of one moment in one, the earliest to train on, none of a gap in any.

    Of K folds, fold k trains on the first k + 1 of K + 1 stretches of equally many rows, and holds out the next one.
    times: dates, datetimes or numbers, (n_rows,); raises DataError where one is missing
    """
    import numpy as np

    if times.null_count():
        raise DataError(
            f"the time column '{times.name}' is missing in {times.null_count()} rows, which have no place in time"
        )
    # Rows of one moment stay on one side: ranks are the largest of their ties.
    place = times.rank("max").to_numpy() / len(times)
    test, end = 1 - options.test, 1.0
    valid = test - options.valid
    if options.folds and options.fold is not None:
        test, end = ((options.fold + more) / (options.folds + 1) for more in (1, 2))
        valid = test * (1 - options.valid)
    part = np.zeros(len(times), dtype=np.uint8)
    part[place > valid] = PARTS.index("valid")
    part[place > test] = PARTS.index("test")
    part[place > end] = NEITHER
    return _apart(part, times, options.gap) if options.gap else part


def _apart(part: Any, times: pl.Series, gap: float) -> Any:
    """Take rows out of training and validation that are less than a gap before the part that comes next."""
    import numpy as np
    import polars as pl

    dated = isinstance(times.dtype, (pl.Date, pl.Datetime))
    numbers = times.cast(pl.Datetime("us")).to_physical() / 86_400e6 if dated else times.to_physical()
    at = numbers.to_numpy().astype(np.float64)
    kept = part.copy()
    for earlier, later in (("train", "valid"), ("valid", "test"), ("train", "test")):
        begins = at[part == PARTS.index(later)].min(initial=np.inf)
        kept[(part == PARTS.index(earlier)) & (at > begins - gap)] = NEITHER
    return kept


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
            hint="say which values mean which part: split.train_values=[...] split.test_values=[...]",
            ailment="unwanted_rows",
        )
    return np.array(part)


def _validated(part: Any, frame: pl.LazyFrame, dataset: Dataset, share: float, rng: Any) -> Any:
    """Take a share of all rows from the training rows for validation: whole groups, the latest, or by lot, as roles say."""
    import numpy as np

    rows = np.flatnonzero(part == PARTS.index("train"))
    share = share * len(part) / max(len(rows), 1)
    if share >= 1:
        raise DataError(
            f"split.valid is {share:.0%} of the rows that split.column leaves for training",
            hint="choose a smaller split.valid, or name its rows with split.valid_values=[...]",
        )
    if dataset.roles.group:
        held = _by_group(_values(frame, dataset.roles.group)[rows], (share, 0.0), 0.0, rng)
    elif dataset.roles.time:
        held = by_time(_times(frame, dataset.roles.time)[rows], SplitOptions(test=share))
    else:
        held = _draw(len(rows), (share, 0.0), 0.0, rng)
    made = part.copy()
    made[rows[held == PARTS.index("test")]] = PARTS.index("valid")
    return made


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
            hint="choose another column for roles.time",
            ailment="read_type",
            facts={"column": name, "type": "datetime"},
        )
    return values


def _values(frame: pl.LazyFrame, name: str) -> pl.Series:
    names = frame.collect_schema().names()
    if name not in names:
        raise DataError(f"'{name}' is not a column of the data", hint=suggestion(name, names, "column"))
    return frame.select(name).collect()[name]
