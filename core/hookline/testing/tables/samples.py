"""Small tables to check components on: numbers, texts, booleans, moments, missing values, and a target that can be learned."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hookline.errors import UsageError
from hookline.kinds.artifacts import ROW_ID, Dataset, Roles, Target, Task

if TYPE_CHECKING:
    import polars as pl

ROWS = 240
TEST_ROWS = 60
CLASSES: dict[Task, tuple[str, ...]] = {"binary": ("no", "yes"), "multiclass": ("high", "low", "medium")}


@dataclass(frozen=True)
class Sample:
    """Rows to learn from and rows to judge by."""

    train: Dataset
    test: Dataset
    target: Target

    @classmethod
    def of(cls, dataset: Dataset) -> Sample:
        """Take a dataset over as a run does; its last quarter becomes the test rows."""
        import polars as pl

        frame = dataset.frame.collect()
        name = dataset.roles.target
        if name is None or name not in frame.columns:
            raise UsageError("sample needs a target", hint='Dataset(frame, Roles(target="..."))')
        if ROW_ID not in frame.columns:
            frame = frame.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
        target = dataset.target or _target(frame[name])
        cut = frame.height - max(1, frame.height // 4)
        train, test = (replace(dataset, frame=part.lazy(), target=target) for part in (frame[:cut], frame[cut:]))
        return cls(train, test, target)

    @property
    def whole(self) -> Dataset:
        """Return all rows, those to learn from first."""
        import polars as pl

        return self.train.with_frame(pl.concat([self.train.frame, self.test.frame]))

    def unlabeled(self) -> pl.LazyFrame:
        """Return the test rows as they are at inference: without the target."""
        return self.test.frame.drop(self.target.name)


def table(task: Task) -> Sample:
    """Return the kit's table for a task.

    age: Float64, some missing; income: Int64; city: String, some missing; member: Boolean; joined: Datetime; target
    """
    import polars as pl

    rng = random.Random(20_260_101)
    rows = [_row(rng, i) for i in range(ROWS)]
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.Series("target", [_label(r, task) for r in rows])
    )
    for name, every, start in (("age", 17, 3), ("city", 23, 5)):
        gap = pl.int_range(pl.len()) % every == start
        frame = frame.with_columns(pl.when(gap).then(None).otherwise(pl.col(name)).alias(name))
    frame = frame.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
    target = Target("target", task, CLASSES.get(task, ()))
    roles = Roles(target="target")
    cut = ROWS - TEST_ROWS
    return Sample(
        Dataset(frame[:cut].lazy(), roles, "sample", target),
        Dataset(frame[cut:].lazy(), roles, "sample", target),
        target,
    )


def strange_rows(frame: pl.LazyFrame) -> pl.DataFrame:
    """Return rows unlike any in training: a text never seen, then a row with nothing but missing values, then a usual one."""
    import polars as pl

    first = frame.head(3).collect()
    columns = []
    for values in first:
        if values.name == ROW_ID:
            columns.append(values)
            continue
        cells: list[Any] = values.to_list()
        cells[0] = "never seen before" if values.dtype == pl.String else cells[0]
        cells[1] = None
        columns.append(pl.Series(values.name, cells, dtype=values.dtype))
    return pl.DataFrame(columns)


def _row(rng: random.Random, i: int) -> dict[str, Any]:
    return {
        "age": round(rng.uniform(18, 80), 1),
        "income": rng.randrange(10_000, 90_000),
        "city": ("Oslo", "Lima", "Pune")[rng.randrange(3)],
        "member": rng.random() < 0.5,
        "joined": datetime(2026, 1, 1) + timedelta(hours=7 * i),
    }


def _label(row: dict[str, Any], task: Task) -> str | float:
    score: float = row["income"] / 1_000 + 10 * (row["city"] == "Oslo") + 5 * row["member"]
    if task == "regression":
        # Quarters, so that float32 holds each number exactly.
        return round(score * 4) / 4
    if task == "binary":
        return "yes" if score > 55 else "no"
    return "low" if score < 40 else "medium" if score < 70 else "high"


def _target(column: pl.Series) -> Target:
    if column.dtype.is_float() or (column.dtype.is_integer() and column.n_unique() > 20):
        return Target(column.name, "regression")
    classes = tuple(column.drop_nulls().unique().sort().to_list())
    return Target(column.name, "binary" if len(classes) == 2 else "multiclass", classes)
