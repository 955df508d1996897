"""Answers for raw rows with a program of PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from hookline import DecisionRule, Intervals, Prediction, PredictionSets, Roles, Schema, Stored, Target
from hookline.data.target import no_prediction
from hookline.errors import StoreError
from hookline.kinds.artifacts import Column
from hookline.packages.pipeline import admit, require_finite

from .answers import MISSING_TIME, read, texts

if TYPE_CHECKING:
    import polars as pl

SLICE = 2_000
"""Rows that the program answers at a time: a forest holds a number a row and tree while it goes down."""


@dataclass(frozen=True)
class TorchPredictor:
    """A program, with the contract of its input.

    widths: bytes of a text, by column
    """

    schema: Schema
    target: Target
    roles: Roles
    program: Any
    widths: Mapping[str, int]
    decision: DecisionRule | None = None
    """How the program decides."""
    intervals: Intervals | None = None
    """How far the intervals reach that the program tells."""
    sets: PredictionSets | None = None
    """Which classes are in the sets that the program tells."""

    @classmethod
    def of(cls, stored: Stored, file: Path, *, exported: bool) -> Self:
        """Read a package, which may run what its file says; raises StoreError where that is damaged or of another contract."""
        try:
            with warnings.catch_warnings():
                # PyTorch says of all of TorchScript that it is deprecated, as the packager does.
                warnings.filterwarnings("ignore", "`torch.jit.*deprecated", DeprecationWarning)
                program, facts = read(file, exported)
            columns = {column["name"]: column for column in facts["columns"]}
            widths = {name: int(column["width"]) for name, column in columns.items() if column["kind"] == "string"}
        except Exception as error:  # PyTorch raises whatever its many readers raise
            raise StoreError(f"{file} cannot be read: {' '.join(f'{error}'.split())[:300]}") from error
        kinds = {column.name: column.kind for column in stored.schema.columns}
        if {name: column["kind"] for name, column in columns.items()} != kinds:
            raise StoreError(f"{file} takes other columns than the package")
        rules = (stored.decision, stored.intervals, stored.sets)
        return cls(stored.schema, stored.target, stored.roles, program, widths, *rules)

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each raw row, in order; raises DataError naming every column that breaks the schema."""
        admitted = admit(frame, self.schema, self.roles)
        parts = [self._answered(rows) for rows in admitted.rows.iter_slices(SLICE)]
        if not parts:
            return replace(no_prediction(self.target), row_ids=admitted.ids)
        answers = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        found = require_finite(self._prediction(answers))
        return replace(found, row_ids=admitted.ids, warnings=admitted.warnings)

    def with_schema(self, schema: Schema) -> Self:
        """Return a predictor on the same program under another contract for the same columns."""
        return replace(self, schema=schema)

    def _answered(self, rows: pl.DataFrame) -> dict[str, np.ndarray]:
        feeds = {
            column.name: torch.from_numpy(_fed(rows[column.name], column, self.widths.get(column.name, 0)))
            for column in self.schema.columns
        }
        with torch.inference_mode():
            return {name: answer.numpy() for name, answer in self.program(feeds).items()}

    def _prediction(self, answers: Mapping[str, np.ndarray]) -> Prediction:
        if self.target.task == "regression":
            bounds = None if self.intervals is None else np.column_stack([answers["lower"], answers["upper"]])
            return Prediction(answers["value"].astype(np.float64), intervals=bounds)
        labels = np.array(self.target.classes)[answers["label"]]
        sets = None if self.sets is None else answers["set"]
        return Prediction(labels, answers["probabilities"].astype(np.float64), self.target.classes, sets=sets)


def _fed(values: pl.Series, column: Column, width: int) -> np.ndarray:
    """Return a column as the program takes it, (n,), texts (n, width)."""
    import polars as pl

    if column.kind == "string":
        filled = values.cast(pl.String).fill_null("")
        # Each text is encoded once, however often it returns.
        distinct = filled.unique()
        found: np.ndarray = texts(distinct.to_list(), width)[filled.cast(pl.Enum(distinct)).to_physical().to_numpy()]
        return found
    if column.kind == "datetime":
        moments = values.cast(pl.Datetime("us")).dt.epoch("us").fill_null(MISSING_TIME)
        return np.array(moments.to_numpy())
    return np.array(values.cast(pl.Float64).fill_null(float("nan")).to_numpy())
