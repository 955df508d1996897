"""Answers for raw rows with an ONNX graph."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hookline import Prediction, Roles, Schema, Target
from hookline.artifacts import Column
from hookline.codec import from_json
from hookline.contract import Familiar
from hookline.errors import StoreError
from hookline.pipeline import admit, require_finite

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_TWICE = 64 * 1024**2
"""Bytes of a graph that is worth being held twice."""
BATCH = 100_000
"""Rows given to the session at a time, so that memory stays flat."""
MISSING_TIME = -(2**63)
EPOCH, MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


@dataclass(frozen=True)
class OnnxPredictor:
    """A session over model.onnx, with the contract of its input."""

    schema: Schema
    target: Target
    roles: Roles
    session: Any
    familiar: Familiar
    small: Any
    """The same graph for a few rows at a time, which threads would only hold up."""

    @classmethod
    def of(cls, path: Path) -> OnnxPredictor:
        """Read a package folder."""
        state = json.loads((path / "pipeline.json").read_text("utf-8"))
        schema = from_json(Schema, state["schema"])
        target, roles = from_json(Target, state["target"]), from_json(Roles, state["roles"])
        session = _session(path)
        twice = (path / "model.onnx").stat().st_size <= MOST_TWICE
        return cls(schema, target, roles, session, Familiar(schema), _session(path, threads=1) if twice else session)

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each raw row, in order; raises DataError naming every column that breaks the schema."""

        admitted = admit(frame, self.schema, self.roles)
        answers = [self.session.run(None, feeds) for feeds in _batches(admitted.rows, self.schema)]
        return self._prediction(answers, admitted.ids, admitted.warnings)

    def with_schema(self, schema: Schema) -> Self:
        """Return a predictor on the same session under another contract for the same columns."""
        return replace(self, schema=schema, familiar=Familiar(schema))

    def predict_columns(self, columns: Mapping[str, list[Any]]) -> Prediction:
        """Predict a few rows given by column as Python values, without a data frame in between."""
        import numpy as np

        warnings = self.familiar.warnings(columns)
        feeds = {column.name: _feed_values(columns[column.name], column) for column in self.schema.columns}
        given = columns.get(self.roles.id) if self.roles.id else None
        ids = np.arange(len(next(iter(columns.values())))) if given is None else np.array(given)
        return self._prediction([self.small.run(None, feeds)], ids, warnings)

    def _prediction(self, answers: list[Any], ids: np.ndarray, warnings: Mapping[int, tuple[str, ...]]) -> Prediction:
        import numpy as np

        if self.target.task == "regression":
            values = np.concatenate([answer[0] for answer in answers]) if answers else np.empty(0)
            return require_finite(Prediction(values.astype(np.float64), row_ids=ids, warnings=warnings))
        labels = np.concatenate([answer[0] for answer in answers]) if answers else np.empty(0, dtype=object)
        probabilities = (
            np.concatenate([answer[1] for answer in answers]) if answers else np.empty((0, len(self.target.classes)))
        )
        found = Prediction(self._labels(labels), probabilities.astype(np.float64), self.target.classes, ids, warnings)
        return require_finite(found)

    def _labels(self, labels: np.ndarray) -> np.ndarray:
        import numpy as np

        if all(isinstance(label, bool) for label in self.target.classes):
            return labels.astype(np.bool_)
        return labels.astype(np.str_) if labels.dtype == object else labels


def _session(path: Path, threads: int = 0) -> Any:
    import onnx
    import onnxruntime

    file = path / "model.onnx"
    try:
        graph = onnx.load(file, load_external_data=False)
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read: {error}") from error
    except Exception as error:
        raise StoreError(f"{file} is damaged: {error}") from error
    if any(tensor.external_data for tensor in _tensors(graph)):
        raise StoreError(f"{file} keeps weights in other files, which a package does not do")
    foreign = {opset.domain for opset in graph.opset_import} - {"", "ai.onnx", "ai.onnx.ml"}
    if foreign:
        raise StoreError(f"{file} needs operators of {', '.join(sorted(foreign))}, which are not ONNX's own")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise StoreError(f"{file} cannot be run: {error}") from error


def _tensors(message: Any) -> Iterator[Any]:
    """Return every tensor in a graph: initializers, constants, and those of subgraphs and functions."""
    import onnx

    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                yield from _tensors(item)


def _batches(rows: pl.DataFrame, schema: Schema) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, rows.height, BATCH):
        batch = rows.slice(start, BATCH)
        yield {column.name: _feed(batch[column.name], column) for column in schema.columns}


def _feed(values: pl.Series, column: Column) -> np.ndarray:
    import numpy as np
    import polars as pl

    if column.kind == "string":
        return np.array(values.cast(pl.String).fill_null("").to_list(), dtype=object).reshape(-1, 1)
    if column.kind == "datetime":
        moments = values.cast(pl.Datetime("us")).dt.epoch("us")
        return moments.fill_null(MISSING_TIME).to_numpy().astype(np.int64).reshape(-1, 1)
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(-1, 1)


def _feed_values(values: list[Any], column: Column) -> np.ndarray:
    import numpy as np

    if column.kind == "string":
        return np.array([value or "" for value in values], dtype=object).reshape(-1, 1)
    if column.kind == "datetime":
        moments = [MISSING_TIME if value is None else (value - EPOCH) // MICROSECOND for value in values]
        return np.array(moments, dtype=np.int64).reshape(-1, 1)
    # None becomes NaN.
    return np.array(values, dtype=np.float64).reshape(-1, 1)
