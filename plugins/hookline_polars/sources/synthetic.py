"""Rows made to order: any number, mixed types, missing values, a target that depends on them, and a planted drift."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, MinLen

from hookline import Dataset, Roles, Source

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

CHUNK = 100_000
"""Rows made at a time; each chunk has a seed of its own, so that row i is the same in a table of any length."""
START = 1_767_225_600_000_000
"""The first timestamp: 2026-01-01 UTC, in microseconds."""
VERSION = "1"


class SyntheticSource(Source):
    """A table of `rows` rows: id, timestamp, numbers, categories, and a target that depends on the features.

    From row `drift_from` on, the first numbers move by `drift_shift` standard deviations, categories change their mix,
    and with `drift_concept` the target's dependence on the features is turned round.
    """

    name = "synthetic"
    rows: Annotated[int, Gt(0)] = 10_000
    """Number of rows; they are made in chunks as they are read."""
    numeric: Annotated[int, Ge(1)] = 12
    """Number columns, standard normal."""
    cardinalities: Annotated[tuple[Annotated[int, Ge(2)], ...], MinLen(0)] = (5, 10, 30, 100, 300, 1000)
    """Number of categories of each category column."""
    missing: Annotated[float, Interval(ge=0, lt=1)] = 0.05
    """Share of missing values in number columns."""
    task: Literal["binary", "multiclass", "regression"] = "binary"
    """What the target is: yes or no, one of three letters, or a number."""
    noise: Annotated[float, Ge(0)] = 1.0
    """Standard deviation of what the features do not explain."""
    drift_from: Annotated[int, Ge(0)] | None = None
    """First row of the drift; null plants none."""
    drift_shift: float = 1.0
    """By how many standard deviations the first third of the numbers moves."""
    drift_concept: bool = False
    """Whether the target's dependence is turned round as well."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of everything."""

    def load(self) -> Dataset:
        """Return the rows lazily."""
        from polars.io.plugins import register_io_source

        def source(
            columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _: int | None
        ) -> Iterator[pl.DataFrame]:
            left = self.rows if n_rows is None else min(n_rows, self.rows)
            for chunk in range(-(-left // CHUNK)):
                frame = self._chunk(chunk).head(left - chunk * CHUNK)
                frame = frame if columns is None else frame.select(columns)
                yield frame if predicate is None else frame.filter(predicate)

        schema = self._chunk(0).schema
        return Dataset(register_io_source(source, schema=schema, is_pure=True), name=self.name)

    def fingerprint(self) -> str:
        """Return a digest of the fields."""
        return hashlib.sha256(json.dumps([VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()[:32]

    def roles(self) -> Roles:
        """Return target and id."""
        return Roles(target="target", id="id")

    def _chunk(self, chunk: int) -> pl.DataFrame:
        import numpy as np
        import polars as pl

        rng = np.random.default_rng([self.seed, chunk])
        rows = np.arange(chunk * CHUNK, (chunk + 1) * CHUNK, dtype=np.int64)
        drifted = rows >= (self.drift_from if self.drift_from is not None else np.iinfo(np.int64).max)
        numbers = rng.standard_normal((self.numeric, CHUNK))
        numbers[: max(1, self.numeric // 3)] += np.where(drifted, self.drift_shift, 0.0)
        categories = [self._categories(rng, size, drifted) for size in self.cardinalities]
        signal = self._signal(numbers, categories) * np.where(drifted & self.drift_concept, -1, 1)
        columns: dict[str, Any] = {
            "id": rows,
            "timestamp": pl.Series(START + rows * 60_000_000).cast(pl.Datetime("us")),
        }
        absent = rng.random(numbers.shape) < self.missing
        for i, values in enumerate(numbers):
            columns[f"number_{i}"] = pl.Series(np.where(absent[i], np.nan, values)).fill_nan(None)
        for i, codes in enumerate(categories):
            labels = pl.Series([f"c{code}" for code in range(self.cardinalities[i])])
            columns[f"category_{i}"] = labels.gather(codes)
        columns["target"] = self._target(rng, signal)
        return pl.DataFrame(columns)

    def _categories(self, rng: np.random.Generator, size: int, drifted: np.ndarray) -> np.ndarray:
        import numpy as np

        # Frequencies fall like 1 / rank, as counts of words and cities do.
        shares = 1 / np.arange(1, size + 1)
        edges = np.cumsum(shares / shares.sum())
        codes = np.minimum(np.searchsorted(edges, rng.random(CHUNK)), size - 1)
        return np.where(drifted, size - 1 - codes, codes)

    def _signal(self, numbers: np.ndarray, categories: list[np.ndarray]) -> np.ndarray:
        import numpy as np

        weights = np.random.default_rng([self.seed, 2**32 - 1])
        signal = weights.normal(0, 1, len(numbers)) @ numbers / len(numbers) ** 0.5
        for codes, size in zip(categories, self.cardinalities, strict=True):
            signal = signal + weights.normal(0, 0.5, size)[codes]
        return np.asarray(signal)

    def _target(self, rng: np.random.Generator, signal: np.ndarray) -> pl.Series:
        import numpy as np
        import polars as pl

        value = signal + rng.normal(0, self.noise, CHUNK) if self.noise else signal
        if self.task == "regression":
            return pl.Series(value)
        edges = np.array([0.0]) if self.task == "binary" else np.array([-0.6, 0.6])
        names = pl.Series(["no", "yes"] if self.task == "binary" else ["a", "b", "c"])
        return names.gather(np.searchsorted(edges, value))
