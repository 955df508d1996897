"""Looks at a split before any training: rows on both sides, columns that give the answer away, columns that only name rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .artifacts import ROW_ID, Dataset, Finding, Metric, Report, Severity, Split, Table, Target
from .schema import as_number, column_kind

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

LEAK = 0.99
"""A column that alone explains this share of the target is critical: it is the target under another name."""
SUSPECT = 0.95
DETERMINED, EXACT = 0.98, 0.999
"""Numbers whose weighted sum explains this share of a number are likely what it is computed from; or surely."""
ID_LIKE = 0.99
"""A text or whole number with a value of its own in this share of rows names them."""
BINS = 256
EXAMPLES = 10


def audit(split: Split, target: Target) -> Report:
    """Audit training against held-out rows; findings name columns and rows.

    Tables: `explained`, what each column alone says of the target (held-out accuracy above the most frequent class, or R2);
    `duplicates`, held-out row ids with the training row that equals each.
    """
    scores = sorted(_scores(split, target), key=lambda pair: -pair[1])
    twins = _twins(split)
    findings = [
        *_leaks(scores, target),
        *_determined(split, target, scores),
        *_duplicates(twins, split),
        *_id_like(split.train),
        *_overlaps(split),
    ]
    tables = [Table("explained", ("column", "share"), tuple((name, round(score, 4)) for name, score in scores))]
    if twins.height:
        rows = twins.head(EXAMPLES).select("test", "train").rows()
        tables.append(Table("duplicates", ("held_out_row", "training_row"), tuple(rows)))
    metric = Metric("duplicate_share", twins.height / max(1, _rows(split.test)), greater_is_better=False)
    return Report("Split audit", (metric,), tuple(tables), findings=tuple(findings))


def _scores(split: Split, target: Target) -> Iterator[tuple[str, float]]:
    """Yield each feature column with the share of the target that it alone explains on held-out rows."""
    import polars as pl

    truth = [_truth(part, target) for part in (split.train, split.test)]
    schema = split.train.frame.collect_schema()
    for name in split.train.feature_columns():
        columns = [part.frame.select(pl.col(name)).collect()[name] for part in (split.train, split.test)]
        train, test = _codes(columns[0], columns[1], schema[name])
        yield name, _explained(train, test, truth[0], truth[1], target)


def _truth(part: Dataset, target: Target) -> np.ndarray:
    """Return the raw target: float64 numbers, or int64 codes with -1 for a label of no class."""
    import polars as pl

    column = part.frame.select(pl.col(target.name)).collect()[target.name]
    if target.task == "regression":
        return column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    codes = {str(label): code for code, label in enumerate(target.classes)}
    return column.cast(pl.String).replace_strict(codes, default=-1, return_dtype=pl.Int64).to_numpy()


def _codes(train: pl.Series, test: pl.Series, dtype: pl.DataType) -> tuple[np.ndarray, np.ndarray]:
    """Return bins of two samples of one column, int64: quantiles of training for numbers, values for all else; 0 is missing."""
    import numpy as np
    import polars as pl

    kind = column_kind(dtype)
    number = as_number(train.name, kind, dtype)
    if number is not None:
        values = [column.to_frame().select(number.fill_nan(None)).to_series() for column in (train, test)]
        present = values[0].drop_nulls().to_numpy()
        present = present[np.isfinite(present)]
        edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1))[1:-1]) if len(present) else np.empty(0)
        found = [np.searchsorted(edges, column.fill_null(0.0).to_numpy(), side="left") + 1 for column in values]
        missing = [column.is_null().to_numpy() for column in values]
        return np.where(missing[0], 0, found[0]), np.where(missing[1], 0, found[1])
    texts = [column.cast(pl.String) for column in (train, test)]
    places = {value: place for place, value in enumerate(texts[0].drop_nulls().unique(maintain_order=True), 1)}
    coded = [column.replace_strict(places, default=0, return_dtype=pl.Int64) for column in texts]
    return coded[0].fill_null(0).to_numpy(), coded[1].fill_null(0).to_numpy()


def _explained(train: Any, test: Any, y_train: np.ndarray, y_test: np.ndarray, target: Target) -> float:
    import numpy as np

    size = int(max(train.max(initial=0), test.max(initial=0))) + 1
    if target.task == "regression":
        known, asked = np.isfinite(y_train), np.isfinite(y_test)
        mean = y_train[known].mean()
        sums = np.bincount(train[known], y_train[known], minlength=size)
        counts = np.bincount(train[known], minlength=size)
        of_bin = np.divide(sums, counts, out=np.full(size, mean), where=counts > 0)
        spread = ((y_test[asked] - y_test[asked].mean()) ** 2).sum()
        return float(1 - ((y_test[asked] - of_bin[test[asked]]) ** 2).sum() / spread) if spread else 0.0
    known, asked = y_train >= 0, y_test >= 0
    classes = len(target.classes)
    flat = np.bincount(train[known] * classes + y_train[known], minlength=size * classes).reshape(size, classes)
    overall = int(flat.sum(axis=0).argmax())
    of_bin = np.where(flat.sum(axis=1) > 0, flat.argmax(axis=1), overall)
    base = float((y_test[asked] == overall).mean()) if asked.any() else 1.0
    right = float((y_test[asked] == of_bin[test[asked]]).mean()) if asked.any() else 0.0
    return (right - base) / (1 - base) if base < 1 else 0.0


def _leaks(scores: Sequence[tuple[str, float]], target: Target) -> Iterator[Finding]:
    for name, score in scores:
        if score >= SUSPECT:
            severity: Severity = "critical" if score >= LEAK else "warning"
            text = (
                f"'{name}' alone explains {score:.1%} of '{target.name}': is it known when a prediction is wanted? "
                f"If not, roles.ignore=[{name}]."
            )
            yield Finding(name, "explained", score, SUSPECT, severity, text)


def _determined(split: Split, target: Target, scores: Sequence[tuple[str, float]]) -> Iterator[Finding]:
    """Find numbers that add up to the target: least squares on all of them, then without each."""
    import numpy as np

    names = [name for name, score in scores if _is_number(split, name)]
    if target.task != "regression" or len(names) < 2 or any(score >= LEAK for _, score in scores):
        return
    train, test = (_numbers(part, names) for part in (split.train, split.test))
    y_train, y_test = (_truth(part, target) for part in (split.train, split.test))
    whole = _linear(train, test, y_train, y_test)
    if whole < DETERMINED:
        return
    needed = []
    for place, name in enumerate(names):
        rest = [other for other in range(len(names)) if other != place]
        left = _linear(train[:, rest], test[:, rest], y_train, y_test)
        if left < DETERMINED:
            needed.append((left, name))
    shown = ", ".join(f"'{name}'" for _, name in sorted(needed)) or "several columns"
    severity: Severity = "critical" if whole >= EXACT else "warning"
    yield Finding(
        sorted(needed)[0][1] if needed else names[0],
        "determined",
        float(np.clip(whole, 0, 1)),
        DETERMINED,
        severity,
        f"'{target.name}' is a sum of other columns: {shown} give it to {whole:.2%}. Are they known when a prediction is wanted?",
    )


def _linear(train: np.ndarray, test: np.ndarray, y_train: np.ndarray, y_test: np.ndarray) -> float:
    """Return R2 on held-out rows of least squares with an intercept."""
    import numpy as np

    center, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    design = [np.column_stack([np.ones(len(part)), (part - center) / scale]) for part in (train, test)]
    weights, *_ = np.linalg.lstsq(design[0], y_train, rcond=None)
    spread = ((y_test - y_test.mean()) ** 2).sum()
    return float(1 - ((y_test - design[1] @ weights) ** 2).sum() / spread) if spread else 0.0


def _numbers(part: Dataset, names: Sequence[str]) -> np.ndarray:
    import polars as pl

    columns = [pl.col(name).cast(pl.Float64).fill_nan(None).fill_null(0.0) for name in names]
    return part.frame.select(columns).collect().to_numpy()


def _is_number(split: Split, name: str) -> bool:
    return column_kind(split.train.frame.collect_schema()[name]) == "number"


def _twins(split: Split) -> pl.DataFrame:
    """Return held-out rows that equal a training row in every feature: `test` and `train` row ids."""
    import polars as pl

    names = split.train.feature_columns()
    train, test = (
        part.frame.select(pl.col(ROW_ID), pl.struct(names).hash(0).alias("hash")) for part in (split.train, split.test)
    )
    first = train.group_by("hash").agg(pl.col(ROW_ID).min().alias("train"))
    return test.rename({ROW_ID: "test"}).join(first, on="hash", how="inner").sort("test").collect()


def _duplicates(twins: pl.DataFrame, split: Split) -> Iterator[Finding]:
    if not twins.height:
        return
    share = twins.height / _rows(split.test)
    severity: Severity = "warning" if share >= 0.01 else "info"
    shown = ", ".join(map(str, twins["test"].head(5).to_list()))
    text = (
        f"{twins.height:,} held-out rows ({share:.1%}) have a twin among the training rows, such as rows {shown}: "
        "they are judged by heart. transform=[dedupe] drops rows that repeat another whole."
    )
    yield Finding("rows", "duplicates", share, 0.01, severity, text)


def _id_like(train: Dataset) -> Iterator[Finding]:
    import polars as pl

    schema = train.frame.collect_schema()
    names = [name for name in train.feature_columns() if schema[name].is_integer() or schema[name] == pl.String]
    rows = _rows(train)
    if not names or rows < 50:
        return
    distinct = train.frame.select(pl.col(name).n_unique() for name in names).collect().row(0, named=True)
    for name, count in distinct.items():
        if count / rows >= ID_LIKE:
            text = f"'{name}' has a value of its own in nearly every row, so it names rows: roles.id={name}, or roles.ignore?"
            yield Finding(name, "distinct_share", count / rows, ID_LIKE, "warning", text)


def _overlaps(split: Split) -> Iterator[Finding]:
    """Find groups on both sides, and training rows that are later than held-out ones, where the split did not see to it."""
    import polars as pl

    roles = split.train.roles
    if roles.group and split.method != "group":
        sides = [part.frame.select(pl.col(roles.group).unique()) for part in (split.train, split.test)]
        both = sides[0].join(sides[1], on=roles.group, how="inner").select(pl.len()).collect().item()
        if both:
            text = f"{both:,} groups of '{roles.group}' are on both sides of the split; split.method=group keeps them apart."
            yield Finding(roles.group, "groups_on_both_sides", float(both), 0.0, "warning", text)
    if roles.time and split.method != "time":
        first = split.test.frame.select(pl.col(roles.time).min()).collect().item()
        later = split.train.frame.select((pl.col(roles.time) > first).mean()).collect().item()
        if later:
            text = f"{later:.0%} of training rows are later than the first held-out one; split.method=time tests on the future."
            yield Finding(roles.time, "trained_on_the_future", float(later), 0.0, "warning", text)


def _rows(part: Dataset) -> int:
    import polars as pl

    return int(part.frame.select(pl.len()).collect().item())
